"""Servers of other kinds, and what happens when they go away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed
from tests.engines.hive.asking import answer, failure, stopped, value
from tests.faults.soak import cases, record
from tests.helpers import Project, patient, wait_until
from tests.servers.mariadb import free_port
from tests.servers.spark import Spark, running_spark, sleeping

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def mortal() -> Iterator[Spark]:
    """A server that does without SASL, and that a test may have stopped."""
    with running_spark({"hive.server2.authentication": "NOSASL"}) as server:
        yield server


@pytest.fixture
def plain(mortal: Spark) -> Spark:
    """A server that does without SASL."""
    if not mortal.alive:
        mortal.start()
    return mortal


@pytest.fixture(scope="module")
def http() -> Iterator[Spark]:
    """A server that speaks HTTP."""
    with running_spark({"hive.server2.transport.mode": "http"}) as server:
        yield server


def test_a_server_without_sasl_lets_in(plain: Spark) -> None:
    assert answer(plain.entry(auth="NOSASL")) == "2"


def test_a_server_that_speaks_http_lets_in(http: Spark) -> None:
    assert answer(http.entry(transport="http")) == "2"
    long = "x" * 1_000_000
    assert answer(http.entry(transport="http"), f"length('{long}')") == "1000000"


def test_proxies_of_the_environment_are_not_asked(
    http: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert answer(http.entry(transport="http")) == "2"


def test_a_cancelled_query_ends_on_a_server_that_speaks_http(http: Spark) -> None:
    with closing(HiveSession(http.entry(transport="http"))) as session:
        error, seconds = stopped(http, session, session.cancel)
        assert isinstance(error, ConnectionFailed)
        assert seconds < patient(3)
        wait_until(lambda: http.running() == [])
        assert value(session, "1") == "1"


def test_a_query_whose_line_is_cut_ends_on_a_server_that_speaks_http(http: Spark) -> None:
    with closing(HiveSession(http.entry(transport="http"))) as session:
        error, _ = stopped(http, session, session._line.cut)
        assert isinstance(error, ConnectionFailed)
        assert "lost the connection" in error.what
    wait_until(lambda: http.running() == [])


@pytest.mark.parametrize(
    ("server", "keys", "message"),
    [
        ("plain", {"auth": "NONE"}, "`transport: binary` with `auth: NONE`: .*`auth: NOSASL`"),
        ("plain", {"transport": "http"}, "`transport: http` with `auth: NONE`"),
        ("http", {"auth": "NONE"}, "`transport: binary` with `auth: NONE`"),
        ("http", {"auth": "NOSASL"}, "`transport: binary` with `auth: NOSASL`"),
    ],
)
def test_a_server_that_wants_something_else_is_told_with_what_to_check(
    request: pytest.FixtureRequest, server: str, keys: dict[str, Any], message: str
) -> None:
    spark: Spark = request.getfixturevalue(server)
    error = failure(spark.entry(**keys))
    assert error.what.startswith(f"cannot log in on 127.0.0.1:{spark.port}: ")
    assert re.search(message, str(error))
    assert not error.retry


def test_a_run_goes_on_when_a_server_is_killed_in_mid_query_and_comes_back(
    plain: Spark, tmp_path: Path
) -> None:
    kills = cases(1, 5)
    days = [f"2015-01-{day:02}" for day in range(2, 2 + kills)]
    config = f"""
databases:
  hive: {{engine: hive, host: {plain.host}, port: {plain.port}, auth: NOSASL, concurrency: 1}}
reports: {{slow: {{type: hive, granularity: days, starts: 2015-01-02, retries: 5}}}}
"""

    def query(day: str) -> str:
        return sleeping(2).replace("2015-01-02", day)

    project = Project(tmp_path, config, {"slow.hql": query("{from_date}")})
    with project.started("-l", "info", now=f"2015-01-{2 + kills:02}") as run:
        for number, day in enumerate(days):
            asked = [query(day)]
            while plain.running() != asked or project.committed() != number:
                assert run.process.poll() is None
                time.sleep(0.05)
            plain.stop(kill=True)
            lost = f"lost the connection to 127.0.0.1:{plain.port}"
            while run.said.count(lost) <= number:
                assert run.process.poll() is None
                time.sleep(0.05)
            run.says("Connection refused")
            plain.start()
        run.ended(0, within=120)
    expected, rows = [[day, "null"] for day in days], project.rows("slow")[1:]
    missing = len([row for row in expected if row not in rows])
    wrong = len([row for row in rows if row not in expected])
    assert rows == expected
    record("Hive killed in mid-query and restarted", cases=kills, lost=missing, wrong=wrong)


def test_a_server_that_is_shut_down_in_mid_query_is_a_failed_connection(plain: Spark) -> None:
    with closing(HiveSession(plain.entry(auth="NOSASL"))) as session:
        error, _ = stopped(plain, session, plain.stop)
        assert isinstance(error, ConnectionFailed)
        assert error.retry
        assert not session.connected
        with pytest.raises(ConnectionFailed, match="Connection refused") as caught:
            session.connect()
        assert caught.value.retry
