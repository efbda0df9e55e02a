"""How a session is set up: it only reads, its time zone is known, the server's limits stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from reportupdater.engines.mysql import setup
from reportupdater.engines.mysql.engine import MysqlEngine, MysqlSession
from reportupdater.errors import QueryError, QueryTimeout, ResultError
from reportupdater.model import Query
from tests.engines.tasks import sql_task
from tests.servers.mariadb import USER, Mariadb


@contextmanager
def connected(
    mariadb: Mariadb, database: str | None = None, *, writes: bool = False, **keys: Any
) -> Iterator[MysqlSession]:
    with closing(MysqlSession(mariadb.entry(database, **keys), writes=writes)) as session:
        session.connect()
        yield session


@contextmanager
def set_globally(mariadb: Mariadb, name: str, value: str) -> Iterator[None]:
    """What an administrator sets for all new sessions of the server."""
    [(before,)] = mariadb.execute(f"SELECT QUOTE(@@global.{name})")
    mariadb.execute(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        mariadb.execute(f"SET GLOBAL {name} = {before if name == 'time_zone' else 0}")


def ask(session: MysqlSession, text: str, timeout: float = 600.0) -> list[tuple[str, ...]]:
    entry = session._entry
    return session.run(Query(text, entry.database), max_rows=10, timeout=timeout).rows


@pytest.fixture
def table(mariadb: Mariadb, fresh_database: str) -> str:
    """The name of a table of one row, which the reports' user may change."""
    mariadb.execute(
        "CREATE TABLE dl (n INT)",
        "INSERT INTO dl VALUES (1)",
        "CREATE PROCEDURE noresult() DELETE FROM dl",
        f"GRANT ALL ON {fresh_database}.* TO {USER}",
        database=fresh_database,
    )
    return f"{fresh_database}.dl"


# It only reads


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM dl",
        "CALL noresult()",
        "INSERT INTO dl VALUES (2) RETURNING n",
        "CREATE TABLE other (n INT)",
        "DROP TABLE dl",
        "TRUNCATE TABLE dl",
    ],
)
def test_a_session_only_reads_unless_the_report_says_that_it_writes(
    mariadb: Mariadb, fresh_database: str, table: str, statement: str
) -> None:
    with connected(mariadb, fresh_database) as session:
        with pytest.raises(QueryError, match=r"^\(1792\) .*`writes: true`"):
            ask(session, statement)
        assert session.connected
        assert ask(session, "SELECT n FROM dl") == [("1",)]


def test_a_report_that_says_that_it_writes_may_write(
    mariadb: Mariadb, fresh_database: str, table: str
) -> None:
    with connected(mariadb, fresh_database, writes=True) as session:
        assert ask(session, "INSERT INTO dl VALUES (2) RETURNING n") == [("2",)]
        with pytest.raises(ResultError, match="no table"):
            ask(session, "CALL noresult()")
    assert mariadb.execute(f"SELECT COUNT(*) FROM {table}") == ((0,),)


def test_reports_that_write_have_sessions_of_their_own_and_side_effects(mariadb: Mariadb) -> None:
    engine = MysqlEngine()
    reads = sql_task(mariadb.entry("main"), "SELECT 1")
    writes = sql_task(mariadb.entry("main"), "SELECT 1", writes=True)
    assert engine.access(reads) != engine.access(writes)
    assert not engine.has_side_effects(reads)
    assert engine.has_side_effects(writes)


# The time zone


STAMP = "SELECT FROM_UNIXTIME(1420070400) AS x"


@pytest.mark.parametrize(
    ("zone", "seen"),
    [
        (None, "2015-01-01 00:00:00"),
        ("+00:00", "2015-01-01 00:00:00"),
        ("-03:30", "2014-12-31 20:30:00"),
        ("server", "2015-01-01 01:00:00"),
    ],
)
def test_queries_see_timestamps_in_utc_or_in_the_time_zone_of_the_entry(
    mariadb: Mariadb, zone: str | None, seen: str
) -> None:
    with (
        set_globally(mariadb, "time_zone", "'+01:00'"),
        connected(mariadb, time_zone=zone) as session,
    ):
        assert ask(session, STAMP) == [(seen,)]


