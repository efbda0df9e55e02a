"""The sink for Graphite, against a real carbon and against receivers that fail in every way."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.graphite.sink import Graphite
from tests.helpers import patient, wait_until
from tests.servers import receivers
from tests.servers.carbon import Carbon, RenderApi, running_carbon
from tests.servers.mariadb import free_port
from tests.servers.receivers import Behaviour, Receiver, never_accepting, receiver
from tests.sinks.graphite.examples import DAY, NEW_YEAR, points

SLACK = 1.5
"""Seconds that a busy machine may take beyond a time-out."""


def stored(batch: list[Datapoint]) -> dict[tuple[str, int], float]:
    return {(point.key, point.timestamp): float(point.value) for point in batch}


def fails(sink: Graphite, batch: list[Datapoint], timeout: float) -> str:
    """Why a batch is not acknowledged; that it is told in time."""
    began = time.monotonic()
    with pytest.raises(ConnectionFailed) as failure:
        sink.send(batch, timeout=timeout)
    assert time.monotonic() - began < timeout + SLACK
    return str(failure.value).removeprefix(
        f"Graphite at {sink.destination.removeprefix('graphite://')} "
    )


# A real carbon


def test_what_carbon_acknowledges_is_stored(carbon: Carbon, fresh_node: str) -> None:
    batch = points(fresh_node, metrics=20, days=60)
    Graphite(carbon.host, carbon.port).send(batch)
    wait_until(lambda: carbon.everything(fresh_node) == stored(batch))


def test_values_arrive_as_they_were_written(carbon: Carbon, fresh_node: str) -> None:
    values = ["5", "-5.0", "+7", "0.10", ".5", "5.", "1.5E-7", "0.00000000", "1152921504606846975"]
    batch = [
        Datapoint(f"{fresh_node}.v{number}", value, NEW_YEAR) for number, value in enumerate(values)
    ]
    Graphite(carbon.host, carbon.port).send(batch)
    wait_until(lambda: carbon.everything(fresh_node) == stored(batch))


def test_names_of_all_scripts_arrive(carbon: Carbon, fresh_node: str) -> None:
    batch = [
        Datapoint(f"{fresh_node}.{name}", "1", NEW_YEAR) for name in ("größe", "日本", "a=b,c")
    ]
    Graphite(carbon.host, carbon.port).send(batch)
    wait_until(lambda: carbon.everything(fresh_node) == stored(batch))


def test_the_last_value_sent_is_the_one_that_stays(carbon: Carbon, fresh_node: str) -> None:
    sink = Graphite(carbon.host, carbon.port)
    for value in ("1", "2", "3"):
        sink.send([Datapoint(f"{fresh_node}.m", value, NEW_YEAR)])
    wait_until(lambda: carbon.points(f"{fresh_node}.m") == {NEW_YEAR: 3.0})


def test_what_is_stored_can_be_rendered(
    carbon: Carbon, render_api: RenderApi, fresh_node: str
) -> None:
    batch = points(fresh_node, metrics=1, days=10)
    Graphite(carbon.host, carbon.port).send(batch)
    expected = {point.timestamp: float(point.value) for point in batch}

    def rendered() -> dict[int, float]:
        # What begins at `from` is not part of it.
        return render_api.points(batch[0].key, NEW_YEAR - 1, NEW_YEAR + 10 * DAY)

    wait_until(lambda: rendered() == expected)


def test_a_carbon_that_is_down_and_comes_back_gets_the_batch(fresh_node: str) -> None:
    batch = points("down", metrics=5)
    with running_carbon() as carbon:
        sink = Graphite(carbon.host, carbon.port)
        carbon.stop(kill=True)
        assert fails(sink, batch, 5).startswith("refused the connection (see whether carbon runs")
        carbon.start()
        sink.send(batch)
        wait_until(lambda: carbon.everything() == stored(batch))


def test_carbon_drops_more_new_metrics_than_it_may_create_without_a_word() -> None:
    """Why an acknowledgement is no proof, and why operators are told of this limit."""
    with running_carbon(max_creates_per_minute=10) as carbon:
        Graphite(carbon.host, carbon.port).send(points("m", metrics=40))
        wait_until(lambda: len(carbon.paths()) >= 10)
        time.sleep(1.5)  # its writer looks once a second
        assert len(carbon.paths()) < 20


@pytest.mark.parametrize("size", [1, 10, 100, 1_000, 5_000])
@pytest.mark.parametrize("port", ["pickle_port", "query_port"])
def test_a_port_of_carbon_that_takes_no_lines_is_noticed(
    carbon: Carbon, port: str, size: int
) -> None:
    sink = Graphite(carbon.host, getattr(carbon, port))
    for _ in range(3):
        assert fails(sink, points("m", metrics=size), 5) == LEFT


# Receivers that behave, and do not


def test_a_batch_goes_over_one_connection_line_by_line() -> None:
    batch = points("m", metrics=100, days=50)
    with receiver(receivers.reads_all) as server:
        sink = Graphite(server.host, server.port)
        sink.send(batch)
        sink.send(batch[:1])
        sink.send([])
        assert server.connections == 2
        assert server.lines == [
            f"{point.key} {point.value} {point.timestamp}" for point in [*batch, batch[0]]
        ]
    assert sink.destination == f"graphite://127.0.0.1:{server.port}"


def test_a_receiver_may_take_its_time() -> None:
    batch = points("m", metrics=2000)
    with receiver(receivers.reads_slowly) as server:
        Graphite(server.host, server.port).send(batch, timeout=20)
        assert len(server.lines) == 2000


LATE = (
    "took longer than 1 s to read the batch to its end "
    "(see whether carbon runs there, and what its log says)"
)
LEFT = (
    "left before it had read the whole batch (see whether carbon runs there, and what its log says; "
    "is `port` that of the receiver of lines? carbon's default is 2003)"
)


@pytest.mark.parametrize("size", [1, 100, 5_000, 100_000])
@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (receivers.never_reads, LATE),
        (receivers.never_closes, LATE),
        (receivers.closes_at_once, LEFT),
        (receivers.resets, LEFT),
    ],
    ids=["never reads", "never closes", "closes at once", "resets"],
)
def test_what_was_not_read_to_the_end_is_not_acknowledged(
    behave: Behaviour, why: str, size: int
) -> None:
    with receiver(behave) as server:
        assert fails(Graphite(server.host, server.port), points("m", metrics=size), 1) == why


@pytest.mark.parametrize(
    ("behave", "size"),
    [
        (receivers.closes_in_mid_batch, 1_000),
        (receivers.closes_in_mid_batch, 100_000),
        (receivers.says_goodbye_then_reads, 200_000),
        (receivers.says_goodbye_and_never_reads, 5_000),
    ],
)
def test_a_receiver_that_leaves_early_has_not_read_the_batch(behave: Behaviour, size: int) -> None:
    with receiver(behave) as server:
        assert fails(Graphite(server.host, server.port), points("m", metrics=size), 5) == LEFT


def test_what_a_failed_batch_left_behind_does_not_go_on_arriving() -> None:
    """Or it could arrive after newer values."""
    batch = points("m", metrics=200_000)
    awake = threading.Event()

    def sleeps(server: Receiver, connection: socket.socket) -> None:
        awake.wait(20)
        receivers.reads_all(server, connection)

    with receiver(sleeps) as server:
        fails(Graphite(server.host, server.port), batch, 1)
        awake.set()
        time.sleep(0.5)
        assert len(server.lines) < len(batch) / 50  # what its own system has taken for it


def test_a_receiver_that_is_always_about_to_finish_has_the_same_time_as_others() -> None:
    batch = points("m", metrics=200_000)
    with receiver(receivers.reads_slowly) as server:
        assert fails(Graphite(server.host, server.port), batch, 1) == LATE
        assert 0 < len(server.lines) < len(batch)


def test_a_server_that_answers_is_no_receiver_of_lines() -> None:
    with receiver(receivers.answers) as server:
        why = fails(Graphite(server.host, server.port), points("m", metrics=100), 5)
        assert why == (
            "answered 'HTTP/1.1 400 Bad Request', which no receiver of lines does "
            "(is `port` that of the receiver of lines? carbon's default is 2003)"
        )


def test_a_server_that_takes_no_more_connections_is_given_up_in_time() -> None:
    with never_accepting() as port:
        why = fails(Graphite("127.0.0.1", port), points("m", metrics=1), 1)
        assert why.startswith("took longer than 1 s to take the connection")


def test_a_port_that_nobody_listens_on_is_told() -> None:
    why = fails(Graphite("127.0.0.1", free_port()), points("m", metrics=1), 1)
    assert why.startswith("refused the connection")


def test_a_host_that_nobody_knows_is_told() -> None:
    why = fails(Graphite("nowhere.invalid", 2003), points("m", metrics=1), 10)
    assert why.startswith("has no known address: ")
    assert why.endswith("(is `host` spelt right?)")


def test_a_host_with_several_addresses_is_tried_at_each() -> None:
    # localhost is ::1 and 127.0.0.1 on most machines; the receiver listens on the second alone.
    with receiver(receivers.reads_all) as server:
        Graphite("localhost", server.port).send(points("m", metrics=3), timeout=5)
        assert len(server.lines) == 3


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hanging(*_: object, **__: object) -> list[object]:
        over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    # The system's resolver cannot be made to hang for one process.
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    why = fails(Graphite("slow.example.org", 2003), points("m", metrics=1), 0.5)
    over.set()
    assert " s to be found (" in why


# Closing


def closing(behave: Behaviour, size: int, after: float) -> float:
    """Close a sink while it sends; the seconds from then to the failure."""
    with receiver(behave) as server, ThreadPoolExecutor(1) as pool:
        sink = Graphite(server.host, server.port)
        sending = pool.submit(sink.send, points("m", metrics=size), timeout=30)
        wait_until(lambda: server.connections == 1)
        time.sleep(after)
        began = time.monotonic()
        sink.close()
        with pytest.raises(ConnectionFailed, match="was not waited for: the run is ending"):
            sending.result(patient(10))
        return time.monotonic() - began


@pytest.mark.parametrize("size", [1, 200_000])
@pytest.mark.parametrize("behave", [receivers.never_reads, receivers.never_closes])
def test_closing_ends_the_batch_in_progress_at_once(behave: Behaviour, size: int) -> None:
    assert closing(behave, size, after=0.2) < SLACK


def test_closing_ends_connecting_at_once() -> None:
    with never_accepting() as port, ThreadPoolExecutor(1) as pool:
        sink = Graphite("127.0.0.1", port)
        sending = pool.submit(sink.send, points("m", metrics=1), timeout=8)
        time.sleep(0.3)
        began = time.monotonic()
        sink.close()
        with pytest.raises(ConnectionFailed, match="was not waited for"):
            sending.result(patient(10))
        assert time.monotonic() - began < SLACK


def test_closing_ends_looking_up_the_host_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20) and [])
    with ThreadPoolExecutor(1) as pool:
        sink = Graphite("slow.example.org", 2003)
        sending = pool.submit(sink.send, points("m", metrics=1), timeout=8)
        time.sleep(0.2)
        sink.close()
        with pytest.raises(ConnectionFailed, match="was not waited for"):
            sending.result(patient(2))
    over.set()


def test_a_sink_that_is_closed_sends_nothing() -> None:
    with receiver(receivers.reads_all) as server:
        sink = Graphite(server.host, server.port)
        sink.close()
        sink.close()
        assert fails(sink, points("m", metrics=1), 5).startswith("was not waited for")
        assert server.lines == []


def test_no_connection_and_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())  # other tests' may still be ending
    with receiver(receivers.reads_all) as server:
        sink = Graphite(server.host, server.port)
        for _ in range(20):
            sink.send(points("m", metrics=1))
        # The one that accepts is left, and soon none for connections or names.
        wait_until(lambda: len(set(threading.enumerate()) - before) == 1)


@pytest.mark.parametrize("host", ["a..b", "x" * 64, ".example.org"])
def test_a_host_that_can_be_none_is_said_to_be_unknown(
    host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    why = fails(Graphite(host, 2003), points("any", metrics=1, days=1), timeout=60.0)
    assert why == "has no known address: it is no name of a host (is `host` spelt right?)"
    assert capfd.readouterr().err == ""  # as of a thread that died
