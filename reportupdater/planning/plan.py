"""What is due: a function of what is done, what is requested, and the clock. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from reportupdater.intervals import Coverage, over, watermark
from reportupdater.model import Reason, Report, Series
from reportupdater.planning.due import Due, joined
from reportupdater.planning.schedule import as_of

_NONE = Coverage()


class Clock(NamedTuple):
    """The moment of a run, in UTC, the part of time that it was asked for, and how much of it."""

    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    max_intervals: int | None = None
    """How many missing intervals of a series it takes; None leaves that to the report."""
    latest: datetime | None = None
    """The moment by which intervals are over, where it is not `now`: the clock was set back."""
    retries_now: bool = False
    """Whether intervals that have failed are tried though their back-off has not passed."""
    ignores_schedule: bool = False
    """Whether a report is looked at now, whatever its schedule says."""

    def as_of(self, report: Report) -> datetime:
        """Return the moment as of which a report's missing intervals are due."""
        return self.now if self.ignores_schedule else as_of(report, self.now)


def window(
    report: Report,
    now: datetime,
    done: Coverage | None = None,
    *,
    tick: datetime | None = None,
    latest: datetime | None = None,
) -> range:
    """Return the intervals of a report that may be computed at `now`, or as of its last `tick`.

    They lie between `starts` and the watermark or `ends`. Where `max_data_points` is set, none is
    older than what a merge keeps: N before the watermark or `ends`, or before the newest that is
    done and over, should that be later (`lag` was raised, or the clock set back). Else the older
    ones would be computed, trimmed, and computed again for ever.
    """
    granularity = report.granularity
    past = watermark(granularity, tick or now, report.lag)
    if report.ends is not None:
        past = min(past, granularity.ceiling(report.ends))
    first = granularity.number(report.starts)
    if report.max_data_points is not None:
        newest = done.newest_before(over(granularity, latest or now)) if done else None
        kept_until = past if newest is None else max(past, newest + 1)
        first = max(first, kept_until - report.max_data_points)
    return range(first, max(first, past))


def requestable(
    report: Report,
    now: datetime,
    done: Coverage | None = None,
    latest: datetime | None = None,
) -> range:
    """Return the intervals of a report that a rerun request may name.

    They are those of its window, and later ones: what is done and lies after the watermark (`lag`
    was raised, or the clock set back) keeps its request until it may be computed.
    """
    first = window(report, now, done, latest=latest).start
    return range(first, max(first, report.granularity.ceiling(report.ends or datetime.max)))


def due(
    series: Series,
    done: Coverage,
    asked_again: Collection[int],
    clock: Clock,
    failing: Iterable[int] = (),
    waiting: Coverage = _NONE,
    looked_back: Coverage = _NONE,
) -> Due:
    """Return what is due of a series: what is missing, and what is done and requested or `looked_back`.

    Missing is what was so at the last tick of the report's schedule; requests do not wait for it.
    Intervals that are `failing` keep no others from being done: they come last, and those that are
    `waiting` for their next try are not due.
    """
    report = series.report
    asked = within(
        report,
        clock,
        window(report, clock.now, done, tick=clock.as_of(report), latest=clock.latest),
    )
    bad = Coverage.of(failing)
    lacking = done.missing(asked.start, asked.stop)
    missing = _taken(lacking.without(waiting), bad, report, clock) if lacking else _NONE
    again = _NONE
    if asked_again:
        asked = within(report, clock, window(report, clock.now, done, latest=clock.latest))
        again = Coverage.of(number for number in asked_again if number in asked and number in done)
    late = looked_back.within(asked).without(again) if looked_back else _NONE
    later = _NONE
    if waiting:
        waits = (part.intersected(waiting) for part in (lacking, again, late))
        later = Coverage.of({number for part in waits for number in part})
        again, late = again.without(waiting), late.without(waiting)
    if not (missing or again or late):  # as nearly always
        return Due(series, waiting=later)
    parts = {Reason.MISSING: missing, Reason.RERUN: again, Reason.LOOKBACK: late}
    found = Due(series, joined(parts), waiting=later)
    return found._replace(failing=found.numbers.intersected(bad)) if bad else found


def _taken(missing: Coverage, failing: Coverage, report: Report, clock: Clock) -> Coverage:
    """Return the missing intervals that one run takes: the oldest, and the newest in any case.

    Those that are failing have what room the others leave.
    """
    most = clock.max_intervals or report.max_intervals
    if most is None or len(missing) <= most:
        return missing
    bad = missing.intersected(failing)
    fresh = missing.without(bad)
    if len(fresh) < most:
        return Coverage.joined(sorted([*fresh.runs, *_oldest(bad, most - len(fresh))]))
    past = fresh.runs[-1][1]
    return Coverage.joined([*_oldest(fresh, most - 1), (past - 1, past)])


def _oldest(numbers: Coverage, most: int) -> list[tuple[int, int]]:
    """Return the runs of so many of the oldest."""
    taken: list[tuple[int, int]] = []
    for first, past in numbers.runs:
        if most <= 0:
            break
        taken.append((first, min(past, first + most)))
        most -= taken[-1][1] - first
    return taken


def within(report: Report, clock: Clock, allowed: range) -> range:
    """Return the part of `allowed` that a run was asked for."""
    first, past = allowed.start, allowed.stop
    if clock.since is not None:
        first = max(first, report.granularity.ceiling(clock.since))
    if clock.until is not None:
        past = min(past, report.granularity.ceiling(clock.until))
    return range(first, max(first, past))


class Requested(NamedTuple):
    """What a rerun request asks of one series: the intervals to compute again, and how many it may not."""

    numbers: list[int]
    dropped: int

    def starts(self, series: Series) -> list[tuple[str, str]]:
        """Return the intervals as the state spells them: the series' TSV, and the start's label."""
        granularity = series.report.granularity
        return [(series.tsv, granularity.label(granularity.start(n))) for n in self.numbers]


def requested(
    series: Series,
    done: Coverage,
    asked: range,
    now: datetime,
    latest: datetime | None = None,
) -> Requested:
    """Return which of the intervals asked for a request concerns: those of the series that are done.

    Those that are done and may not be requested are counted as dropped.
    """
    allowed = requestable(series.report, now, done, latest)
    wanted = done.within(asked)
    kept = wanted.within(allowed)
    return Requested(list(kept), len(wanted) - len(kept))
