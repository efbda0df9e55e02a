"""Queries that end before their time, on both kinds of HiveServer2: by kills, limits and others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import reportupdater
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed, QueryError, QueryTimeout
from tests.engines.hive.asking import ask, stopped, value
from tests.helpers import patient, wait_until
from tests.servers.hive import Hive
from tests.servers.hiveserver2 import HiveServer2
from tests.servers.spark import Spark


@pytest.fixture(params=["hive", "spark"])
def server(request: pytest.FixtureRequest) -> HiveServer2:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Hive | Spark)
    return found


@pytest.fixture
def session(server: HiveServer2) -> Iterator[HiveSession]:
    with closing(HiveSession(server.entry())) as session:
        session.connect()
        yield session


def test_the_server_itself_ends_a_query_that_outlives_the_timeout(
    server: HiveServer2, session: HiveSession
) -> None:
    with pytest.raises(QueryTimeout, match=r"after 1 s .*`timeout`"):
        ask(session, server.sleeping, timeout=0.3)
    assert session.connected
    assert value(session, "1") == "1"
    wait_until(lambda: server.running() == [])


def test_a_query_does_not_outlive_a_run_that_is_killed(server: HiveServer2) -> None:
    program = f"""
from reportupdater.engines.hive.session import HiveSession
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.model import Query
session = HiveSession(HiveDatabase(name="hive", host={server.host!r}, port={server.port}))
session.connect()
session.run(Query({server.sleeping!r}), max_rows=1, timeout=600)
"""
    path = str(Path(reportupdater.__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}
    )
    try:
        wait_until(lambda: server.running() == [server.sleeping])
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: server.running() == [])


def test_a_query_that_another_user_ends_on_the_server_is_not_retried(
    server: HiveServer2, session: HiveSession
) -> None:
    def end() -> None:
        assert session._connection is not None
        session._kill(session._connection.sessionHandle, session._operation, {})

    error, _ = stopped(server, session, end)
    assert isinstance(error, QueryError)
    assert "ended on the server" in error.hint


def test_a_query_is_stopped_even_when_the_server_cannot_be_told(
    server: HiveServer2, session: HiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_kill", lambda *handles: None)
    error, seconds = stopped(server, session, session.cancel)
    assert isinstance(error, ConnectionFailed)
    assert seconds < patient(3)
    wait_until(lambda: server.running() == [])
