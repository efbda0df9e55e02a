from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reportupdater.engines.hive.engine import HiveEngine
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import (
    QueryError,
    ReportupdaterError,
    ResultError,
)
from reportupdater.model import Query, Table
from tests.engines.hive.asking import ENTRY, ask, stopped, value
from tests.engines.tasks import sql_task
from tests.helpers import wait_until
from tests.servers.spark import Spark

BUSY = "SELECT count(*) FROM range(1000000000) a JOIN range(1000000000) b ON a.id % 7 < b.id"
"""Takes for ever, and all the processor time there is."""


@pytest.fixture
def session(spark: Spark) -> Iterator[HiveSession]:
    with closing(HiveSession(spark.entry())) as session:
        session.connect()
        yield session


# The engine


def test_a_query_is_rendered_and_runs_in_the_entrys_database() -> None:
    engine = HiveEngine()
    text = "SELECT '{from_date}' FROM t WHERE year = {year} AND month = {month} AND day = {day}"
    query = engine.query(sql_task(replace(ENTRY, database="events"), text))
    assert query == Query(
        "SELECT '2015-01-02' FROM t WHERE year = 2015 AND month = 01 AND day = 02",
        "events",
        quoted=frozenset(),
    )
    assert str(engine.server(sql_task(ENTRY, text))) == "hive 127.0.0.1:10000"


@pytest.mark.parametrize(
    "change",
    [
        {"port": 1},
        {"auth": "NOSASL"},
        {"transport": "http"},
        {"username": "other"},
        {"creds_file": Path("/other")},
        {"settings": {"a": "b"}},
    ],
)
def test_another_login_or_other_settings_need_a_session_of_their_own(
    change: dict[str, Any],
) -> None:
    engine = HiveEngine()
    one = engine.access(sql_task(ENTRY, ""))
    assert one != engine.access(sql_task(replace(ENTRY, **change), ""))
    alike = replace(ENTRY, name="other", database="events", concurrency=7)
    assert one == engine.access(sql_task(alike, ""))
    assert isinstance(hash(one), int)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", False),
        ("SELECT 1;", False),
        ("SET a=b; USE x;\n-- it's one; really\nSELECT ';'", False),
        ("INSERT INTO t SELECT 1; SELECT * FROM t", True),
        ("ADD JAR a.jar; SELECT 1", True),
        ("DROP TABLE x", True),
        ("INSERT OVERWRITE TABLE t SELECT 1", True),
        ("FROM t INSERT INTO u SELECT 1", True),
        ("WITH q AS (SELECT 1) INSERT INTO t SELECT * FROM q", True),
        ("WITH q AS (SELECT 1) SELECT `insert`, 'insert' FROM q -- insert", False),
        ("(SELECT 1) UNION ALL (SELECT 2)", False),
        ("SHOW TABLES", False),
    ],
)
def test_a_file_that_does_several_things_or_writes_has_side_effects(
    text: str, expected: bool
) -> None:
    assert HiveEngine().has_side_effects(sql_task(ENTRY, text)) == expected


# Names


def test_names_keep_their_table(session: HiveSession) -> None:
    # What becomes of it is decided where the TSV is known.
    header = ask(session, "SELECT 1 AS `t.date`, 2 AS `_u1.n`, 3 AS `0.5 quantile`").header
    assert header == ("t.date", "_u1.n", "0.5 quantile")


def test_names_keep_every_other_character(session: HiveSession) -> None:
    header = ask(session, "SELECT 1 AS `<= 10 edits`, 2 AS `2.5 ü😀`, 3 AS `.x`, 4 AS `y.`").header
    assert header == ("<= 10 edits", "2.5 ü😀", ".x", "y.")


# Statements


def test_the_last_table_is_the_result(session: HiveSession) -> None:
    text = """
        -- It's a helper table; it goes again
        CREATE TABLE helper (n INT);
        INSERT INTO helper SELECT 7;
        SELECT 'not; this' AS x;
        SELECT n /* it's 7 */ FROM helper;
        DROP TABLE helper;
    """
    assert ask(session, text) == Table(("n",), [("7",)])


def test_settings_hold_for_the_file_and_not_for_the_next(session: HiveSession) -> None:
    show = "SELECT '${hiveconf:x.y}' AS x"
    assert ask(session, f"SET x.y=it is; SET `z`=`a;b`;\n{show};").rows == [("it is",)]
    assert "it is" not in value(session, "'${hiveconf:x.y}'")


