"""The deliverer: sends the pending datapoints of a destination, on a thread of its own.

The thread only sends. The outbox is read and written by the thread that runs the pipeline, in
`step`, which never waits. One process at a time delivers an output folder's datapoints to a
destination: two could overtake each other, and an old value win over a new one.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic

from reportupdater.errors import (
    NO_THREAD,
    NO_THREAD_HINT,
    ConnectionFailed,
    ReportupdaterError,
    StateError,
)
from reportupdater.execution.clock import utcnow
from reportupdater.execution.retry import RETRY
from reportupdater.execution.stop import Stop
from reportupdater.model import SinkSettings
from reportupdater.sinks.base import Sink
from reportupdater.sinks.registry import definition
from reportupdater.state import outbox
from reportupdater.state.database import State
from reportupdater.state.locks import Locks, NoLock
from reportupdater.state.outbox import Batch
from reportupdater.terminal.wording import count

log = logging.getLogger(__name__)

BATCH_POINTS = 5_000
"""Datapoints to one connection."""
_ENOUGH = 2_000
"""Datapoints that are worth a connection of their own."""
_REST = 5.0
"""Seconds after a batch in which fewer than that wait for more; the end of a run does not wait.

Another run may be blocked at its end, waiting for this process to drain the outbox.
"""
_ONE_BATCH = 5.0
"""Seconds in which a batch may be read at the end of a run, however little time that has."""
_STEP = 0.02
_LOCK_STEP = 0.25


def _lock(destination: str) -> str:
    """Return the name of the lock of the sender to a destination; no report has such a name."""
    return ".deliver-" + re.sub(r"[^A-Za-z0-9.-]", "_", destination)[:200]


def clients(sinks: Mapping[str, SinkSettings]) -> list[tuple[Sink, float]]:
    """Return a client for each destination, with the seconds that it may take at a run's end."""
    return [
        (definition(name).sink(settings), settings.drain_timeout)
        for name, settings in sinks.items()
    ]


