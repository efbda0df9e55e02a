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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import isnan
from time import monotonic
from typing import NamedTuple

from reportupdater.errors import (
    NO_THREAD,
    NO_THREAD_HINT,
    ConnectionFailed,
    ReportupdaterError,
    StateError,
)
from reportupdater.execution.clock import utcnow
from reportupdater.execution.points import EMPTY
from reportupdater.execution.retry import RETRY
from reportupdater.execution.revisions import moment
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.model import Datapoint, SinkSettings
from reportupdater.sinks.client import Presence, Present, Refused, Sent, Sink
from reportupdater.sinks.registry import definition
from reportupdater.state import emptied, numbers, outbox
from reportupdater.state.database import State
from reportupdater.state.locks import Locks, NoLock
from reportupdater.state.outbox import Batch
from reportupdater.terminal.wording import count

log = logging.getLogger(__name__)

BATCH_POINTS = 5_000
"""Datapoints to one connection."""
_MOST_ASKED = 50_000
"""Datapoints that a destination is asked for at once: of so many it is remembered what is there."""
_ENOUGH = 2_000
"""Datapoints that are worth a connection of their own."""
_REST = 5.0
"""Seconds after a batch in which fewer than that wait for more; the end of a run does not wait.

Another run may be blocked at its end, waiting for this process to drain the outbox.
"""
_ONE_BATCH = 5.0
"""Seconds in which a batch may be read at the end of a run, however little time that has."""
_ASKING_REST = 0.3
"""Seconds between two times at which a destination is asked while a run goes on: new series come in turn."""
_STEP = 0.02
_LOCK_STEP = 0.25
_NOTHING = Present(0, 0.0)


def _lock(destination: str) -> str:
    """Return the name of the lock of the sender to a destination; no report has such a name."""
    return ".deliver-" + re.sub(r"[^A-Za-z0-9.-]", "_", destination)[:200]


class Client(NamedTuple):
    """A sink, and how it is delivered to."""

    sink: Sink
    patience: float
    """Seconds that a run may take at its end."""
    name: str = ""
    can_be_asked: bool = False
    last_revision: int | None = None


def clients(sinks: Mapping[str, SinkSettings]) -> list[Client]:
    """Return a client for each destination."""
    return [
        Client(
            definition(name).sink(settings),
            settings.drain_timeout,
            name,
            settings.can_be_asked,
            definition(name).LAST_REVISION,
        )
        for name, settings in sinks.items()
    ]


class _Sending(NamedTuple):
    """A batch to be sent."""

    batch: Batch

    def do(self, sink: Sink) -> Sent:
        """Send it."""
        return sink.send(self.batch.points)


class _Asking(NamedTuple):
    """Datapoints of which the destination is asked what it has."""

    points: Sequence[Datapoint]
    is_for_emptied: bool = False
    """Whether they have been emptied, and are looked for to see that; else to number them."""

    def do(self, sink: Sink) -> Presence:
        """Ask."""
        return sink.present(self.points)


_Work = _Sending | _Asking


