"""BIT and GEOMETRY columns, and binary that is no text: numbers, or an error with what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reportupdater.engines.mysql.engine import MysqlSession
from reportupdater.errors import ResultError
from reportupdater.model import Query, Table
from tests.servers.mariadb import Mariadb


@pytest.fixture
def session(mariadb: Mariadb, fresh_database: str) -> Iterator[MysqlSession]:
    mariadb.execute(
        "CREATE TABLE t (id INT PRIMARY KEY, b1 BIT(1), b8 BIT(8) NOT NULL, b16 BIT(16), b64 BIT(64))",
        # 53 is the digit 5, 0x3635 the digits 65.
        "INSERT INTO t VALUES (1, 1, 53, 0x3635, 18446744073709551615), (2, 0, 54, 9, 0),"
        " (3, NULL, 65, NULL, 1)",
        "CREATE TABLE place (id INT, p POINT, g GEOMETRY)",
        "INSERT INTO place VALUES (1, POINT(1, 2), NULL)",
        "CREATE VIEW v AS SELECT b8, MAX(b16) AS most FROM t GROUP BY b8",
        database=fresh_database,
    )
    with closing(MysqlSession(mariadb.entry(fresh_database))) as session:
        session.connect()
        yield session


def ask(session: MysqlSession, text: str) -> Table:
    return session.run(Query(text, session._entry.database), max_rows=1000, timeout=600)


def test_bit_columns_are_numbers(session: MysqlSession) -> None:
    assert ask(session, "SELECT b1, b8, b16, b64 FROM t ORDER BY id").rows == [
        ("1", "53", "13877", "18446744073709551615"),
        ("0", "54", "9", "0"),
        ("", "65", "", "1"),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT MAX(b8), MAX(b16), MAX(b64), MAX(b1), MIN(b1) FROM t",
            [("65", "13877", "18446744073709551615", "1", "0")]),
        ("SELECT b8, COUNT(*) FROM t GROUP BY b8 ORDER BY b8", [("53", "1"), ("54", "1"), ("65", "1")]),
        ("SELECT DISTINCT b16 FROM t ORDER BY b16 DESC", [("13877",), ("9",), ("",)]),
        ("SELECT b8 FROM t WHERE id = 1 UNION SELECT b16 FROM t WHERE id = 2", [("53",), ("9",)]),
        ("SELECT b8 FROM t WHERE id = 3 UNION ALL SELECT b8 FROM t WHERE id = 3", [("65",), ("65",)]),
        ("SELECT b8, most FROM v ORDER BY b8", [("53", "13877"), ("54", "9"), ("65", "")]),
        ("SELECT (SELECT b8 FROM t WHERE id = 3) AS x", [("65",)]),
        ("SELECT IF(1, b8, b8) AS x, COALESCE(b1, b1) AS y FROM t WHERE id = 1", [("53", "1")]),
        ("SELECT FIRST_VALUE(b1) OVER (ORDER BY id) AS x FROM t", [("1",), ("1",), ("1",)]),
        ("SELECT b8 + 0, b16 | 0, CAST(b8 AS UNSIGNED), SUM(b8) FROM t WHERE id = 1", [("53", "13877", "53", "53")]),
        ("SELECT a.b8, b.b16 FROM t a JOIN t b USING (id) WHERE id = 1", [("53", "13877")]),
    ],
)  # fmt: skip
def test_bits_are_numbers_wherever_they_come_from(
    session: MysqlSession, query: str, expected: list[tuple[str, ...]]
) -> None:
    assert ask(session, query).rows == expected


@pytest.mark.parametrize(
    "query",
    [
        "SELECT b8 AS x FROM t WHERE id = 1 UNION ALL SELECT b8 FROM t WHERE id = 1",
        "SELECT FIRST_VALUE(b16) OVER (ORDER BY id) AS x FROM t",
        "SELECT MAX(b16) AS x FROM t WHERE b16 = 13",
        "SELECT IF(1, b16, b16) AS x FROM t WHERE id = 1 UNION ALL SELECT b16 FROM t WHERE id = 1",
    ],
)
def test_a_bit_that_the_server_sends_in_two_ways_is_never_guessed(
    mariadb: Mariadb, session: MysqlSession, query: str
) -> None:
    mariadb.execute("INSERT INTO t VALUES (4, 1, 1, 13, 1)", database=session._entry.database)
    with pytest.raises(ResultError, match=r"^column 'x' is a BIT .* \(.*`column \+ 0`\)"):
        ask(session, query)
    session.connect()
    assert ask(session, "SELECT MAX(b16) + 0 AS x FROM t").rows == [("13877",)]


@pytest.mark.parametrize(
    "query", ["SELECT id, p FROM place", "SELECT ST_GeomFromText('POINT(1 1)') AS p"]
)
def test_a_geometry_is_an_error_that_says_what_to_write_instead(
    session: MysqlSession, query: str
) -> None:
    with pytest.raises(ResultError, match=r"^column 'p' is a GEOMETRY.*ST_AsText\(\)"):
        ask(session, query)
    if not session.connected:
        session.connect()
    assert ask(session, "SELECT ST_AsText(p), g FROM place").rows == [("POINT(1 2)", "")]
