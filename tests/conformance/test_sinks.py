"""What every sink does alike. A new sink is one more subject."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.client import Sink
from reportupdater.sinks.graphite.sink import Graphite
from reportupdater.sinks.prometheus.sink import Receiver
from reportupdater.web.access import Access
from tests.helpers import patient, wait_until
from tests.servers.carbon import Carbon
from tests.servers.mariadb import free_port
from tests.servers.receivers import never_reads, receiver
from tests.servers.stores import Store
from tests.sinks.graphite import examples


class Subject(Protocol):
    """A sink, and its receiver as the suite sees it."""

    def points(self, node: str, metrics: int, days: int = 1) -> list[Datapoint]:
        """A value for each metric and day, all of them different; of no other test's metrics."""

    def sink(self, port: int | None = None) -> Sink:
        """A sink of the real receiver, or of what is on a port of this host."""

    def stored(self, node: str) -> dict[tuple[str, int], float]:
        """All that the receiver has stored under a node: (path, timestamp) → value."""


class GraphiteSubject:
    """The line receiver of a carbon."""

    def __init__(self, carbon: Carbon) -> None:
        self._carbon = carbon

    def points(self, node: str, metrics: int, days: int = 1) -> list[Datapoint]:
        return examples.points(node, metrics, days)

    def sink(self, port: int | None = None) -> Sink:
        return Graphite(self._carbon.host, port or self._carbon.port)

    def stored(self, node: str) -> dict[tuple[str, int], float]:
        return self._carbon.everything(node)


class StoreSubject:
    """What takes remote write."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def points(self, node: str, metrics: int, days: int = 1) -> list[Datapoint]:
        return [
            Datapoint(
                f'{node}{{metric="{metric}"}}', f"{metric * days + day}.25", _AGO + day * _DAY
            )
            for metric in range(metrics)
            for day in range(days)
        ]

    def sink(self, port: int | None = None) -> Sink:
        url = f"http://{self._store.host}:{port or self._store.port}/api/v1/write"
        return Receiver(url, Access(), url, None)

    def stored(self, node: str) -> dict[tuple[str, int], float]:
        return {
            (key, at): value
            for key, values in self._store.values(f'{{__name__="{node}"}}').items()
            for at, value in values.items()
        }


_DAY = 86_400
_AGO = (int(time.time()) // _DAY - 40) * _DAY


@pytest.fixture(params=["graphite", "prometheus", "victoria"])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "graphite":
        return GraphiteSubject(request.getfixturevalue("carbon"))
    return StoreSubject(request.getfixturevalue(request.param))


@pytest.fixture
def sink(subject: Subject) -> Iterator[Sink]:
    sink = subject.sink()
    yield sink
    sink.close()


def expected(batch: list[Datapoint]) -> dict[tuple[str, int], float]:
    return {(point.key, point.timestamp): float(point.value) for point in batch}


def test_all_points_of_all_batches_are_stored(
    subject: Subject, sink: Sink, fresh_node: str
) -> None:
    batch = subject.points(fresh_node, metrics=10, days=30)
    for at in range(0, len(batch), 100):
        sink.send(batch[at : at + 100])
    wait_until(lambda: subject.stored(fresh_node) == expected(batch))


def test_sending_again_changes_nothing_and_a_new_value_wins(
    subject: Subject, sink: Sink, fresh_node: str
) -> None:
    batch = subject.points(fresh_node, metrics=3, days=3)
    sink.send(batch)
    sink.send(batch)
    wait_until(lambda: subject.stored(fresh_node) == expected(batch))
    changed = [Datapoint(point.key, f"1{point.value}", point.timestamp, 1) for point in batch]
    sink.send(changed)
    wait_until(lambda: subject.stored(fresh_node) == expected(changed))


def test_an_empty_batch_is_sent_at_once(sink: Sink) -> None:
    sink.send([])


def test_a_destination_tells_receivers_apart(subject: Subject, sink: Sink) -> None:
    assert subject.sink().destination == sink.destination
    assert subject.sink(free_port()).destination != sink.destination


def test_a_receiver_that_is_not_there_is_a_failed_connection(subject: Subject) -> None:
    with pytest.raises(ConnectionFailed) as failure:
        subject.sink(free_port()).send(subject.points("m", metrics=1))
    assert failure.value.retry
    assert failure.value.hint


def test_a_receiver_that_hangs_is_given_up_in_time(subject: Subject) -> None:
    with receiver(never_reads) as server:
        began = time.monotonic()
        with pytest.raises(ConnectionFailed):
            subject.sink(server.port).send(subject.points("m", metrics=10), timeout=0.5)
        assert 0.4 < time.monotonic() - began < patient(2)


def test_close_ends_a_send_and_all_later_ones(subject: Subject) -> None:
    with receiver(never_reads) as server, ThreadPoolExecutor(1) as pool:
        sink = subject.sink(server.port)
        sending = pool.submit(sink.send, subject.points("m", metrics=10))
        wait_until(lambda: server.connections == 1)
        sink.close()
        sink.close()
        with pytest.raises(ConnectionFailed):
            sending.result(patient(2))
        with pytest.raises(ConnectionFailed):
            sink.send(subject.points("m", metrics=1))
        assert server.connections == 1


def test_a_sink_goes_on_after_a_failure(subject: Subject, sink: Sink, fresh_node: str) -> None:
    batch = subject.points(fresh_node, metrics=2)
    with pytest.raises(ConnectionFailed):
        sink.send(batch, timeout=0)
    sink.send(batch)
    wait_until(lambda: subject.stored(fresh_node) == expected(batch))
