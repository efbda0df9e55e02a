"""When a report is looked at. Pure.

A report with a schedule is planned as if it were the moment of its last tick. What was due at that
tick and is not done is due, in every run, until it is done; then nothing is, until the next tick.
So nothing has to be remembered: a missed tick is made up by the next run, a task
that failed stays due, a run of some series or dates settles nothing for the others, and a schedule
that is changed, or a clock that is set back, counts at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from reportupdater import cron
from reportupdater.intervals import Granularity, Interval, watermark
from reportupdater.model import Report


def as_of(report: Report, now: datetime) -> datetime:
    """Return the moment as of which a report's missing intervals are due: now, or its last tick."""
    if report.schedule is None:
        return now
    return cron.last_tick(report.schedule, now) or datetime.min


def next_tick(report: Report, now: datetime) -> datetime | None:
    """Return when a report is looked at next; None without a schedule: it is in every run."""
    return cron.next_tick(report.schedule, now) if report.schedule else None


_INTERVALS = {
    Granularity.HOURS: 200,
    Granularity.DAYS: 40,
    Granularity.WEEKS: 12,
    Granularity.WEEKS_FROM_MONDAY: 12,
    Granularity.MONTHS: 14,
}
"""How many intervals show what a schedule does to all: those of a week, a month, a quarter, a year."""


def is_delayed(report: Report, now: datetime) -> bool:
    """Return whether the schedule lets each interval wait until the next one is over too.

    So it is where its ticks lie between the end of an interval and that of its `lag`: an interval could be
    computed before the next one is over, and it is not, whichever it is.
    """
    granularity = report.granularity
    if report.schedule is None:
        return False
    first = granularity.number(max(now, report.starts))
    try:
        for number in range(first, first + _INTERVALS[granularity]):
            ready = granularity.start(number + 1) + report.lag
            tick = cron.next_tick(report.schedule, ready - timedelta(microseconds=1))
            if tick is None or not ready < granularity.start(number + 2) <= tick:
                return False
    except (ValueError, OverflowError):  # beyond the year 9999
        return False
    return True


def became_due(report: Report, number: int) -> datetime | None:
    """Return the moment from which on an interval is computed; None where it lies too far ahead."""
    try:
        moment = report.granularity.start(number + 1) + report.lag
        if report.schedule is None:
            return moment
        return cron.next_tick(report.schedule, moment - timedelta(microseconds=1))
    except (ValueError, OverflowError):  # beyond the year 9999
        return None


class Next(NamedTuple):
    """The next interval of a report, and the moment from which on a run computes it."""

    interval: Interval
    due: datetime


def next_due(report: Report, now: datetime) -> Next | None:
    """Return the first interval of a report that is not due yet; None where `ends` lets none be.

    A function of the settings alone: results computed before with another lag do not count.
    """
    granularity = report.granularity
    number = max(
        granularity.number(report.starts),
        watermark(granularity, as_of(report, now), report.lag),
    )
    if report.ends is not None and number >= granularity.ceiling(report.ends):
        return None
    due = became_due(report, number)
    return Next(granularity.interval(number), due) if due else None
