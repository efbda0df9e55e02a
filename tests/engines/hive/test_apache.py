"""What only Apache Hive itself does, with Tez: the tests of `test_hive.py` run on Spark."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed, QueryError
from reportupdater.model import Table
from tests.engines.hive.asking import answer, ask, failure, stopped, value
from tests.helpers import Project, on_a_terminal, wait_until
from tests.servers.hive import Hive, running_hive

pytestmark = pytest.mark.long


@pytest.fixture
def session(hive: Hive) -> Iterator[HiveSession]:
    with closing(HiveSession(hive.entry())) as session:
        session.connect()
        yield session


def test_a_failing_vertex_is_shown_with_its_innermost_cause(session: HiveSession) -> None:
    with pytest.raises(QueryError) as caught:
        ask(session, "SELECT assert_true(n = 2) FROM one GROUP BY n")
    assert caught.value.what == "vertex Reducer 2 failed: ASSERT_TRUE(): assertion failed."
    assert session.connected
    assert value(session, "1") == "1"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM nowhere", "Line 1:14 Table not found 'nowhere'"),
        ("\nSELECT x\nFROM one", "Line 2:7 Invalid table alias or column reference 'x': "),
        ("SELECT 1 AS date", "line 1:12 cannot recognize input near"),
    ],
)
def test_an_error_begins_with_the_place_and_what_is_wrong(
    session: HiveSession, query: str, shown: str
) -> None:
    with pytest.raises(QueryError) as caught:
        ask(session, query)
    assert caught.value.what.startswith(shown)
    assert caught.value.hint


SLOW_REDUCER = """
SELECT '2025-01-01' AS `date`, reflect('java.lang.Thread', 'sleep', 3000 * c) AS slept
FROM (SELECT n, count(*) AS c FROM one GROUP BY n) AS t
"""
"""A query that is half done when its map is, and stays so for three seconds."""


@pytest.mark.parametrize("in_place", ["true", "false"])
def test_the_progress_of_tez_is_known_and_logged(
    hive: Hive, caplog: pytest.LogCaptureFixture, in_place: str
) -> None:
    caplog.set_level(logging.DEBUG, "reportupdater")
    seen = set()
    entry = hive.entry(settings={"hive.server2.in.place.progress": in_place})
    with closing(HiveSession(entry)) as session, ThreadPoolExecutor(1) as pool:
        session.connect()
        assert session.progress == ""
        call = pool.submit(ask, session, SLOW_REDUCER)
        while not call.done():
            seen.add(session.progress)
            time.sleep(0.01)
        call.result()
        assert value(session, "1") == "1"
        assert session.progress == ""
    if in_place == "true":
        assert "1 of 2 vertices, 50 %" in seen
        assert "1 of 2 vertices, 50 %: Map 1: 1/1, Reducer 2: 0/1" in caplog.text
    else:
        assert "50 %" in seen
        assert re.search(r"Map 1: 1/1\s+Reducer 2: 0\(\+1\)/1", caplog.text)


def test_on_a_terminal_the_bar_shows_the_progress_of_tez(hive: Hive, tmp_path: Path) -> None:
    config = f"""
databases: {{hive: {{engine: hive, host: {hive.host}, port: {hive.port}, username: reports}}}}
reports: {{slow: {{type: hive, granularity: days, starts: 2025-01-01, ends: 2025-01-02}}}}
"""
    project = Project(tmp_path, config, {"slow.hql": SLOW_REDUCER})
    shown = on_a_terminal(project)
    assert re.search(r"slow 2025-01-01 \d+ s, 1 of 2 vertices, 50 %", shown)
    assert project.dates("slow") == ["2025-01-01"]


# Statements


def test_a_helper_table_lives_as_long_as_its_file(session: HiveSession) -> None:
    text = """
-- It's filled; then read.
SET hivevar:least=2;
CREATE TEMPORARY TABLE helper AS SELECT n + 1 AS n FROM one; /* "done" */
SELECT '2015-01-02' AS `date`, n FROM helper WHERE n >= ${hivevar:least};
"""
    assert ask(session, text) == Table(("date", "n"), [("2015-01-02", "2")])
    with pytest.raises(QueryError, match="Table not found 'helper'"):
        ask(session, "SELECT * FROM helper")
    with pytest.raises(QueryError):
        value(session, "${hivevar:least}")


@pytest.mark.long
def test_a_hive_without_sasl_lets_in_and_ends_what_is_cancelled() -> None:
    with running_hive({"hive.server2.authentication": "NOSASL"}) as server:
        entry = server.entry(auth="NOSASL")
        assert answer(entry) == "2"
        assert "`auth: NOSASL`" in failure(server.entry()).hint
        with closing(HiveSession(entry)) as session:
            # This server has no table.
            sleeping = server.sleeping.replace("FROM one", "FROM (SELECT 1 AS n) AS one")
            error, _ = stopped(server, session, session.cancel, sleeping)
            assert isinstance(error, ConnectionFailed)
            wait_until(lambda: server.running() == [])
            assert value(session, "1") == "1"


@pytest.mark.long
def test_a_run_goes_on_when_hive_is_killed_in_mid_query_and_comes_back(tmp_path: Path) -> None:
    with running_hive(lasting=True) as server:
        server.make_one()
        config = f"""
databases: {{hive: {{engine: hive, host: {server.host}, port: {server.port}, concurrency: 1}}}}
reports: {{slow: {{type: hive, granularity: days, starts: 2025-01-01, retries: 20}}}}
"""
        query = SLOW_REDUCER.replace("2025-01-01", "{from_date}")
        project = Project(tmp_path, config, {"slow.hql": query})
        with project.started("-l", "info", now="2025-01-03") as run:
            wait_until(server.running)
            server.stop(kill=True)
            run.says(f"lost the connection to {server.host}:{server.port}")
            run.says("Connection refused")
            server.start()
            run.ended(0, within=300)
    assert project.dates("slow") == ["2025-01-01", "2025-01-02"]


@pytest.mark.long
def test_a_run_loses_nothing_when_hive_is_stopped_in_order_and_comes_back(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS `date`, reflect('java.lang.Thread', 'sleep', 500L) AS slept FROM one"
    with running_hive(lasting=True) as server:
        server.make_one()
        config = f"""
databases: {{hive: {{engine: hive, host: {server.host}, port: {server.port}}}}}
reports: {{quick: {{type: hive, granularity: days, starts: 2025-01-01, retries: 20}}}}
"""
        project = Project(tmp_path, config, {"quick.hql": query})
        with project.started("-l", "info", now="2025-01-21") as run:
            wait_until(lambda: project.committed() >= 2)
            # It waits for the queries that run, and takes no other ones meanwhile.
            server.stop()
            run.says("decommissioned or inactive")
            run.says("Connection refused")
            assert 2 <= project.committed() < 20
            server.start()
            run.ended(0, within=300)
    assert project.dates("quick") == [f"2025-01-{day:02}" for day in range(1, 21)]
