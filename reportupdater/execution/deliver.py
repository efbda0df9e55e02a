"""The deliverer: sends what the outbox owes to one destination, on a thread of its own.

The thread only sends. The outbox is read and written by the thread that runs the pipeline, in
`step`, which never waits. One process at a time delivers for an output folder: two could overtake
each other, and an old value win over a new one.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep

from reportupdater.errors import ConnectionFailed, ReportupdaterError, StateError
from reportupdater.execution.commit import utcnow
from reportupdater.sinks.base import Sink
from reportupdater.store import outbox
from reportupdater.store.locks import Locks
from reportupdater.store.outbox import Owed
from reportupdater.store.state import State

log = logging.getLogger(__name__)

BATCH_POINTS = 5_000
"""Datapoints to one connection."""
_BACK_OFF = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait after so many failures in a row; the last stands for all further ones."""
_LOCK = ".deliver"  # no report is called so
_STEP = 0.02
_LOCK_STEP = 0.25


class Deliverer:
    """Delivers the outbox of one destination while a run goes on, and at its end."""

    def __init__(self, state: State, locks: Locks, sink: Sink) -> None:
        self._state = state
        self._locks = locks
        self._sink = sink
        self._to_send: queue.SimpleQueue[list[Owed] | None] = queue.SimpleQueue()
        self._sent: queue.SimpleQueue[ReportupdaterError | None] = queue.SimpleQueue()
        self._sending: list[Owed] = []
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._not_before = 0.0
        self.error: ReportupdaterError | None = None
        """Why the last sending failed; None after one that did not."""

    def __enter__(self) -> Deliverer:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending. What was in work stays owed, and in doubt."""
        self._sink.close()
        self._to_send.put(None)
        if self._sending:
            with suppress(StateError):  # that has been told already
                outbox.doubt(self._state, self._sink.destination, self._sending)

    @property
    def waiting(self) -> int:
        """How many datapoints are owed."""
        return outbox.waiting(self._state).get(self._sink.destination, 0)

    def step(self) -> bool:
        """Settle what was sent, and send more. Whether anything is still owed. Never waits."""
        if self._sending and not self._settle():
            return True
        if monotonic() < self._not_before:
            return True
        owed = outbox.batch(self._state, self._sink.destination, BATCH_POINTS)
        if owed and self._locks.take(_LOCK, utcnow()):
            self._send(owed)
        return bool(owed)

    def drain(self, seconds: float, stopped: Callable[[], bool]) -> None:
        """Send what is owed, for up to some seconds, or until the run is to end."""
        deadline = monotonic() + seconds
        self._not_before = 0.0  # once more, however often it failed before
        while self.step() and monotonic() < deadline and not stopped():
            sleep(_STEP if self._sending else _LOCK_STEP)

    def _send(self, owed: list[Owed]) -> None:
        self._sending = owed
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
            self._thread.start()
        self._to_send.put(owed)

    def _settle(self) -> bool:
        """Take in what became of the batch in work; False while nobody knows."""
        try:
            error = self._sent.get_nowait()
        except queue.Empty:
            return False
        sent, self._sending = self._sending, []
        self.error = error
        if error is None:
            self._failures = 0
            outbox.acknowledge(self._state, self._sink.destination, sent)
            return True
        outbox.doubt(self._state, self._sink.destination, sent)
        pause = _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1
        self._not_before = monotonic() + pause
        log.info("%s; trying again in %.0f s", error, pause)
        return True

    def _run(self) -> None:
        while (owed := self._to_send.get()) is not None:
            try:
                self._sink.send([one.point for one in owed])
            except ConnectionFailed as error:
                self._sent.put(error)
            except Exception as error:
                log.exception("a bug met the sending of datapoints")
                self._sent.put(ReportupdaterError(f"a bug of this program: {error!r}"))
            else:
                self._sent.put(None)
