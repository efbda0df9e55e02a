"""What is due of a series: stretches of intervals, not a task for each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reportupdater.intervals import Coverage
from reportupdater.model import Reason, Series, Task


class Stretch(NamedTuple):
    """The intervals `[first, past)` by their numbers, due for the same reason."""

    first: int
    past: int
    reason: Reason


class Due(NamedTuple):
    """The stretches of a series that are due, oldest first; they do not overlap.

    Fifty million tasks would take gigabytes and minutes before the first of them is done.
    """

    series: Series
    stretches: tuple[Stretch, ...] = ()
    failing: Coverage = Coverage()
    """Those that have failed since they last succeeded: they are done after all others."""
    waiting: Coverage = Coverage()
    """What would be due, and is not tried before a back-off has passed."""
    held: Coverage = Coverage()
    """Those of which a result is held; they count as done."""
    is_full: bool = False
    """Whether the rest waits until held results are accepted or rejected."""

    @property
    def intervals(self) -> int:
        """How many intervals they are."""
        return sum(past - first for first, past, _ in self.stretches)

    @property
    def oldest(self) -> Task:
        """The first task; there is one."""
        return next(self.tasks())

    @property
    def numbers(self) -> Coverage:
        """The numbers of the intervals."""
        return Coverage.joined((first, past) for first, past, _ in self.stretches)

    def parts(self) -> tuple[Due, Due]:
        """Return what is to be done first, and what has failed before."""
        if not self.failing:
            return self, Due(self.series)
        first: list[Stretch] = []
        last: list[Stretch] = []
        for stretch in self.stretches:
            whole = Coverage(((stretch.first, stretch.past),))
            failing = whole.intersected(self.failing)
            first += [Stretch(*run, stretch.reason) for run in whole.without(failing).runs]
            last += [Stretch(*run, stretch.reason) for run in failing.runs]
        return Due(self.series, tuple(first)), Due(self.series, tuple(last))

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks, oldest first, made as they are asked for."""
        interval = self.series.report.granularity.interval
        for first, past, reason in self.stretches:
            for number in range(first, past):
                yield Task(self.series, interval(number), reason)


def of_tasks(tasks: Iterable[Task]) -> list[Due]:
    """Return what is due where these tasks are, each series' oldest first."""
    numbers: dict[Series, list[Stretch]] = {}
    for series, interval, reason in ((task.series, task.interval, task.reason) for task in tasks):
        number = series.report.granularity.number(interval.start)
        numbers.setdefault(series, []).append(Stretch(number, number + 1, reason))
    return [Due(series, tuple(stretches)) for series, stretches in numbers.items()]


def joined(parts: dict[Reason, Coverage]) -> tuple[Stretch, ...]:
    """Return disjoint coverages, each due for a reason, as stretches."""
    if not any(parts.values()):  # as nearly always
        return ()
    return tuple(
        sorted(
            Stretch(first, past, reason)
            for reason, one in parts.items()
            for first, past in one.runs
        )
    )
