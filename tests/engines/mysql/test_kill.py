"""Stopping a query: on its own server, whichever one answers behind the same address."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from reportupdater.engines.mysql.engine import MysqlSession
from reportupdater.errors import ConnectionFailed
from reportupdater.model import Query
from tests.servers.balancer import balanced
from tests.servers.mariadb import PASSWORD, USER, Mariadb, running_mariadb

OURS = "SELECT SLEEP(60) AS ours"
THEIRS = "SELECT SLEEP(60) AS theirs"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def asking(mariadb: Mariadb) -> Iterator[Callable[[MysqlSession, str], threading.Thread]]:
    """Let a session ask something in the background; what it is answered does not matter."""
    threads = []

    def ask(session: MysqlSession, text: str) -> threading.Thread:
        def run() -> None:
            with pytest.raises(ConnectionFailed):
                session.run(Query(text), max_rows=1, timeout=600)

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return thread

    yield ask
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.long
def test_a_query_behind_a_balancer_is_stopped_on_no_other_server(
    mariadb: Mariadb,
    asking: Callable[[MysqlSession, str], threading.Thread],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both servers count their connections, and have one of the same number."""
    caplog.set_level(logging.DEBUG, "reportupdater")
    with running_mariadb() as other, balanced([mariadb.port, other.port]) as port:
        first, second = number(mariadb), number(other)
        for server, more in ((mariadb, second - first), (other, first - second)):
            for _ in range(more):
                number(server)
        ours = MysqlSession(mariadb.entry(port=port))
        theirs = MysqlSession(other.entry())
        with closing(ours), closing(theirs):
            ours.connect()
            theirs.connect()
            assert ours._running is not None
            assert theirs._running is not None
            assert ours._running.thread_id == theirs._running.thread_id
            thread = asking(ours, OURS)
            asking(theirs, THEIRS)
            wait_until(lambda: OURS in mariadb.queries().values())
            wait_until(lambda: THEIRS in other.queries().values())
            ours.cancel()
            thread.join(30)
            ours.close()
            assert "is not stopped: another server may answer there now" in caplog.text
            assert THEIRS in other.queries().values()
            theirs.cancel()


def number(server: Mariadb) -> int:
    """The number of a new connection."""
    [[found]] = server.execute("SELECT CONNECTION_ID()")
    return int(found)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_query_is_stopped_on_its_server(
    mariadb: Mariadb, asking: Callable[[MysqlSession, str], threading.Thread], host: str
) -> None:
    with closing(MysqlSession(mariadb.entry(host=host))) as session:
        session.connect()
        asking(session, OURS)
        wait_until(lambda: OURS in mariadb.queries().values())
        session.cancel()
        wait_until(lambda: OURS not in mariadb.queries().values())


def test_a_query_is_stopped_through_the_socket_that_it_was_asked_through(
    mariadb: Mariadb, asking: Callable[[MysqlSession, str], threading.Thread]
) -> None:
    mariadb.execute(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
    entry = mariadb.entry(host="localhost", socket=mariadb.folder / "sock")
    with closing(MysqlSession(entry)) as session:
        session.connect()
        asking(session, OURS)
        wait_until(lambda: OURS in mariadb.queries().values())
        session.cancel()
        wait_until(lambda: OURS not in mariadb.queries().values())
    mariadb.execute(f"DROP USER {USER}@localhost")


def test_the_name_of_a_server_is_not_looked_up_again_to_stop_its_query(
    mariadb: Mariadb,
    asking: Callable[[MysqlSession, str], threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may lead to another of several servers then."""
    with closing(MysqlSession(mariadb.entry(host="localhost"))) as session:
        session.connect()
        asking(session, OURS)
        wait_until(lambda: OURS in mariadb.queries().values())
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
        session.cancel()
        wait_until(lambda: OURS not in mariadb.queries().values())
