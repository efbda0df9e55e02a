"""The machine's clock, for the times in the history and the locks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from reportupdater.errors import UsageError
from reportupdater.state import clocks
from reportupdater.state.database import State
from reportupdater.state.tables import Tables

log = logging.getLogger(__name__)


def utcnow() -> datetime:
    """Now, naive, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


_TOO_LATE = timedelta(days=1)


def latest(state: Tables) -> datetime:
    """Return the latest moment that is known: now, or when the newest run of the state began.

    A clock that is set back does not make intervals that were over not over again.
    """
    newest = clocks.newest_start(state)
    return utcnow() if newest is None else max(utcnow(), newest)


def corrected_clock(state: State, *, accept: bool) -> datetime:
    """Return the latest moment that is known, and request again what was computed before it was over.

    With `accept` the clock is right now, however far ahead it was; else UsageError is raised where
    it is far behind.
    """
    known = latest(state) if accept else check_clock(state)
    now = utcnow()
    if known > now:
        early = clocks.request_early(state, now)
        if early:
            log.warning(
                "%s computed while a clock was ahead: %s computed again once over",
                "1 interval was" if early == 1 else f"{early:,} intervals were",
                "it is" if early == 1 else "they are",
            )
    if accept:
        clocks.accept_clock(state, now)
        return now
    return known


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
