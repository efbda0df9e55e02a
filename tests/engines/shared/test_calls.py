from __future__ import annotations

import threading
import time

import pytest

from reportupdater.engines.shared.calls import Calls
from reportupdater.errors import ConnectionFailed
from tests.helpers import patient


class Recorder:
    """A session that does nothing but remember what is asked of it."""

    def __init__(self) -> None:
        self.calls = Calls(self.stop, self.drop)
        self.stopped: list[int] = []
        self.drops = 0
        self.asked = threading.Event()

    def stop(self, number: int) -> None:
        self.stopped.append(number)
        self.asked.set()

    def drop(self) -> None:
        self.drops += 1

    def cancelled_call(self, *, cancels: int = 1) -> None:
        """A call that would succeed, but for the cancel in the midst of it."""
        with self.calls:
            for _ in range(cancels):
                self.calls.cancel()
            assert self.calls.cancelled
            assert self.asked.wait(5)


def test_a_call_that_nobody_cancels_is_left_alone() -> None:
    session = Recorder()
    with session.calls:
        assert not session.calls.cancelled
    with pytest.raises(ZeroDivisionError), session.calls:
        _ = 1 / 0
    assert (session.stopped, session.drops) == ([], 0)


def test_a_cancelled_call_fails_even_if_it_was_about_to_succeed() -> None:
    session = Recorder()
    with pytest.raises(ConnectionFailed):
        session.cancelled_call()
    assert (len(session.stopped), session.drops) == (1, 1)
    with session.calls:
        assert not session.calls.cancelled


def test_a_cancel_without_a_call_fails_the_next_one_and_stops_nothing() -> None:
    session = Recorder()
    session.calls.cancel()
    entered = False
    with pytest.raises(ConnectionFailed), session.calls:
        entered = True
    assert not entered
    assert (session.stopped, session.drops) == ([], 1)
    with session.calls:
        pass


def test_a_call_is_cancelled_once() -> None:
    session = Recorder()
    with pytest.raises(ConnectionFailed):
        session.cancelled_call(cancels=2)
    time.sleep(0.05)
    assert len(session.stopped) == 1


def test_who_stops_a_call_learns_at_once_that_it_has_ended() -> None:
    waited: list[float] = []
    done = threading.Event()

    def stop(number: int) -> None:
        began = time.monotonic()
        assert calls.ended(number, within=patient(10))
        waited.append(time.monotonic() - began)
        done.set()

    def call() -> None:
        with calls:
            calls.cancel()
            time.sleep(0.1)

    calls = Calls(stop, lambda: None)
    with pytest.raises(ConnectionFailed):
        call()
    assert done.wait(5)
    assert waited[0] < 5


def test_a_later_call_is_not_taken_for_the_one_to_be_stopped() -> None:
    session = Recorder()
    with pytest.raises(ConnectionFailed):
        session.cancelled_call()
    with session.calls:
        assert session.calls.ended(session.stopped[0], within=0)
        session.calls.during(session.stopped[0], lambda: pytest.fail("meant for another call"))
