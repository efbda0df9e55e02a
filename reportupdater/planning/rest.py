"""Why the rest of a series' intervals is not due. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from reportupdater.intervals import Coverage
from reportupdater.model import Report, Series
from reportupdater.planning.due import Due
from reportupdater.planning.plan import Clock, window, within


class Why(enum.Enum):
    """Why an interval that is over is not due."""

    DONE = "done"
    HELD = "held"
    """Its result failed a check, and is neither accepted nor rejected."""
    FULL = "full"
    """Enough of its series is held; the rest waits for a decision."""
    MAX_DATA_POINTS = "max_data_points"
    """A merge would not keep it."""
    RANGE = "range"
    """It is outside of what this run was asked for."""
    BACK_OFF = "back_off"
    """It has failed, and is tried again later."""
    BACKFILL = "backfill"
    """A later run takes it."""
    SCHEDULE = "schedule"
    """It was not due at the last tick."""
    LAG = "lag"
    """It is over, and its lag has not passed."""


class Rest(NamedTuple):
    """Intervals of a series that are not due, as numbers, in runs that do not touch."""

    why: Why
    runs: tuple[tuple[int, int], ...]

    @property
    def intervals(self) -> int:
        """How many intervals they are."""
        return sum(past - first for first, past in self.runs)


def rest(series: Series, done: Coverage, due: Due, clock: Clock) -> list[Rest]:
    """Return every interval of a series, between `starts` and now or `ends`, that is not due, and why.

    `due` is what is by the same coverage and clock. The order is that of `Why`.
    """
    report = series.report
    granularity = report.granularity
    first, past = granularity.number(report.starts), granularity.number(clock.now)
    if report.ends is not None:
        past = min(past, granularity.ceiling(report.ends))
    numbers = due.numbers
    missing = done.missing(first, past).without(numbers)
    stays = done.within(range(first, past)).without(numbers)
    if not missing and not due.held:  # as nearly always
        return [Rest(Why.DONE, stays.runs)] if stays else []
    found: dict[Why, list[tuple[int, int]]] = {}
    for one, runs in ((Why.DONE, stays.without(due.held)), (Why.HELD, stays.intersected(due.held))):
        if runs:
            found[one] = [*runs.runs]
    later = missing.intersected(due.waiting)
    if later:
        found[Why.FULL if due.is_full else Why.BACK_OFF] = [*later.runs]
        missing = missing.without(later)
    why, bounds = _reasons(report, done, clock)
    for run in missing.runs:
        for part in _parts(*run, bounds):
            found.setdefault(why(part[0]), []).append(part)
    return [Rest(one, Coverage.joined(found[one]).runs) for one in Why if one in found]


def _reasons(
    report: Report, done: Coverage, clock: Clock
) -> tuple[Callable[[int], Why], list[int]]:
    """Return why a missing interval is not due, and the numbers between which that does not change."""
    kept = window(report, clock.now, done, latest=clock.latest)
    ticked = window(report, clock.now, done, tick=clock.as_of(report), latest=clock.latest)
    asked = within(report, clock, range(ticked.start, max(kept.stop, ticked.start)))

    def why(number: int) -> Why:
        if number < ticked.start:
            return Why.MAX_DATA_POINTS
        if number >= kept.stop:
            return Why.LAG
        if number not in asked:
            return Why.RANGE
        return Why.BACKFILL if number in ticked else Why.SCHEDULE

    return why, sorted({ticked.start, ticked.stop, kept.stop, asked.start, asked.stop})


def _parts(first: int, past: int, bounds: Iterable[int]) -> Iterator[tuple[int, int]]:
    for bound in bounds:
        if first < bound < past:
            yield first, bound
            first = bound
    yield first, past
