"""A queue of what is due of one series, or of several: tasks are made when they are handed out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace
from operator import attrgetter

from reportupdater.model import Series, Task
from reportupdater.planning.due import Due, Stretch


class Lane:
    """What is not handed out yet: the oldest first, across all series; of equal ones, in their order."""

    def __init__(self, dues: Iterable[Due], *, is_last: bool = False) -> None:
        """`is_last` is one that comes after all others."""
        self.is_last = is_last
        self._left = {due.series: list(reversed(due.stretches)) for due in dues}
        """The stretches of each series, the oldest last."""
        self._order = {series: order for order, series in enumerate(self._left)}
        self._next: list[tuple[int, int, Series]] = []
        """A heap: the next number of each series that has one."""
        self._arrange()

    def __bool__(self) -> bool:
        return bool(self._next)

    @property
    def count(self) -> int:
        """How many tasks are left."""
        return sum(past - first for left in self._left.values() for first, past, _ in left)

    @property
    def series(self) -> Series:
        """That of the next task."""
        return self._next[0][2]

    def take(self, most: int) -> list[Task]:
        """Hand out the next tasks, up to so many."""
        tasks: list[Task] = []
        while self._next and len(tasks) < most:
            number, order, series = self._next[0]
            left = self._left[series]
            first, past, reason = left.pop()
            if first + 1 < past:
                left.append(Stretch(first + 1, past, reason))
            if left:
                heapreplace(self._next, (left[-1].first, order, series))
            else:
                heappop(self._next)
            tasks.append(Task(series, series.report.granularity.interval(number), reason))
        return tasks

    def put_back(self, tasks: Sequence[Task]) -> None:
        """Take back tasks that were handed out; they are handed out again in their old places."""
        for task in tasks:
            number = task.series.report.granularity.number(task.interval.start)
            self._left[task.series].append(Stretch(number, number + 1, task.reason))
        for series in {task.series for task in tasks}:
            self._left[series].sort(key=attrgetter("first"), reverse=True)
        self._arrange()

    @property
    def dues(self) -> list[Due]:
        """All that is left."""
        return [Due(series, tuple(reversed(left))) for series, left in self._left.items() if left]

    def remove(self, some: Iterable[Series]) -> list[Due]:
        """Take out all that is left of some series."""
        removed = []
        for series in some:
            if left := self._left.get(series):
                removed.append(Due(series, tuple(reversed(left))))
                left.clear()
        if removed:
            self._arrange()
        return removed

    def _arrange(self) -> None:
        self._next = [
            (left[-1].first, self._order[series], series)
            for series, left in self._left.items()
            if left
        ]
        heapify(self._next)
