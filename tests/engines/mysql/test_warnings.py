"""What the server warns of comes with the result, in bounds, and costs nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reportupdater.engines.mysql.engine import MysqlSession
from reportupdater.model import Meaning, Query, ServerWarning, Table
from tests.engines.mysql.test_setup import set_globally
from tests.servers.mariadb import Mariadb

CUT, REMARK = Meaning.CUT, Meaning.REMARK
ENDLESS = (
    "SET STATEMENT max_recursive_iterations=5 FOR"
    " WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT COUNT(*) AS n FROM t"
)


@pytest.fixture
def session(mariadb: Mariadb, fresh_database: str) -> Iterator[MysqlSession]:
    with closing(MysqlSession(mariadb.entry(fresh_database))) as session:
        session.connect()
        yield session


def ask(session: MysqlSession, text: str, max_rows: int = 1000) -> Table:
    return session.run(Query(text, session._entry.database), max_rows=max_rows, timeout=600)


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        (
            "SET STATEMENT group_concat_max_len=10 FOR SELECT GROUP_CONCAT(seq) AS x FROM seq_1_to_99",
            1260,
            "cut by GROUP_CONCAT()",
        ),
        (
            "SET STATEMENT group_concat_max_len=10 FOR SELECT JSON_ARRAYAGG(seq) AS x FROM seq_1_to_99",
            1260,
            "cut by JSON_ARRAYAGG()",
        ),
        ("SELECT LENGTH(REPEAT('x', 100000000)) AS x", 1301, "larger than max_allowed_packet"),
        ("SELECT seq AS x FROM seq_1_to_99 LIMIT ROWS EXAMINED 10", 1931, "may be incomplete"),
        (
            ENDLESS,
            1931,
            "may be incomplete",
        ),
    ],
)
def test_a_warning_that_means_a_cut_result_is_marked_as_such(
    session: MysqlSession, query: str, code: int, words: str
) -> None:
    [warning] = ask(session, query).warnings
    assert (warning.code, warning.meaning) == (code, CUT)
    assert words in warning.text


def test_other_warnings_are_remarks_with_the_servers_words(session: MysqlSession) -> None:
    table = ask(
        session, "SELECT 'a' + 1 AS x, CAST('abc' AS CHAR(2)) AS y UNION SELECT 'a' + 1, 'z'"
    )
    assert table.rows == [("1.0", "ab"), ("1.0", "z")]
    assert table.warnings == (
        ServerWarning(1292, "Truncated incorrect DOUBLE value: 'a'"),
        ServerWarning(1292, "Truncated incorrect CHAR(2) value: 'abc'"),
    )
    assert str(table.warnings[0]) == "(1292) Truncated incorrect DOUBLE value: 'a'"


def test_warnings_are_few_and_short_and_those_of_a_cut_come_first(session: MysqlSession) -> None:
    many = "SELECT SUM(CONCAT(seq, REPEAT('x', 400)) + 1) AS y FROM seq_1_to_99"
    warnings = ask(session, many).warnings
    assert len(warnings) == 11
    assert max(len(warning.text) for warning in warnings) <= 301
    assert warnings[-1] == ServerWarning(0, "further warnings of the server: 89")
    few = "SET STATEMENT group_concat_max_len=10 FOR SELECT 'a' + 1 AS y, GROUP_CONCAT(seq) AS x FROM seq_1_to_99"
    assert [warning.meaning for warning in ask(session, few).warnings] == [CUT, REMARK]


def test_the_warnings_of_a_result_of_many_rows_come_with_its_end(session: MysqlSession) -> None:
    query = "SELECT seq + IF(seq = 2500, 'a', 0) AS x FROM seq_1_to_3000"
    table = ask(session, query, max_rows=3000)
    assert len(table.rows) == 3000
    assert [warning.code for warning in table.warnings] == [1292]
    assert ask(session, "SELECT 1 AS x").warnings == ()


def test_the_warnings_of_a_procedure_come_with_its_table(
    mariadb: Mariadb, fresh_database: str, session: MysqlSession
) -> None:
    mariadb.execute("CREATE PROCEDURE p() SELECT 'a' + 1 AS x", database=fresh_database)
    table = ask(session, "CALL p()")
    assert table.rows == [("1.0",)]
    assert [warning.code for warning in table.warnings] == [1292]


def test_asking_for_warnings_costs_a_round_trip_only_where_there_are_some(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    def asked() -> int:
        [(_, count)] = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Com_show_warnings'")
        return int(count)

    ask(session, "SELECT 1 AS x")
    before = asked()
    for _ in range(3):
        assert ask(session, "SELECT 1 AS x").warnings == ()
    assert asked() == before
    assert ask(session, "SELECT 'a' + 1 AS x").warnings
    assert asked() == before + 1


@pytest.mark.parametrize(("zone", "expected"), [(None, 1), ("server", 0), ("+00:00", 0)])
def test_a_time_zone_that_no_one_chose_comes_with_each_result(
    mariadb: Mariadb, zone: str | None, expected: int
) -> None:
    with (
        set_globally(mariadb, "time_zone", "'+01:00'"),
        closing(MysqlSession(mariadb.entry(time_zone=zone))) as session,
    ):
        session.connect()
        for _ in range(2):
            warnings = ask(session, "SELECT 1 AS x").warnings
            assert warnings == (ServerWarning(0, "+01:00", Meaning.ZONE),) * expected