def test_entries_with_another_time_zone_have_sessions_of_their_own(mariadb: Mariadb) -> None:
    one, other = (
        sql_task(mariadb.entry("main", time_zone=zone), "SELECT 1") for zone in (None, "server")
    )
    assert MysqlEngine().access(one) != MysqlEngine().access(other)


def test_an_offset_that_the_server_does_not_take_is_an_error_with_its_key(
    mariadb: Mariadb,
) -> None:
    with (
        connected(mariadb, time_zone="+14:59") as session,
        pytest.raises(QueryError, match=r"^\(1298\) .*'\+14:59'.*`time_zone`"),
    ):
        ask(session, "SELECT 1 AS x")


@pytest.mark.parametrize(
    ("zone", "name"), [("'+00:00'", ""), ("'+01:00'", "+01:00"), ("'SYSTEM'", "")]
)
def test_a_session_finds_out_whether_its_servers_time_zone_is_utc(
    mariadb: Mariadb, zone: str, name: str
) -> None:
    # The machine of the tests is at UTC, as the machines of the makers of containers are.
    with set_globally(mariadb, "time_zone", zone), closing(mariadb.admin()) as connection:
        [(system,)] = mariadb.execute("SELECT @@system_time_zone")
        expected = system if zone == "'SYSTEM'" and system != "UTC" else name
        assert setup.found(connection).zone == expected


# Limits of time


@pytest.mark.parametrize(
    ("administrators", "timeout", "expected"),
    [("0", 600.0, 600.0), ("5", 600.0, 5.0), ("5", 2.0, 2.0), ("900", 600.0, 600.0)],
)
def test_a_lower_limit_of_the_administrators_is_never_raised(
    mariadb: Mariadb, administrators: str, timeout: float, expected: float
) -> None:
    with (
        set_globally(mariadb, "max_statement_time", administrators),
        connected(mariadb) as session,
    ):
        for _ in range(2):
            [(limit,)] = ask(session, "SELECT @@max_statement_time", timeout)
            assert float(limit) == expected
            ask(session, "SELECT 1 AS x", timeout / 2)  # what lowers it is undone afterwards


def test_a_query_that_meets_the_administrators_limit_names_it(mariadb: Mariadb) -> None:
    with (
        set_globally(mariadb, "max_statement_time", "0.2"),
        connected(mariadb) as session,
        pytest.raises(QueryTimeout, match=r"^\(1969\) .*the server ends queries after 0.2 s"),
    ):
        ask(session, "SELECT SLEEP(30)")


# What it costs


def test_setting_up_costs_two_round_trips_and_nothing_for_each_query(mariadb: Mariadb) -> None:
    def asked() -> int:
        [(_, count)] = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(count)

    before = asked()
    own = asked() - before
    with connected(mariadb) as session:
        before = asked()
        ask(session, "SELECT 1 AS x")
        assert asked() - before - own == 2  # all settings are one statement
        before = asked()
        ask(session, "SELECT 1 AS x")
        assert asked() - before - own == 1


class Server:
    """What is known of a connection before anything is asked: the server's version."""

    def __init__(self, version: str) -> None:
        self.version = version

    def get_server_info(self) -> str:
        return self.version


@pytest.mark.parametrize(
    ("version", "read_only", "limit"),
    [
        ("8.0.39", "transaction_read_only", "max_execution_time = 600000"),
        ("9.1.0", "transaction_read_only", "max_execution_time = 600000"),
        ("5.7.44-log", "tx_read_only", "max_execution_time = 600000"),
        ("5.5.5-10.11.11-MariaDB-log", "tx_read_only", "max_statement_time = 600.000000"),
        ("11.4.2-MariaDB", "tx_read_only", "max_statement_time = 600.000000"),
    ],
)
def test_the_settings_have_the_names_that_the_servers_version_knows(
    mariadb: Mariadb, version: str, read_only: str, limit: str
) -> None:
    made = setup.settings(
        Server(version), mariadb.entry(), setup.Found(), writes=False, timeout=600.0
    )
    assert made == [limit, f"{read_only} = 1", "time_zone = '+00:00'"]


def test_a_setting_that_the_server_does_not_know_keeps_no_other_from_being_set(
    mariadb: Mariadb,
) -> None:
    with closing(mariadb.admin()) as connection:
        setup.apply(connection, ["no_such_thing = 1", "tx_read_only = 1"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@tx_read_only")
            assert cursor.fetchone() == (1,)
