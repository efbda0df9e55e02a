"""Who works on what next: hands tasks out to the workers of each server.

Fair and in order: the report that is worked on least comes first, so that a slow report does not
keep others waiting, and the tasks of a series are handed out oldest first. Tasks of quick reports
are handed out in batches, since at a tenth of a millisecond a query, handing over is what costs.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from reportupdater.execution.lane import Lane
from reportupdater.execution.outcome import Failure, Outcome
from reportupdater.model import Report, Series, Server, Task
from reportupdater.planning.due import Due

FAILURES_IN_A_ROW = 3
"""After so many, the rest of a series waits for the next run."""

BATCH_SECONDS = 0.02
"""What a batch should take: handing over costs nothing beside it, and no worker waits for it."""
_LARGEST_BATCH = 64


@dataclass(slots=True, eq=False)
class _Group:
    """What is due of one report on one server: lanes, each in its order.

    `limit` is how many batches may be in work at once, `size` how many tasks the next one has, and
    `divisible` how many of those in work may yet come back in part.
    """

    limit: int | None
    lanes: deque[Lane] = field(default_factory=deque)
    working: int = 0
    divisible: int = 0
    size: int = 1

    def lane(self, may: Callable[[Series], bool]) -> Lane | None:
        """Return the first lane whose next task may be handed out."""
        if self.limit is not None and self.working >= self.limit:
            return None
        while self.lanes and not self.lanes[0]:
            self.lanes.popleft()
        return next((lane for lane in self.lanes if lane and may(lane.series)), None)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Tasks of one report that one worker does one after the other."""

    tasks: list[Task]
    group: _Group
    lane: Lane


class Dispatcher:
    """Hands out tasks. Every method may be called by any thread."""

    def __init__(
        self,
        dues: Iterable[Due],
        server: Callable[[Series], Server],
        has_side_effects: Callable[[Due], bool],
        later: Iterable[Due] = (),
    ) -> None:
        """A series is there once, and once in what is done `later`, after all else of its report."""
        self._changed = threading.Condition()
        self._stopped = False
        self._groups: dict[Server, list[_Group]] = {}
        self._failures: Counter[Series] = Counter()  # in a row
        self._working: Counter[Series] = Counter()
        self._of: dict[tuple[Server, Report], _Group] = {}
        self._fill(dues, server, has_side_effects)
        self._fill(later, server, has_side_effects, are_last=True)

    def _fill(
        self,
        dues: Iterable[Due],
        server: Callable[[Series], Server],
        has_side_effects: Callable[[Due], bool],
        *,
        are_last: bool = False,
    ) -> None:
        by_report: dict[tuple[Server, Report], list[Due]] = {}
        for due in dues:
            by_report.setdefault((server(due.series), due.series.report), []).append(due)
        for (place, report), members in by_report.items():
            alone = has_side_effects(members[0])
            group = self._of.get((place, report))
            if group is None:
                group = self._of[place, report] = _Group(
                    report.concurrency or (1 if alone else None)
                )
                self._groups.setdefault(place, []).append(group)
            if alone:  # oldest first across all series: they may build on each other
                group.lanes.append(Lane(members, is_last=are_last))
            else:
                group.lanes.extend(Lane([due], is_last=are_last) for due in members)

    def waiting(self) -> dict[Server, int]:
        """Return how many tasks of each server are still to be handed out."""
        with self._changed:
            return {
                server: sum(lane.count for group in groups for lane in group.lanes)
                for server, groups in self._groups.items()
            }

    def take(self, server: Server) -> Batch | None:
        """Return the next tasks to do, or None when nothing is left to do on the server.

        Waits while what is left has to wait for what others work on.
        """
        with self._changed:
            while not self._stopped:
                groups = self._groups[server]
                found = self._next(groups)
                if found:
                    return self._hand_out(*found)
                if not any(group.divisible or any(group.lanes) for group in groups):
                    break
                self._changed.wait()
            return None

    def _next(self, groups: list[_Group]) -> tuple[_Group, Lane] | None:
        for group in sorted(groups, key=lambda group: group.working):
            lane = group.lane(self._may)
            if lane is not None:
                # The next to ask gets another report, if one is as idle.
                groups.remove(group)
                groups.append(group)
                return group, lane
        return None

    def _may(self, series: Series) -> bool:
        # A series that has just failed is asked one task at a time, until one succeeds; one whose
        # results are compared with those before always is.
        is_single = series.report.in_order or self._failures[series]
        return not (is_single and self._working[series])

    def _hand_out(self, group: _Group, lane: Lane) -> Batch:
        tasks = lane.take(1 if self._failures[lane.series] else group.size)
        group.working += 1
        group.divisible += len(tasks) > 1
        for task in tasks:
            self._working[task.series] += 1
        return Batch(tasks, group, lane)

    def give_back(self, batch: Batch, outcomes: Sequence[Outcome], seconds: float) -> list[Due]:
        """Return a worker has done with a batch; what it has no outcome for is handed out again.

        Return what will not be handed out any more in this run, because its series has failed too
        often in a row.
        """
        group = batch.group
        with self._changed:
            group.working -= 1
            group.divisible -= len(batch.tasks) > 1
            if outcomes:
                quick = seconds < BATCH_SECONDS
                larger, smaller = min(group.size * 2, _LARGEST_BATCH), max(group.size // 2, 1)
                group.size = larger if quick else smaller
            for task in batch.tasks:
                self._working[task.series] -= 1
            undone = batch.tasks[len(outcomes) :]
            if undone:
                batch.lane.put_back(undone)
                if batch.lane not in group.lanes:  # it was empty
                    lanes = group.lanes
                    (lanes.append if batch.lane.is_last else lanes.appendleft)(batch.lane)
            given_up = self._count(group, outcomes)
            self._changed.notify_all()
            return given_up

    def _count(self, group: _Group, outcomes: Iterable[Outcome]) -> list[Due]:
        given_up: list[Due] = []
        for outcome in outcomes:
            series = outcome.task.series
            if not isinstance(outcome, Failure):
                self._failures.pop(series, None)
                continue
            self._failures[series] += 1
            if self._failures[series] >= FAILURES_IN_A_ROW:
                for lane in group.lanes:
                    given_up += lane.remove([series])
        return given_up

    def leave(self, series: Collection[Series]) -> list[Due]:
        """Take back what is not handed out of some series."""
        with self._changed:
            servers = list(self._groups)
        return [
            due for one in servers for due in self.abandon(one, lambda due: due.series in series)
        ]

    def abandon(self, server: Server, which: Callable[[Due], object]) -> list[Due]:
        """Take back what is not handed out of the series of a server for which `which` is true."""
        taken: list[Due] = []
        with self._changed:
            for group in self._groups[server]:
                for lane in group.lanes:
                    taken += lane.remove([due.series for due in lane.dues if which(due)])
            self._changed.notify_all()
        return taken

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
