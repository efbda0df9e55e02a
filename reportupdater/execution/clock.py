"""The machine's clock, as the ledger and the locks tell when something happened."""

from __future__ import annotations

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, naive, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