class Deliverers:
    """Deliver the outbox to all destinations of a run, each on a thread of its own."""

    def __init__(self, state: State, locks: Locks, clients: Iterable[tuple[Sink, float]]) -> None:
        """`clients` are sinks, each with the seconds that it may take at the end of the run."""
        self._wake = threading.Event()
        self._each = [
            Deliverer(state, locks, sink, patience, self._wake) for sink, patience in clients
        ]

    def __enter__(self) -> Deliverers:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending."""
        for deliverer in self._each:
            deliverer.close()

    @property
    def errors(self) -> list[ReportupdaterError]:
        """Why the last sendings failed, of destinations where the last one did."""
        return [deliverer.error for deliverer in self._each if deliverer.error]

    def step(self) -> bool:
        """Acknowledge what was sent, and send more. Whether any may be pending. Never waits."""
        may_be = [deliverer.step() for deliverer in self._each]  # each of them takes its step
        return any(may_be)

    def drain(self, stop: Stop) -> tuple[int, str]:
        """Send what is pending, for as long as the settings allow: how much still is, and why."""
        drains = [deliverer.draining(stop) for deliverer in self._each]
        while pauses := [pause for one in drains if (pause := next(one, None))]:
            self._wake.wait(min(pauses))
        left = [deliverer.left() for deliverer in self._each]
        return sum(count for count, _ in left), "; ".join(why for _, why in left if why)


class Deliverer:
    """Delivers the outbox of one destination while a run goes on, and at its end."""

    def __init__(
        self, state: State, locks: Locks, sink: Sink, patience: float, wake: threading.Event
    ) -> None:
        """`patience` is how many seconds it may take at the end of the run.

        `wake` is set when a batch has ended.
        """
        self._patience = patience
        self._state = state
        self._locks = locks
        self._sink = sink
        self._to_send: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._sent: queue.SimpleQueue[ReportupdaterError | None] = queue.SimpleQueue()
        self._wake = wake
        self._sending: Batch | None = None
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._ended = 0  # sendings, well or not
        self._rest = _REST
        self._rests_until = 0.0  # what earlier runs left has waited long enough
        self._not_before = 0.0
        self.error: ReportupdaterError | None = None
        """Why the last sending failed; None after one that did not."""

    def close(self) -> None:
        """Stop sending. What was in work stays pending, and unacknowledged."""
        self._to_send.put(None)
        self._sink.close()
        with suppress(StateError):  # that has been reported already
            if self._sending:
                outbox.doubt(self._state, self._sink.destination, self._sending)
            if self._thread is not None:
                outbox.end(self._state, self._sink.destination)

    def step(self) -> bool:
        """Acknowledge what was sent, and send more. Whether any may be pending. Never waits."""
        if self._sending and not self._take_outcome(self._sink, self._sending):
            return True
        now = monotonic()
        if now < self._not_before:
            return True
        destination = self._sink.destination
        enough = _ENOUGH if now < self._rests_until else 1
        pending = outbox.waiting(self._state, destination, most=enough)
        try:
            may_send = pending >= enough and self._locks.take(_lock(destination), utcnow())
        except NoLock as error:  # it concerns the datapoints alone
            self.error = error
            return False
        if may_send:
            if not self._begin(self._sink):  # first: it may change how often points are to be sent
                self.error = ConnectionFailed(NO_THREAD, hint=NO_THREAD_HINT)
                return False
            batch = outbox.batch(self._state, destination, BATCH_POINTS)
            if batch.points:  # else another run has just sent them
                self._wake.clear()
                self._sending = batch
                self._to_send.put(batch)
        return bool(pending)

    def draining(self, stop: Stop) -> Iterator[float]:
        """Send what is pending, for as long as the settings allow; yield the seconds to wait.

        However short that is, one batch is sent to a receiver that takes it within some seconds.
        """
        deadline = monotonic() + (0.0 if stop.requested else self._patience)
        self._rest = self._rests_until = 0.0
        self._not_before = 0.0  # once more, however often it failed before
        ended = self._ended
        while self.step() and monotonic() < deadline and not stop.requested:
            yield _STEP if self._sending else _LOCK_STEP
        deadline = max(deadline, monotonic() + _ONE_BATCH)
        while self._sending and self._ended == ended and not stop.requested:
            if monotonic() > deadline:
                break
            yield _STEP
            self._take_outcome(self._sink, self._sending)

    def left(self) -> tuple[int, str]:
        """Return how many datapoints are still pending, and why."""
        waiting = outbox.waiting(self._state, self._sink.destination)
        if not waiting:
            return 0, ""
        why = self.error or self._unsent(self._sink.destination)
        return waiting, f"{why}; they are sent by the next run"

    def _unsent(self, destination: str) -> ConnectionFailed:
        """Return why points still wait, though no sending has failed."""
        lock = _lock(destination)
        if self._locks.holds(lock):
            return ConnectionFailed(f"{destination} has not taken them yet")
        return ConnectionFailed(
            f"another run{self._locks.holder(lock)} is sending to {destination}, and has not got to"
            " them yet"
        )

    def _begin(self, sink: Sink) -> bool:
        """Begin to send, unless that has been done; False where no thread can be had for it."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, args=(sink,), name="deliverer", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
            odd = outbox.remove_odd(self._state, sink.destination)
            if odd:
                log.warning(
                    "%s: removed %s for %s that no run can have written (`reportupdater resend`"
                    " makes datapoints of stored rows again)",
                    self._state.path,
                    count(odd, "datapoint"),
                    sink.destination,
                )
            outbox.begin(self._state, sink.destination)
        return True

    def _take_outcome(self, sink: Sink, sent: Batch) -> bool:
        """Record the outcome of the batch being sent; False while it is not known."""
        try:
            error = self._sent.get_nowait()
        except queue.Empty:
            return False
        self._sending = None
        self._ended += 1
        self._wake.clear()
        self.error = error
        if error is None:
            self._failures = 0
            outbox.acknowledge(self._state, sink.destination, sent)
            self._rests_until = monotonic() + self._rest
            return True
        outbox.doubt(self._state, sink.destination, sent)
        self._failures += 1
        pause = RETRY.pause(self._failures)
        self._rests_until = 0.0
        self._not_before = monotonic() + pause
        log.info("%s; trying again in %.0f s", error, pause)
        return True

    def _run(self, sink: Sink) -> None:
        while (batch := self._to_send.get()) is not None:
            try:
                sink.send(batch.points)
            except ConnectionFailed as error:
                self._sent.put(error)
            except Exception as error:
                log.exception("a bug met the sending of datapoints")
                self._sent.put(ReportupdaterError(f"a bug of this program: {error!r}"))
            else:
                self._sent.put(None)
            self._wake.set()
