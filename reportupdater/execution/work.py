"""The workers: threads that each hold one connection of a server and run one query at a time."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, TypeVar

from reportupdater.engines.base import Engine, Session
from reportupdater.errors import (
    ConnectionFailed,
    Interrupted,
    QueryTimeout,
    ReportupdaterError,
)
from reportupdater.execution.check import checked
from reportupdater.execution.dispatch import BATCH_SECONDS, Batch, Dispatcher
from reportupdater.execution.outcome import Answer, Failure, Outcome, answer
from reportupdater.execution.retry import RETRY
from reportupdater.model import Series, Server, Table, Task

log = logging.getLogger(__name__)

T = TypeVar("T")

LOST_RETRIES = 3
"""How often a query whose connection is lost is asked again: it may be what ends the server."""


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


class Handover(NamedTuple):
    """What a worker hands over: outcomes, and tasks that wait for the next run."""

    outcomes: list[Outcome]
    given_up: list[Task]


class _Call:
    """One call of a session that is in progress, with its deadline."""

    def __init__(self, task: Task, seconds: float) -> None:
        self.task = task
        self.began = monotonic()
        self.deadline = self.began + seconds
        self.cancelled: ReportupdaterError | None = None


class Worker:
    """One thread with at most one connection."""

    def __init__(self, server: Server, engine: Engine, shared: Shared) -> None:
        self._server = server
        self._engine = engine
        self._shared = shared
        self._session: Session | None = None
        self._series: Series | None = None  # the last that was asked for, and its access
        self._access: object = None
        self._call: _Call | None = None
        self._outcomes: list[Outcome] = []  # of the batch in work
        self._handed_over = 0  # how many of them
        self._calling = threading.Lock()
        # A daemon: a call that cannot be stopped must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=str(server), daemon=True)

    def start(self) -> None:
        """Begin to work, unless that has been done."""
        if self._thread.ident is None:
            self._thread.start()

    @property
    def doing(self) -> tuple[Task, float] | None:
        """The task in work, and since when on the monotonic clock."""
        call = self._call
        return (call.task, call.began) if call else None

    def watch(self, now: float) -> None:
        """Stop a call that is past its deadline, or whatever is in progress when the run is to end.

        Called by another thread, several times a second.
        """
        with self._calling:
            call = self._call
            if call is None or self._session is None or call.cancelled:
                return
            if self._shared.stopping.is_set():
                call.cancelled = Interrupted("the run was interrupted")
            elif now > call.deadline:
                call.cancelled = QueryTimeout(
                    f"stopped after {call.deadline - call.began:.0f} s",
                    hint="the report's `timeout` says how long a query may take",
                )
            if call.cancelled:
                self._session.cancel()

    def fresh(self) -> list[Outcome]:
        """What has come of the batch in work since the last look: it need not wait for the rest.

        Called by another thread.
        """
        with self._calling:
            outcomes = self._outcomes[self._handed_over :]
            self._handed_over += len(outcomes)
            return outcomes

    def _run(self) -> None:
        dispatcher = self._shared.dispatcher
        try:
            while batch := dispatcher.take(self._server):
                began = monotonic()
                outcomes = self._work(batch, began)
                given_up = dispatcher.give_back(batch, outcomes, monotonic() - began)
                self._hand_over(outcomes, given_up)
        finally:
            self._close()
            self._shared.outcomes.put(None)

    def _hand_over(self, outcomes: list[Outcome], given_up: list[Task]) -> None:
        out_of_reach = any(self._outage(outcome.task) for outcome in outcomes)
        outcomes = self.fresh()
        if out_of_reach:
            left = self._shared.dispatcher.abandon(self._server, self._outage)
            outcomes += [
                Failure(task, error, asked=False)
                for task in [*given_up, *left]
                if (error := self._outage(task))
            ]
            given_up = [task for task in given_up if not self._outage(task)]
        if outcomes or given_up:
            self._shared.outcomes.put(Handover(outcomes, given_up))

    def _outage(self, task: Task) -> ConnectionFailed | None:
        """Why the task cannot be asked in this run, if it cannot."""
        outages = self._shared.outages
        if not outages:
            return None
        access = self._engine.access(task)
        return outages.get((self._server, None)) or outages.get((self._server, access))

    def _work(self, batch: Batch, began: float) -> list[Outcome]:
        """The outcomes of a batch's first tasks; a failure or a slow task ends it early."""
        outcomes: list[Outcome] = []
        with self._calling:
            self._outcomes, self._handed_over = outcomes, 0
        for task in batch.tasks:
            asked = monotonic()
            try:
                outcomes.append(self._done(task, asked))
            except Interrupted:
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
        result = checked(task, self._answer(task))
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
            except ConnectionFailed as error:
                self._close()
                if error.unreachable:
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

    def _ended(self, task: Task, error: ConnectionFailed) -> ConnectionFailed:
        """Note what is out of reach from now on, and return the error of the task."""
        if not error.unreachable:
            return error
        access = None if error.retry else self._engine.access(task)
        return self._shared.outages.setdefault((self._server, access), error)

    def _ask(self, task: Task) -> Table:
        report = task.series.report
        query = self._engine.query(task)
        try:
            session = self._opened(task)
        except ConnectionFailed as error:
            error.unreachable = True
            raise
        return self._watched(
            task,
            report.timeout,
            lambda: session.run(query, max_rows=report.max_rows, timeout=report.timeout),
        )

    def _opened(self, task: Task) -> Session:
        """A connected session for a task: the one that is open, if it has access."""
        if self._series is not task.series:  # else it has had it already
            access = self._engine.access(task)
            if self._access != access:
                self._close()
            self._series, self._access = task.series, access
        session = self._session
        if session is None:
            session = self._engine.session(task)
            with self._calling:
                self._session = session
        if not session.connected:
            self._connect(task, session)
        return session

    def _connect(self, task: Task, session: Session) -> None:
        try:
            self._watched(task, session.connect_timeout, session.connect)
        except QueryTimeout:
            raise ConnectionFailed(
                f"{self._server} did not answer within {session.connect_timeout:.0f} s"
            ) from None

    def _watched(self, task: Task, seconds: float, call: Callable[[], T]) -> T:
        """Make a call that `watch` can stop; raises what it says if it did."""
        self._call = this = _Call(task, seconds)
        try:
            return call()
        except Exception:
            if this.cancelled is None:
                raise
            raise this.cancelled from None  # whatever the stopped call died of
        finally:
            with self._calling:
                self._call = None
            if this.cancelled:
                self._close()  # the stop may still be on its way to the connection

    def _close(self) -> None:
        with self._calling:
            session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # nothing that a dead connection says matters now
                session.close()
