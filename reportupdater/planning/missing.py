"""What a series or report misses, when it ends, what a rerun request passes over. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from reportupdater.intervals import Coverage, over
from reportupdater.model import Report
from reportupdater.planning.plan import window
from reportupdater.planning.schedule import as_of

LATE = timedelta(days=1)
"""A series is late when what has been due for so long is not done."""
_SOON = timedelta(days=30)


def missing(report: Report, done: Coverage, now: datetime) -> int:
    """Return how many intervals of a series are due and not done."""
    allowed = window(report, now, done, tick=as_of(report, now))
    return len(allowed) - done.count(allowed)


def is_late(report: Report, done: Coverage, now: datetime) -> bool:
    """Return whether the newest interval that has been due for a day is not done, nor any later one.

    Older ones may be missing for long without anything being wrong: a long history takes its time.
    """
    due = window(report, now, done, tick=as_of(report, now - LATE))
    newest = done.newest_before(over(report.granularity, now))
    return bool(due) and (newest is None or newest < due[-1])


def ending(report: Report, now: datetime) -> str | None:
    """Return a notice that a report has ended, or ends within 30 days."""
    if report.ends is None or report.ends > now + _SOON:
        return None
    day = report.ends.isoformat(" ", "minutes").removesuffix(" 00:00")
    return f"`ends` has passed: {day}" if report.ends <= now else f"ends soon: {day}"


class NotRequested(NamedTuple):
    """Intervals that a rerun request passes over, counted by why."""

    before_starts: int = 0
    too_old: int = 0
    """Older than `max_data_points` keeps."""
    after_ends: int = 0
    not_over: int = 0
    """Not over yet, or `lag` has not passed."""
    not_done: int = 0
    """Due, so that the next run computes them anyway."""

    def plus(self, other: NotRequested) -> NotRequested:
        """Return the sums."""
        return NotRequested(*(one + two for one, two in zip(self, other, strict=True)))


def not_requested(report: Report, done: Coverage, wanted: range, now: datetime) -> NotRequested:
    """The intervals among `wanted` that a request passes over: those `plan.requested` does not give."""
    granularity = report.granularity
    starts = granularity.number(report.starts)
    allowed = window(report, now, done)
    ends = max(allowed.start, granularity.ceiling(report.ends or datetime.max))
    late = _part(wanted, allowed.stop, ends)
    due = _part(wanted, allowed.start, allowed.stop)
    return NotRequested(
        before_starts=len(_part(wanted, wanted.start, starts)),
        too_old=len(_part(wanted, starts, allowed.start)),
        after_ends=len(_part(wanted, max(ends, starts), wanted.stop)),
        not_over=len(late) - done.count(late),
        not_done=len(due) - done.count(due),
    )


def _part(numbers: range, first: int, past: int) -> range:
    first = max(numbers.start, first)
    return range(first, max(first, min(numbers.stop, past)))
