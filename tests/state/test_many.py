from __future__ import annotations

import sqlite3

import pytest

from reportupdater.state import many


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_all_rows_are_inserted_in_their_order(count: int) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, b, c, d)")
    rows = [(number, f"{number}\0'{{rows}}") for number in range(count)]
    many.insert(connection, "INSERT INTO t VALUES {rows}", rows, "same", None)
    assert list(connection.execute("SELECT * FROM t ORDER BY rowid")) == [
        ("same", None, *row) for row in rows
    ]


def test_of_two_rows_that_conflict_the_later_one_counts() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a PRIMARY KEY, b)")
    statement = "INSERT INTO t VALUES {rows} ON CONFLICT DO UPDATE SET b = excluded.b"
    many.insert(connection, statement, [(1, "old"), (2, "x"), (1, "new")])
    assert list(connection.execute("SELECT * FROM t")) == [(1, "new"), (2, "x")]
