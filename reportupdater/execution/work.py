"""The workers: threads that each hold one connection of a server and run one query at a time."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from reportupdater.engines.base import CONNECT_TIMEOUT, Engine, Session
from reportupdater.engines.shared import unseen
from reportupdater.errors import (
    ConnectionFailed,
    Interrupted,
    QueryError,
    QueryTimeout,
    ReportupdaterError,
)
from reportupdater.execution.dispatch import BATCH_SECONDS, Batch, Dispatcher
from reportupdater.execution.outcome import Answer, Failure, Handover, Outcome, Unasked, answer
from reportupdater.execution.progress import Doing
from reportupdater.execution.retry import RETRY
from reportupdater.execution.room import NoRoomError, Room
from reportupdater.execution.validate import Checked, checked
from reportupdater.execution.watch import LeftBehind, Watched
from reportupdater.model import Series, Server, Table, Task
from reportupdater.planning.due import Due

log = logging.getLogger(__name__)

T = TypeVar("T")

LOST_RETRIES = 3
"""How often a query whose connection is lost is asked again: it may be what ends the server."""

_CLOSE_TIMEOUT = 10.0
"""Seconds within which a session must have closed."""

_HANGS = "does its disk, mount or network hang?"


@dataclass(eq=False)
class Shared:
    """What the workers of a run share."""

    dispatcher: Dispatcher
    outcomes: queue.Queue[Handover | None]
    """What workers hand over; None when one of them has ended."""
    stopping: threading.Event = field(default_factory=threading.Event)
    outages: dict[tuple[Server, object], ConnectionFailed] = field(default_factory=dict)
    """What is out of reach for the rest of the run, and why: a server (with None), or one access
    to it, where it is the login that it refuses."""
    workers: Counter[Server] = field(default_factory=Counter)
    """How many of a server's workers there are, less those that were left behind."""
    room: Room = field(default_factory=Room)
    check: Callable[[Task, Table], Checked] = checked
    """What makes a table fit to be handed over."""


