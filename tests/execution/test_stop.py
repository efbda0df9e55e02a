"""What a signal stops, and when."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from reportupdater.execution.stop import Abandoned, Stop


@pytest.fixture
def stop() -> Iterator[Stop]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    with Stop() as stop:
        yield stop
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def term() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_is_remembered_and_does_nothing_by_itself(stop: Stop) -> None:
    assert stop.exit_code is None
    term()
    time.sleep(0.01)
    assert stop.exit_code == 143


def test_a_block_that_a_stop_abandons_is_left_at_once_and_what_follows_is_not(stop: Stop) -> None:
    done = []
    with stop.abandoning():
        done.append(1)
        term()
        time.sleep(60)
        done.append(2)
    time.sleep(0.1)
    assert done == [1]
    assert stop.requested == signal.SIGTERM


def test_a_block_is_given_its_time_from_the_signal_on(stop: Stop) -> None:
    began = time.monotonic()
    term()
    with stop.abandoning(0.3):
        time.sleep(0.01)
        began_again = time.monotonic()
    assert began_again - began < 0.3
    with stop.abandoning(0.3):
        time.sleep(60)
    assert time.monotonic() - began >= 0.3


def test_a_block_that_begins_after_the_signal_is_left_too(stop: Stop) -> None:
    term()
    with stop.abandoning():
        time.sleep(60)


def test_a_block_inside_another_has_its_own_time(stop: Stop) -> None:
    done = []
    with stop.abandoning():
        with stop.abandoning(60):
            term()
            time.sleep(0.1)
            done.append(1)
        time.sleep(60)
        done.append(2)
    assert done == [1]


def test_errors_of_a_block_are_its_own(stop: Stop) -> None:
    with pytest.raises(ValueError, match="mine"), stop.abandoning():
        raise ValueError("mine")


def test_a_block_that_is_left_in_its_last_moment_ends_the_run(stop: Stop) -> None:

    def left() -> None:
        with Stop():
            term()
            time.sleep(0.01)
            raise Abandoned

    with pytest.raises(SystemExit) as ended:
        left()
    assert ended.value.code == 143