class Deliverers:
    """Deliver the outbox to all destinations of a run, each on a thread of its own."""

    def __init__(
        self,
        state: State,
        locks: Locks,
        clients: Iterable[Client],
        summary: Summary | None = None,
    ) -> None:
        """`summary` gets what destinations will never take."""
        self._wake = threading.Event()
        self._each = [
            Deliverer(state, locks, client, self._wake, summary or Summary()) for client in clients
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
        self,
        state: State,
        locks: Locks,
        client: Client,
        wake: threading.Event,
        summary: Summary,
    ) -> None:
        """`wake` is set when a piece of work has ended."""
        self._client = client
        self._patience = client.patience
        self._state = state
        self._locks = locks
        self._sink = client.sink
        self._summary = summary
        self._to_do: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Sent | Presence | ReportupdaterError] = queue.SimpleQueue()
        self._wake = wake
        self._doing: _Work | None = None
        self._emptied: list[Datapoint] = []  # which the destination has read, and may not show
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._ended = 0  # sendings, well or not
        self._rest = _REST
        self._rests_until = 0.0  # what earlier runs left has waited long enough
        self._not_before = 0.0
        self._asked_at = 0.0
        self.error: ReportupdaterError | None = None
        """Why the last sending failed; None after one that did not."""

    def close(self) -> None:
        """Stop sending. What was in work stays pending, and unacknowledged."""
        self._to_do.put(None)
        self._sink.close()
        with suppress(StateError):  # that has been reported already
            if isinstance(self._doing, _Sending):
                outbox.doubt(self._state, self._sink.destination, self._doing.batch)
            if self._thread is not None:
                outbox.end(self._state, self._sink.destination)

    def step(self) -> bool:
        """Acknowledge what was sent, and send more. Whether any may be pending. Never waits."""
        if self._doing and not self._take_outcome(self._doing):
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
        if self._emptied and not self._doing:
            points, self._emptied = self._emptied, []
            self._do(_Asking(points, is_for_emptied=True))
            return True
        if may_send:
            if not self._begin(self._sink):  # first: it may change how often points are to be sent
                self.error = ConnectionFailed(NO_THREAD, hint=NO_THREAD_HINT)
                return False
            try:
                work = self._next(destination)
            except ConnectionFailed as error:
                self.error = error
                return False
            if work is not None:  # else another run has just sent them
                self._do(work)
        return bool(pending)

    def _next(self, destination: str) -> _Work | None:
        """Return what is to be done next. Raises ConnectionFailed where nothing can be."""
        if self._client.can_be_asked:
            unknown = outbox.unnumbered(self._state, destination, _MOST_ASKED)
            if unknown and self._rest and monotonic() < self._asked_at + _ASKING_REST:
                return None
            if unknown:
                self._asked_at = monotonic()
                return _Asking(unknown)
        batch = outbox.batch(self._state, destination, BATCH_POINTS)
        unknown = [point for point in batch.points if point.revision is None]
        if unknown and not self._client.can_be_asked:
            raise ConnectionFailed(
                f"{destination} can be asked no more what it has, which it must be before it is sent"
                " values of a series for the first time",
                hint=f"give `{self._client.name}` its `query_url` again",
                retry=False,
            )
        if unknown:  # another run's, just now
            return _Asking(unknown)
        return _Sending(batch) if batch.points else None

    def _do(self, work: _Work) -> None:
        self._wake.clear()
        self._doing = work
        self._to_do.put(work)

    def draining(self, stop: Stop) -> Iterator[float]:
        """Send what is pending, for as long as the settings allow; yield the seconds to wait.

        However short that is, one batch is sent to a receiver that takes it within some seconds.
        """
        deadline = monotonic() + (0.0 if stop.requested else self._patience)
        self._rest = self._rests_until = 0.0
        self._not_before = 0.0  # once more, however often it failed before
        ended = self._ended
        while self.step() and monotonic() < deadline and not stop.requested:
            yield _STEP if self._doing else _LOCK_STEP
        deadline = max(deadline, monotonic() + _ONE_BATCH)
        while self._doing and self._ended == ended and not stop.requested:
            if monotonic() > deadline:
                break
            yield _STEP
            self.step() if isinstance(self._doing, _Asking) else self._take_outcome(self._doing)

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
            odd = outbox.remove_odd(self._state, sink.destination, sink.takes)
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

    def _take_outcome(self, work: _Work) -> bool:
        """Record the outcome of the work in hand; False while it is not known."""
        try:
            outcome = self._done.get_nowait()
        except queue.Empty:
            return False
        self._doing = None
        self._ended += isinstance(work, _Sending) or isinstance(outcome, ReportupdaterError)
        self._wake.clear()
        if isinstance(outcome, ReportupdaterError):
            self._note_failure(work, outcome)
            return True
        self.error = None
        self._failures = 0
        if isinstance(outcome, Sent):
            assert isinstance(work, _Sending)
            self._note_sent(work.batch, outcome)
            self._rests_until = monotonic() + self._rest
        else:
            assert isinstance(work, _Asking)
            self._note_presence(work, outcome)
        return True

    def _note_failure(self, work: _Work, error: ReportupdaterError) -> None:
        if isinstance(work, _Sending):
            outbox.doubt(self._state, self._sink.destination, work.batch)
        elif work.is_for_emptied:
            return  # they stay noted
        self.error = error
        self._failures += 1
        pause = RETRY.pause(self._failures)
        if isinstance(error, ConnectionFailed):
            pause = max(pause, error.wait)
        self._rests_until = 0.0
        self._not_before = monotonic() + pause
        log.info("%s; trying again in %.0f s", error, pause)

    def _note_sent(self, batch: Batch, sent: Sent) -> None:
        destination = self._sink.destination
        self._refuse(sent.refused)
        again = [*sent.left]
        if sent.taken and self._client.can_be_asked:
            again += [point._replace(revision=None) for point in sent.taken]
        elif sent.taken:
            with self._state.transaction() as connection:
                again += numbers.raised(connection, destination, sent.taken)
        again = self._within_limit(again)
        outbox.acknowledge(self._state, destination, batch, again)
        if self._client.can_be_asked:
            self._emptied += [point for point in batch.points if point.value == EMPTY]

    def _note_presence(self, asked: _Asking, there: Presence) -> None:
        destination = self._sink.destination
        if asked.is_for_emptied:
            gone = {
                (point.key, point.timestamp)
                for point in asked.points
                if isnan(there.get(point.key, {}).get(point.timestamp, _NOTHING).value)
            }
            with self._state.transaction() as connection:
                emptied.are_gone(connection, self._client.name, gone)
            return
        since: dict[str, int] = {}
        for point in asked.points:
            since[point.key] = min(point.timestamp, since.get(point.key, point.timestamp))
        with self._state.transaction() as connection:
            found, equal = numbers.resolve(connection, destination, since, there)
        if equal:
            log.info("%s has %s already", destination, count(equal, "datapoint"))
        spent = {*found} - {*self._within_limit(found)}
        if spent:
            with self._state.transaction() as connection:
                outbox.remove(connection, destination, spent)

    def _within_limit(self, points: Sequence[Datapoint]) -> list[Datapoint]:
        """Return datapoints that can be sent; the others have been changed too often."""
        last = self._client.last_revision
        if last is None:
            return [*points]
        self._refuse(
            [
                Refused(point, f"was changed more than {last} times")
                for point in points
                if (point.revision or 0) > last
            ]
        )
        return [point for point in points if (point.revision or 0) <= last]

    def _refuse(self, all_refused: Sequence[Refused]) -> None:
        """Report datapoints that the destination will never take, and note that it lacks them."""
        if not all_refused:
            return
        destination = self._sink.destination
        with self._state.transaction() as connection:
            reports = outbox.note_unsent(
                connection, destination, self._client.name, [one.point for one in all_refused]
            )
        for (point, said, hint), report in zip(all_refused, reports, strict=True):
            why = f"{said} ({hint})" if hint else said
            self._summary.troubles.add(
                report,
                f"datapoints will never be taken by {destination}: {why}",
                f"{point.key} {moment(point.timestamp)}",
                kind=f"{destination} {hint}",
            )

    def _run(self, sink: Sink) -> None:
        while (work := self._to_do.get()) is not None:
            try:
                self._done.put(work.do(sink))
            except ConnectionFailed as error:
                self._done.put(error)
            except Exception as error:
                log.exception("a bug met the sending of datapoints")
                self._done.put(ReportupdaterError(f"a bug of this program: {error!r}"))
            self._wake.set()
