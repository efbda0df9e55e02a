"""Runs what is due on its engines and gives back what became of it, in batches to be committed."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Collection, Iterator, Sequence
from time import monotonic

from reportupdater.engines.base import Engine
from reportupdater.errors import NO_THREAD, NO_THREAD_HINT, ReportupdaterError
from reportupdater.execution.dispatch import Dispatcher
from reportupdater.execution.outcome import Handover, Unasked
from reportupdater.execution.progress import Doing
from reportupdater.execution.validate import Checked, checked
from reportupdater.execution.work import Shared, Worker
from reportupdater.model import Series, Server, Table, Task
from reportupdater.planning.due import Due

log = logging.getLogger(__name__)

TICK = 0.25
"""Seconds between two looks at deadlines and at whether the run shall end."""
_COMMIT_TASKS = 256
_COMMIT_SECONDS = 0.2
_ENDING_SECONDS = 6.0  # of the ten within which an interrupted run ends


class Execution:
    """The execution of a run's tasks. Iterate over it once; it is not used by other threads."""

    def __init__(
        self,
        dues: Sequence[Due],
        engine: Callable[[str], Engine],
        check: Callable[[Task, Table], Checked] = checked,
    ) -> None:
        """`engine` gives the engine of a name. The server of each series is looked up here.

        `check` makes a table fit to be handed over, or raises ResultError.
        """
        engines: dict[str, Engine] = {}
        limits: dict[Server, int] = {}

        def engine_of(series: Series) -> Engine:
            name = series.report.database.engine
            if name not in engines:
                engines[name] = engine(name)
            return engines[name]

        servers, self._unplaced = _looked_up(dues, engine_of)
        for series, server in servers.items():
            # Entries that share a server share its connections: the most careful one counts.
            own = series.report.database.concurrency
            limits[server] = min(limits.get(server, own), own)
        parts = [due.parts() for due in dues if due.series in servers]
        dispatcher = Dispatcher(
            [first for first, _ in parts if first.stretches],
            servers.__getitem__,
            lambda due: engine_of(due.series).has_side_effects(due.oldest),
            [last for _, last in parts if last.stretches],
        )
        waiting = dispatcher.waiting()
        self._shared = Shared(dispatcher, queue.Queue(maxsize=4 * len(waiting) + 16), check=check)
        most = max((min(limits[server], count) for server, count in waiting.items()), default=0)
        # The first of each server begin first: there may not be threads for all.
        self._workers = [
            Worker(server, engines[server.engine], self._shared)
            for number in range(most)
            for server, count in waiting.items()
            if number < min(limits[server], count)
        ]
        self._unstarted = list(self._workers)
        self._is_short = False
        self._alive = 0
        self._stopped_at: float | None = None

    def __enter__(self) -> Execution:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, should the iteration not have come to its end."""
        if self._alive:
            self.stop()
            for _batch in self:
                pass

    def stop(self) -> None:
        """Hand out nothing more, and stop what is in work. The iteration ends soon after."""
        if self._stopped_at is None:
            self._stopped_at = monotonic()
            self._shared.stopping.set()
            self._shared.dispatcher.stop()
            self._unstarted.clear()
            self._watch()

    def leave(self, series: Collection[Series]) -> list[Due]:
        """Hand out nothing more of some series, and return what was left of them."""
        return self._shared.dispatcher.leave(series) if series else []

    @property
    def doing(self) -> list[Doing]:
        """The tasks in work."""
        return [doing for worker in self._workers if (doing := worker.doing)]

    def __iter__(self) -> Iterator[Handover]:
        """What became of the tasks, as they end, a few hundred or a part of a second at a time.

        Those whose server cannot be found come first, before any query is asked. An empty batch
        comes when nothing has ended for a while, so that the caller can look after other things.
        Raises ReportupdaterError if a worker died, or if none could begin.
        """
        if self._unplaced:
            yield Handover([], self._unplaced, [])
        self._start()
        while self._alive:
            yield self._gather()
            if self._stopped_at and monotonic() - self._stopped_at > _ENDING_SECONDS:
                return  # what cannot be stopped ends with the process
        if not self._stopped_at and any(self._shared.dispatcher.waiting().values()):
            if self._unstarted:
                raise ReportupdaterError(NO_THREAD, hint=NO_THREAD_HINT)
            raise ReportupdaterError("a worker ended before its work; the log says why")

    def _start(self) -> None:
        """Let workers begin, as many as there are threads for."""
        while self._unstarted and self._unstarted[0].start():
            del self._unstarted[0]
            self._alive += 1
        if self._unstarted and self._alive and not self._is_short:
            self._is_short = True
            log.warning(
                "only %d of %d workers can begin: no further thread can be started (%s)",
                self._alive,
                len(self._workers),
                NO_THREAD_HINT,
            )

    def _gather(self) -> Handover:
        batch = self._watch()
        batch.outcomes.extend(outcome for worker in self._workers for outcome in worker.early())
        until = monotonic() + TICK
        while self._alive and len(batch.outcomes) < _COMMIT_TASKS:
            try:
                more = self._shared.outcomes.get(timeout=max(0.0, until - monotonic()))
            except queue.Empty:
                break
            if more is None:
                self._alive -= 1
                self._start()
                continue
            if not batch.outcomes:
                until = monotonic() + _COMMIT_SECONDS
            batch.add(more)
        return batch

    def _watch(self) -> Handover:
        """Stop what is late. What comes of the batches of workers that hang all the same."""
        now = monotonic()
        batch = Handover.empty()
        for worker in self._workers:
            left = worker.watch(now)
            if left is not None:
                self._alive -= 1
                batch.add(left)
        return batch


def _looked_up(
    dues: Sequence[Due], engine_of: Callable[[Series], Engine]
) -> tuple[dict[Series, Server], list[Unasked]]:
    """Return the server of each series, and what is due of those whose server cannot be found."""
    servers: dict[Series, Server] = {}
    unplaced: list[Unasked] = []
    for due in dues:
        try:
            servers[due.series] = engine_of(due.series).server(due.oldest)
        except ReportupdaterError as error:
            unplaced.append(Unasked(due, error))
    return servers, unplaced
