"""Why the rest of a series' intervals is not due. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reportupdater.intervals import Coverage
from reportupdater.model import Series, Task
from reportupdater.planning.plan import Clock, window, within
from reportupdater.planning.schedule import as_of


class Why(enum.Enum):
    """Why an interval that is over is not due."""

    DONE = "done"
    MAX_DATA_POINTS = "max_data_points"
    """A merge would not keep it."""
    RANGE = "range"
    """It lies outside of what this run was told to look at."""
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


def rest(series: Series, done: Coverage, tasks: Iterable[Task], clock: Clock) -> list[Rest]:
    """Every interval of a series, between `starts` and now or `ends`, that no task is for, and why.

    `tasks` are those that are due by the same coverage and clock. The order is that of `Why`.
    """
    report = series.report
    granularity = report.granularity
    first, past = granularity.number(report.starts), granularity.number(clock.now)
    if report.ends is not None:
        past = min(past, granularity.ceiling(report.ends))
    due = {granularity.number(task.interval.start) for task in tasks}
    kept = window(report, clock.now, done.newest)
    ticked = window(report, as_of(report, clock.now), done.newest)
    asked = within(report, clock, range(ticked.start, max(kept.stop, ticked.start)))
    found: dict[Why, list[int]] = {}
    for number in done.missing(first, past):
        if number in due:
            continue
        if number < ticked.start:
            why = Why.MAX_DATA_POINTS
        elif number >= kept.stop:
            why = Why.LAG
        elif number not in asked:
            why = Why.RANGE
        else:
            why = Why.BACKFILL if number in ticked else Why.SCHEDULE
        found.setdefault(why, []).append(number)
    stays = tuple(_without(due, done, range(first, max(first, past))))
    rests = {why: Coverage.of(numbers).runs for why, numbers in found.items()}
    if stays:
        rests[Why.DONE] = stays
    return [Rest(why, rests[why]) for why in Why if why in rests]


def _without(due: set[int], done: Coverage, whole: range) -> Iterator[tuple[int, int]]:
    """The runs of `whole` that are done and not due again.

    They may be years of hours, so that the intervals between their ends are not looked at.
    """
    for first, past in done.runs:
        at = max(first, whole.start)
        end = min(past, whole.stop)
        for number in sorted(number for number in due if at <= number < end):
            if at < number:
                yield at, number
            at = number + 1
        if at < end:
            yield at, end
