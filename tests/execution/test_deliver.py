"""The deliverer, with a sink whose every sending the test decides on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic

import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.execution import deliver
from reportupdater.execution.deliver import Client, Deliverers
from reportupdater.execution.stop import Stop
from reportupdater.model import Datapoint
from reportupdater.sinks.client import BATCH_TIMEOUT, Sent, Sink
from reportupdater.state import outbox
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from tests.helpers import patient, wait_until

HERE = "graphite://graphite.example.org:2003"
A = Datapoint("edits.daily", "1", 1735689600)
A2 = Datapoint("edits.daily", "2", 1735689600)


class Decided(Sink):
    """A sink that hangs in each sending until it is decided what becomes of it."""

    destination = HERE

    def __init__(self) -> None:
        self.began: list[list[Datapoint]] = []
        self._decisions: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> Sent:
        self.began.append(list(points))
        decision = self._decisions.get(timeout=20)
        if self._closed.is_set():
            raise ConnectionFailed("closed")
        if decision is not None:
            raise decision
        return Sent()

    def close(self) -> None:
        self._closed.set()
        self._decisions.put(None)

    def decide(self, error: Exception | None = None) -> None:
        self._decisions.put(error)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path) as opened:
        yield opened


@pytest.fixture
def sink() -> Iterator[Decided]:
    one = Decided()
    yield one
    one.close()


@pytest.fixture
def locks(state: State) -> Iterator[Locks]:
    with Locks(state.locks) as one:
        yield one


def put(state: State, *points: Datapoint) -> None:
    with state.transaction() as connection:
        outbox.put(connection, HERE, "edits.tsv", points)


def many(count: int) -> list[Datapoint]:
    return [Datapoint("edits.daily", "1", number) for number in range(count)]


def deliverer(state: State, locks: Locks, sink: Decided, patience: float = 5) -> Deliverers:
    return Deliverers(state, locks, [Client(sink, patience)])


def test_without_a_sink_there_is_nothing_to_do(state: State, locks: Locks) -> None:
    put(state, A)
    with Deliverers(state, locks, []) as one, Stop() as stop:
        assert not one.step()
        assert one.drain(stop) == (0, "")
    assert outbox.waiting(state, HERE) == 1


def test_a_step_never_waits_and_sends_one_batch_at_a_time(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, *many(2 * deliver.BATCH_POINTS))
    with deliverer(state, locks, sink) as one:
        began = monotonic()
        for _ in range(10):
            assert one.step()
        assert monotonic() - began < patient(1)
        wait_until(lambda: len(sink.began) == 1)
        sink.decide()
        wait_until(lambda: one.step() and len(sink.began) == 2)
        sink.decide()
        wait_until(lambda: not one.step())


def test_after_a_small_batch_more_is_waited_for_until_the_end(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one, Stop() as stop:
        one.step()
        sink.decide()
        wait_until(lambda: not one.step())
        assert outbox.waiting(state, HERE) == 0
        put(state, *many(10))
        for _ in range(10):
            assert one.step()
        assert len(sink.began) == 1
        sink.decide()
        assert one.drain(stop)[0] == 0
    assert [len(batch) for batch in sink.began] == [1, 10]


def test_a_run_that_goes_on_sends_as_soon_as_there_is_enough(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one:
        one.step()
        sink.decide()
        wait_until(lambda: not one.step())
        put(state, *many(deliver.BATCH_POINTS))
        wait_until(lambda: one.step() and len(sink.began) == 2)
        sink.decide()
        wait_until(lambda: not one.step())
    assert outbox.waiting(state, HERE) == 0


def test_batches_have_thousands_of_points(state: State, locks: Locks, sink: Decided) -> None:
    put(state, *many(deliver.BATCH_POINTS + 1))
    with deliverer(state, locks, sink) as one, Stop() as stop:
        sink.decide()
        sink.decide()
        assert one.drain(stop)[0] == 0
    assert [len(batch) for batch in sink.began] == [deliver.BATCH_POINTS, 1]


def test_a_failure_is_followed_by_a_pause(state: State, locks: Locks, sink: Decided) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one:
        one.step()
        began = monotonic()
        sink.decide(ConnectionFailed("down"))
        wait_until(lambda: one.step() and len(sink.began) == 2)
        assert 0.75 < monotonic() - began < patient(20)
        assert [str(error) for error in one.errors] == ["down"]
        sink.decide()
        wait_until(lambda: not one.step())
        assert not one.errors


def test_the_drain_tries_once_more_at_once(state: State, locks: Locks, sink: Decided) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one, Stop() as stop:
        one.step()
        sink.decide(ConnectionFailed("down"))
        wait_until(lambda: one.step() and one.errors)
        began = monotonic()
        sink.decide()
        assert one.drain(stop)[0] == 0
        assert monotonic() - began < patient(0.8)


def test_the_drain_ends_in_time_and_tells_what_waits_and_why(
    state: State, locks: Locks, sink: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_ONE_BATCH", 0.3)
    put(state, *many(3))
    with deliverer(state, locks, sink, patience=0.3) as one, Stop() as stop:
        began = monotonic()
        waiting, why = one.drain(stop)
        assert monotonic() - began < patient(2)
        assert waiting == 3
        assert why == f"{HERE} has not taken them yet; they are sent by the next run"


def test_a_drain_without_patience_still_tries(
    state: State, locks: Locks, sink: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "_ONE_BATCH", 0.3)
    put(state, A)
    with deliverer(state, locks, sink, patience=0) as one, Stop() as stop:
        one.drain(stop)
        wait_until(lambda: sink.began == [[A]])


def test_what_is_in_work_at_the_end_is_in_doubt(state: State, locks: Locks, sink: Decided) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one:
        one.step()
        wait_until(lambda: sink.began)
    put(state, A2)
    assert sent_until_nothing_is_owed(state, locks) == [[A2], [A2]]


@pytest.mark.parametrize("error", [ConnectionFailed("left"), ZeroDivisionError("a bug")])
def test_whatever_a_sending_dies_of_its_points_are_in_doubt(
    state: State, locks: Locks, sink: Decided, error: Exception
) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one:
        one.step()
        sink.decide(error)
        wait_until(lambda: one.step() and one.errors)
    put(state, A2)
    assert sent_until_nothing_is_owed(state, locks) == [[A2], [A2]]


def test_what_is_replaced_while_it_is_sent_is_sent_again(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one, Stop() as stop:
        one.step()
        wait_until(lambda: sink.began)
        put(state, A2)
        sink.decide()
        sink.decide()
        assert one.drain(stop)[0] == 0
    assert sink.began == [[A], [A2]]


def test_after_a_deliverer_that_was_killed_what_is_owed_is_sent_twice(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, A)
    deliverer(state, locks, sink).step()  # and no end of it
    wait_until(lambda: sink.began)
    put(state, A2)  # as the next run does, before its first step
    assert sent_until_nothing_is_owed(state, locks) == [[A2], [A2]]


def test_after_a_deliverer_that_ended_what_is_owed_is_sent_once(
    state: State, locks: Locks, sink: Decided
) -> None:
    put(state, A)
    with deliverer(state, locks, sink) as one, Stop() as stop:
        sink.decide()
        assert one.drain(stop)[0] == 0
    put(state, A2)
    assert sent_until_nothing_is_owed(state, locks) == [[A2]]


def test_one_process_at_a_time_delivers(state: State, locks: Locks, sink: Decided) -> None:
    put(state, A)
    with Locks(state.locks) as others:
        other = Decided()
        with deliverer(state, others, other) as first:
            first.step()
            wait_until(lambda: other.began)
            with deliverer(state, locks, sink, patience=0.4) as second, Stop() as stop:
                assert second.drain(stop)[0] == 1
                assert sink.began == []
    # The other has ended: its lock is free.
    assert sent_until_nothing_is_owed(state, locks) == [[A]]


def sent_until_nothing_is_owed(state: State, locks: Locks) -> list[list[Datapoint]]:
    """What a new deliverer sends until nothing is owed."""
    sink = Decided()
    for _ in range(5):
        sink.decide()
    with deliverer(state, locks, sink) as one, Stop() as stop:
        assert one.drain(stop)[0] == 0
    return sink.began


def test_what_another_run_has_just_sent_is_not_sent_again(
    state: State, locks: Locks, sink: Decided, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = locks.take

    def take_when_the_other_has_ended(name: str, now: datetime) -> bool:
        outbox.acknowledge(state, HERE, outbox.batch(state, HERE, 10))
        return take(name, now)

    monkeypatch.setattr(locks, "take", take_when_the_other_has_ended)
    put(state, A)
    with deliverer(state, locks, sink) as one:
        one.step()
        monkeypatch.undo()
        put(state, A2)
        one.step()
        wait_until(lambda: sink.began)
        one.step()
        assert sink.began == [[A2]]
        assert outbox.waiting(state, HERE) == 1  # nobody has read it yet
        sink.decide()
        wait_until(lambda: not one.step())


@pytest.mark.parametrize("error", [None, ConnectionFailed("refused")])
def test_a_drain_timeout_of_zero_still_sends_one_batch(
    state: State, locks: Locks, sink: Decided, error: Exception | None
) -> None:
    put(state, *many(deliver.BATCH_POINTS + 1))
    with deliverer(state, locks, sink, patience=0) as one, Stop() as stop:
        sink.decide(error)
        waiting, why = one.drain(stop)
    assert len(sink.began) == 1
    assert waiting == (deliver.BATCH_POINTS + 1 if error else 1)
    assert ("refused" in why) is (error is not None)


def test_something_else_in_the_place_of_the_lock_ends_no_run(
    state: State, locks: Locks, sink: Decided
) -> None:
    (state.folder / "locks" / deliver._lock(HERE)).mkdir()
    put(state, A)
    with deliverer(state, locks, sink) as one, Stop() as stop:
        assert not one.step()
        waiting, why = one.drain(stop)
    assert waiting == 1
    assert "the lock cannot be taken" in why
