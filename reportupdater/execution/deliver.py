"""The deliverer: sends what the outbox owes to one destination, on a thread of its own.

The thread only sends. The outbox is read and written by the thread that runs the pipeline, in
`step`, which never waits. One process at a time delivers what an output folder owes to a
destination: two could overtake each other, and an old value win over a new one.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
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
from reportupdater.model import GraphiteConfig
from reportupdater.sinks.base import Sink
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

Another run of the output folder may stand at its end and wait for us to send what it owes.
"""
_ONE_BATCH = 5.0
"""Seconds in which a batch may be read at the end of a run, however little time that has."""
_STEP = 0.02
_LOCK_STEP = 0.25


def _lock(destination: str) -> str:
    """The name of the lock that whoever sends to a destination holds; no report is called so."""
    return ".deliver-" + re.sub(r"[^A-Za-z0-9.-]", "_", destination)[:200]


class Deliverer:
    """Delivers the outbox of one destination while a run goes on, and at its end.

    Without a sink there is nothing to do: nothing is owed, and nothing is sent.
    """

    def __init__(
        self, state: State, locks: Locks, sink: Sink | None, config: GraphiteConfig | None
    ) -> None:
        self._patience = config.drain_timeout if config else 0.0
        self._state = state
        self._locks = locks
        self._sink = sink
        self._to_send: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._sent: queue.SimpleQueue[ReportupdaterError | None] = queue.SimpleQueue()
        self._settles = threading.Event()  # the batch in work has ended
        self._sending: Batch | None = None
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._ended = 0  # sendings, well or not
        self._rest = _REST
        self._rests_until = 0.0  # what earlier runs left has waited long enough
        self._not_before = 0.0
        self.error: ReportupdaterError | None = None
        """Why the last sending failed; None after one that did not."""

    def __enter__(self) -> Deliverer:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending. What was in work stays owed, and in doubt."""
        self._to_send.put(None)
        if self._sink is not None:
            self._sink.close()
            with suppress(StateError):  # that has been told already
                if self._sending:
                    outbox.doubt(self._state, self._sink.destination, self._sending)
                if self._thread is not None:
                    outbox.end(self._state, self._sink.destination)

    def step(self) -> bool:
        """Settle what was sent, and send more. Whether anything may be owed. Never waits."""
        if self._sink is None:
            return False
        if self._sending and not self._settle(self._sink, self._sending):
            return True
        now = monotonic()
        if now < self._not_before:
            return True
        destination = self._sink.destination
        enough = _ENOUGH if now < self._rests_until else 1
        owed = outbox.waiting(self._state, destination, most=enough)
        try:
            may_send = owed >= enough and self._locks.take(_lock(destination), utcnow())
        except NoLock as error:  # it concerns the datapoints alone
            self.error = error
            return False
        if may_send:
            if not self._begin(self._sink):  # first: it may change how often points are owed
                self.error = ConnectionFailed(NO_THREAD, hint=NO_THREAD_HINT)
                return False
            batch = outbox.batch(self._state, destination, BATCH_POINTS)
            if batch.points:  # else another run has just sent them
                self._settles.clear()
                self._sending = batch
                self._to_send.put(batch)
        return bool(owed)

    def drain(self, stop: Stop) -> tuple[int, str]:
        """Send what is owed, for as long as the settings allow: how much still is, and why.

        However short that is, one batch is sent to a receiver that takes it within some seconds.
        """
        deadline = monotonic() + (0.0 if stop.requested else self._patience)
        self._rest = self._rests_until = 0.0
        self._not_before = 0.0  # once more, however often it failed before
        ended = self._ended
        while self.step() and monotonic() < deadline and not stop.requested:
            self._settles.wait(_STEP if self._sending else _LOCK_STEP)
        if self._sink is None:
            return 0, ""
        deadline = max(deadline, monotonic() + _ONE_BATCH)
        while self._sending and self._ended == ended and not stop.requested:
            if monotonic() > deadline:
                break
            self._settles.wait(_STEP)
            self._settle(self._sink, self._sending)
        waiting = outbox.waiting(self._state, self._sink.destination)
        if not waiting:
            return 0, ""
        why = self.error or self._unsent(self._sink.destination)
        return waiting, f"{why}; they are sent by the next run"

    def _unsent(self, destination: str) -> ConnectionFailed:
        """Why points still wait, though no sending has failed."""
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

    def _settle(self, sink: Sink, sent: Batch) -> bool:
        """Take in what became of the batch in work; False while nobody knows."""
        try:
            error = self._sent.get_nowait()
        except queue.Empty:
            return False
        self._sending = None
        self._ended += 1
        self._settles.clear()
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
            self._settles.set()
