"""The machine's clock, for the times in the history and the locks."""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, naive, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