class Worker:
    """One thread with at most one connection."""

    def __init__(self, server: Server, engine: Engine, shared: Shared) -> None:
        self._server = server
        self._engine = engine
        self._shared = shared
        self._session: Session | None = None
        self._series: Series | None = None  # the last that was asked for, and its access
        self._access: object = None
        self._watched = Watched(shared.stopping)
        self._batch: Batch | None = None
        self._task: Task | None = None
        self._connecting = False
        self._waits_for_room = False
        self._outcomes: list[Outcome] = []  # of the batch in work
        self._handed_over = 0  # how many of them
        self._handing_over = threading.Lock()
        shared.workers[server] += 1
        # A daemon: a call that cannot be stopped must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=str(server), daemon=True)

    def start(self) -> bool:
        """Begin to work; False where no thread can be had for it now."""
        try:
            self._thread.start()
        except RuntimeError:
            return False
        return True

    @property
    def doing(self) -> Doing | None:
        """The task in work."""
        return self._watched.doing

    def watch(self, now: float) -> Handover | None:
        """Stop a call that is late, or in the way of the run's end.

        Return what is to be handed over by a worker whose call does not end although it was stopped:
        its thread is left behind. Called by another thread, several times a second.
        """
        seconds = self._watched.look(now)
        return None if seconds is None else self._leave(seconds)

    def _leave(self, seconds: float) -> Handover:
        """Take the worker's batch from it; it fails where it hangs, and others do the rest."""
        shared = self._shared
        shared.workers[self._server] -= 1
        shared.room.leave(self._server, self)
        batch, task = self._batch, self._task
        if batch is None or task is None:  # it had nothing left to do but to close its session
            return Handover.empty()
        if self._connecting:
            what = f"{self._server} did not answer within {seconds:.0f} s, nor let go of its worker"
            error: ReportupdaterError = ConnectionFailed(what, hint=_HANGS)
            shared.outages[self._server, None] = ConnectionFailed(what, hint=_HANGS)
        else:
            what = f"stopped after {seconds:.0f} s, but the server did not let go of its worker"
            error = QueryTimeout(what, hint=_HANGS)
            if not shared.workers[self._server]:
                what = f"{self._server} has not let go of any of its workers"
                shared.outages[self._server, None] = ConnectionFailed(what, hint=_HANGS)
        log.info("%s: %s", task, error)
        self._outcomes.append(Failure(task, error, seconds))
        given_up = shared.dispatcher.give_back(batch, self._outcomes, seconds)
        return self._handover(self._outcomes, given_up)

    def early(self) -> list[Outcome]:
        """Return what has come of the batch in work since the last look: it need not wait for the rest.

        Called by another thread, which may look at a worker before it has what another one has handed
        over before: where the order counts, it gets nothing.
        """
        batch = self._batch
        is_ordered = batch is not None and batch.tasks[0].series.report.in_order
        return [] if is_ordered else self._fresh()

    def _fresh(self) -> list[Outcome]:
        """Return what has come since the last look."""
        with self._handing_over:
            outcomes = self._outcomes[self._handed_over :]
            self._handed_over += len(outcomes)
            return outcomes

    def _run(self) -> None:
        try:
            try:
                while batch := self._shared.dispatcher.take(self._server):
                    self._do(batch)
            finally:
                self._close()
        except LeftBehind:
            return
        except BaseException:
            self._shared.outcomes.put(None)
            raise
        self._shared.outcomes.put(None)

    def _do(self, batch: Batch) -> None:
        self._batch = batch
        began = monotonic()
        outcomes = self._work(batch, began)
        self._batch = None
        if batch.tasks[0].series.report.in_order:  # handed over before another worker goes on
            self._shared.outcomes.put(Handover(self._fresh(), [], []))
        given_up = self._shared.dispatcher.give_back(batch, outcomes, monotonic() - began)
        handover = self._handover(outcomes, given_up)
        if any(handover):
            self._shared.outcomes.put(handover)
        if self._waits_for_room:
            self._waits_for_room = False
            self._shared.room.wait(self._server, RETRY.longest, self._shared.stopping)

    def _handover(self, outcomes: list[Outcome], given_up: list[Due]) -> Handover:
        handover = Handover(self._fresh(), [], given_up)
        if any(self._outage(outcome.task) for outcome in outcomes):
            left = self._shared.dispatcher.abandon(self._server, self._outage_of)
            handover = Handover(handover.outcomes, [], [])
            for due in [*given_up, *left]:
                error = self._outage_of(due)
                if error:
                    handover.unasked.append(Unasked(due, error))
                else:
                    handover.given_up.append(due)
        return handover

    def _outage_of(self, due: Due) -> ConnectionFailed | None:
        """Return why a series cannot be asked in this run, if it cannot."""
        return self._outage(due.oldest) if self._shared.outages else None

    def _outage(self, task: Task) -> ConnectionFailed | None:
        """Return why the task cannot be asked in this run, if it cannot."""
        outages = self._shared.outages
        if not outages:
            return None
        access = self._engine.access(task)
        return outages.get((self._server, None)) or outages.get((self._server, access))

    def _work(self, batch: Batch, began: float) -> list[Outcome]:
        """Return the outcomes of a batch's first tasks; a failure or a slow task ends it early."""
        outcomes: list[Outcome] = []
        with self._handing_over:
            self._outcomes, self._handed_over = outcomes, 0
        for task in batch.tasks:
            self._task = task
            asked = monotonic()
            try:
                outcomes.append(self._done(task, asked))
            except Interrupted:
                break
            except NoRoomError:
                self._waits_for_room = True
                break
            except ReportupdaterError as error:
                outcomes.append(Failure(task, error, monotonic() - asked))
                break
            except Exception as error:
                log.exception("a bug met %s", task)
                self._close()
                bug = ReportupdaterError(f"a bug of this program: {error!r}")
                outcomes.append(Failure(task, bug, monotonic() - asked))
                break
            if monotonic() - began > 5 * BATCH_SECONDS:
                break
        return outcomes

    def _done(self, task: Task, asked: float) -> Answer:
        result = self._shared.check(task, self._answer(task))
        return answer(task, result, monotonic() - asked)

    def _answer(self, task: Task) -> Table:
        """Return the table of a task; a connection that fails is tried again, with back-off.

        A server that cannot be connected to is out for the run. A query that loses its connection
        again and again has failed by itself: the server takes others.
        """
        retries = task.series.report.retries
        refused = lost = 0  # in a row, and in all
        while True:
            if self._shared.stopping.is_set():
                raise Interrupted("the run was interrupted")
            outage = self._outage(task)
            if outage:
                raise outage
            try:
                return self._ask(task)
            except (ConnectionFailed, QueryError) as error:
                if isinstance(error, ConnectionFailed):
                    self._close()
                    if error.no_room and self._shared.room.go_on(self._server, error):
                        raise NoRoomError from None
                if isinstance(error, ConnectionFailed) and error.unreachable:
                    refused += 1
                    failures, most = refused, retries
                else:
                    refused, lost = 0, lost + 1
                    failures, most = lost, min(retries, LOST_RETRIES)
                if not error.retry or failures > most:
                    raise self._ended(task, error) from None
                pause = RETRY.pause(failures)
                log.info("%s: %s; trying again in %.1f s", self._server, error, pause)
                self._shared.stopping.wait(pause)

    def _ended(self, task: Task, error: ConnectionFailed | QueryError) -> ReportupdaterError:
        """Note what is out of reach from now on, and return the error of the task."""
        if isinstance(error, QueryError) or not error.unreachable:
            return error
        # Where there is no room for one user there may be for another.
        is_access = error.no_room or not error.retry
        access = self._engine.access(task) if is_access else None
        return self._shared.outages.setdefault((self._server, access), error)

    def _ask(self, task: Task) -> Table:
        report = task.series.report
        query = self._engine.query(task)
        try:
            session = self._opened(task)
        except ConnectionFailed as error:
            error.unreachable = True
            raise
        try:
            table = self._called(
                lambda: session.run(query, max_rows=report.max_rows, timeout=report.timeout),
                report.timeout,
                task,
            )
        except QueryError as error:
            if not query.command:
                unseen.explain(error, query.text)
            raise
        return table if query.quoted is None else table._replace(quoted=query.quoted)

    def _opened(self, task: Task) -> Session:
        """Return a connected session for a task: the one that is open, if it has access."""
        if self._series is not task.series:  # else it has had it already
            access = self._engine.access(task)
            if self._access != access:
                self._close()
            self._series, self._access = task.series, access
        if self._session is None:
            self._session = self._answered(
                lambda: self._engine.session(task), CONNECT_TIMEOUT, task
            )
        session = self._session
        if not session.connected:
            self._answered(session.connect, session.connect_timeout, task)
            self._shared.room.enter(self._server, self)
        return session

    def _answered(self, call: Callable[[], T], seconds: float, task: Task) -> T:
        """Make a call by which a server is connected to. Raises ConnectionFailed where it is late."""
        self._connecting = True
        try:
            return self._called(call, seconds, task)
        except QueryTimeout:
            what = f"{self._server} did not answer within {seconds:.0f} s"
            raise ConnectionFailed(what) from None
        finally:
            self._connecting = False

    def _called(self, call: Callable[[], T], seconds: float, task: Task) -> T:
        """Make a call that is watched. One that was stopped leaves no session."""
        try:
            return self._watched.make(call, seconds, task, self._session)
        finally:
            if self._watched.stopped:
                self._close()  # the stop may still be on its way to the connection

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # nothing that a dead connection says matters now
                self._watched.make(session.close, _CLOSE_TIMEOUT, None, session)
            self._shared.room.leave(self._server, self)
