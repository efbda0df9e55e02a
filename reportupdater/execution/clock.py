"""The machine's clock, for the times in the history and the locks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reportupdater.errors import UsageError
from reportupdater.state import history
from reportupdater.state.tables import Tables


def utcnow() -> datetime:
    """Now, naive, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


_TOO_LATE = timedelta(days=1)


def latest(state: Tables) -> datetime:
    """Return the latest moment that is known: now, or when the newest run of the state began.

    A clock that is set back does not make intervals that were over not over again.
    """
    newest = history.newest_start(state)
    return utcnow() if newest is None else max(utcnow(), newest)


def check_clock(state: Tables) -> datetime:
    """Return the latest moment that is known; raise UsageError where the clock is far behind it."""
    known, now = latest(state), utcnow()
    if known - now > _TOO_LATE:
        raise UsageError(
            f"this machine's clock is at {now:%Y-%m-%d %H:%M} UTC, and a run of this output folder"
            f" began at {known:%Y-%m-%d %H:%M}",
            hint="set the clock; if it is right now and was ahead then, --accept-clock goes on",
        )
    return known