def test_settings_of_the_entry_hold_for_all(spark: Spark) -> None:
    entry = spark.entry(settings={"reports.queue": "nice; 'quiet'"})
    with closing(HiveSession(entry)) as session:
        for _ in range(2):
            assert value(session, '"${hiveconf:reports.queue}"') == "nice; 'quiet'"


@pytest.mark.parametrize("text", ["SET a=1", "USE default", "SET a=1;\nUSE default", "SHOW x; --"])
def test_what_gives_no_table_is_an_error(session: HiveSession, text: str) -> None:
    with pytest.raises(ReportupdaterError) as caught:
        ask(session, text)
    assert isinstance(caught.value, QueryError if "SHOW" in text else ResultError)
    assert value(session, "1") == "1"


def test_a_file_without_a_statement_is_an_error(session: HiveSession) -> None:
    with pytest.raises(QueryError, match="the query is empty"):
        ask(session, "-- it's nothing;\n")


def test_the_session_switches_between_databases(spark: Spark, session: HiveSession) -> None:
    spark.execute("CREATE DATABASE IF NOT EXISTS `events`")
    for database in ("events", None, "default", "events"):
        table = ask(session, "SELECT current_database() AS x", database=database)
        assert table.rows == [(database or "default",)]
    assert ask(session, "USE default; SELECT current_database() AS x", database="events").rows == [
        ("default",)
    ]


def test_a_database_that_is_not_there_is_an_error_of_that_query_alone(session: HiveSession) -> None:
    with pytest.raises(QueryError, match=r"SCHEMA_NOT_FOUND.*`nowhere`.*\(check the entry's"):
        ask(session, "SELECT 1", database="nowhere")
    assert value(session, "current_database()") == "default"


# A query's own errors


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT *\nFROM nowhere",
            r"^\[TABLE_OR_VIEW_NOT_FOUND\] The table or view `nowhere` .*\(check the table's name",
        ),
        ("-- Bad\n\nSELEC 1;", r"^\[PARSE_SYNTAX_ERROR\] .* 'SELEC'.*\(line 1, pos 0\).*backticks"),
        ("-- Bad\n\nSELECT 1 +)", r"^\[PARSE_SYNTAX_ERROR\] .*\(line 3, pos 10\)"),
        ("SELECT nothing FROM (SELECT 1 AS n) AS t", r"^\[UNRESOLVED_COLUMN.*check the column's"),
        (
            "SELECT raise_error('it broke; badly')",
            r"^Job aborted .*RuntimeException: it broke; bad",
        ),
        ("SELECT 'open", r"^\[PARSE_SYNTAX_ERROR\] "),
    ],
)
def test_the_first_line_that_means_something_is_shown(
    session: HiveSession, query: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(QueryError, match=message) as caught:
        ask(session, query)
    assert "\n" not in str(caught.value)
    assert "org.apache" not in str(caught.value)
    assert "\tat org.apache." in caplog.text
    assert session.connected
    assert value(session, "1") == "1"


def test_an_error_in_one_of_several_statements_ends_the_file(session: HiveSession) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        ask(session, "SET x.y=1; SELECT * FROM nowhere; CREATE TABLE never (n INT)")
    assert "1" not in value(session, "'${hiveconf:x.y}'")
    with pytest.raises(QueryError, match="never"):
        ask(session, "SELECT * FROM never")


def test_the_servers_log_is_told_at_debug_level(
    session: HiveSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert value(session, "'quiet'") == "quiet"
    assert caplog.text == ""
    caplog.set_level(logging.DEBUG)
    assert value(session, "'loud'") == "loud"
    assert "running SELECT 'loud'" in caplog.text
    assert "Submitting query 'SELECT 'loud'" in caplog.text


# Queries that are stopped


def test_a_cancelled_query_takes_no_more_processor_time(spark: Spark, session: HiveSession) -> None:
    def cancel() -> None:
        wait_until(lambda: used(spark) > 0.2)
        session.cancel()

    stopped(spark, session, cancel, BUSY)
    wait_until(lambda: spark.running() == [])
    wait_until(lambda: used(spark) < 0.2)


def used(spark: Spark) -> float:
    """How many processors the server uses just now."""
    before, began = spark.processor_seconds(), time.monotonic()
    time.sleep(0.3)
    return (spark.processor_seconds() - before) / (time.monotonic() - began)


def test_the_rest_of_a_large_result_is_dropped(session: HiveSession) -> None:
    with pytest.raises(ResultError, match="more than 10 rows"):
        ask(session, "SELECT id FROM range(1000000)", max_rows=10)
    assert value(session, "1") == "1"
