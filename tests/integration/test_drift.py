"""`drift`: how late data come, by what changed when it was computed again."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ONE, SQLITE, Project

pytestmark = pytest.mark.long

FIRST = datetime(2025, 1, 1)
QUERY = "SELECT day AS date, wiki, n, m FROM source WHERE day = '{from_date}' ORDER BY wiki"


def project(tmp_path: Path, lookback: int = 3) -> Project:
    reports = f"reports: {{edits: {{lookback: {lookback}}}, views: {{}}}}\n"
    one = Project(tmp_path, SQLITE + reports, {"edits.sql": QUERY, "views.sql": ONE})
    with source(one) as connection, connection:
        connection.execute("CREATE TABLE source (day TEXT, wiki TEXT, n INTEGER, m INTEGER)")
    return one


def source(one: Project) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(one.folder / "data.sqlite"))


def label(day: int) -> str:
    return f"{FIRST + timedelta(day):%Y-%m-%d}"


def days_pass(one: Project, last: int, late: dict[int, int]) -> None:
    """Runs on each day, after data of that day; so many days after it some of its `n` come late."""
    for day in range(last):
        with source(one) as connection, connection:
            for wiki in ("dewiki", "enwiki"):
                row = (label(day), wiki, 100, 7)
                connection.execute("INSERT INTO source VALUES (?, ?, ?, ?)", row)
            for after, more in late.items():
                connection.execute(
                    "UPDATE source SET n = n + ? WHERE day = ? AND wiki = 'enwiki'",
                    (more, label(day - after)),
                )
        one.run(now=label(day + 1))
        # The history has the machine's time, and this is a replay.
        at = f"{FIRST + timedelta(day + 1, hours=5):%Y-%m-%dT%H:%M:%S.000Z}"
        state = one.output / ".reportupdater" / "state.sqlite"
        with closing(sqlite3.connect(state)) as connection, connection:
            for table in ("attempts", "revisions"):
                connection.execute(f"UPDATE {table} SET at = ? WHERE at > '2026'", (at,))


def drift(one: Project, *more: str) -> list[dict[str, Any]]:
    found = json.loads(one.call("drift", one.folder, one.output, "--json", *more).stdout)
    reports = found["reports"]
    assert isinstance(reports, list)
    return reports


def test_what_came_late_is_shown_by_age_with_what_it_suggests(tmp_path: Path) -> None:
    one = project(tmp_path)
    days_pass(one, 10, {1: 10, 2: 1})
    (found,) = drift(one)
    assert (found["report"], found["computed_again"]) == ("edits", 9 + 8 + 7)
    (column,) = found["columns"]
    assert column["column"] == "n"  # m never changed
    assert [(age["age"], age["again"], age["changed"]) for age in column["ages"]] == [
        (1, 9, 9),
        (2, 8, 8),
    ]
    assert [age["most_percent"] for age in column["ages"]] == [10, 1 / 110 * 100]
    assert (found["last_change"], found["lookback"], found["lag"]) == (2, 2, 2 * 86400)
    said = one.call("drift", one.folder, one.output).stdout
    assert said.startswith("edits: 24 intervals computed again, 17 values changed\n")
    assert "nothing changed later: `lookback: 2` finds it all, and so does `lag: 172800`" in said


def test_what_still_changes_at_the_end_is_not_settled(tmp_path: Path) -> None:
    one = project(tmp_path, lookback=1)
    days_pass(one, 5, {1: 10, 2: 5})
    (found,) = drift(one, "--report", "edits")
    assert (found["last_change"], found["lookback"], found["lag"]) == (None, None, None)
    said = one.call("drift", one.folder, one.output).stdout
    assert "a larger `lookback` would show when they stop changing" in said


def test_what_another_query_gave_is_not_late(tmp_path: Path) -> None:
    one = project(tmp_path)
    days_pass(one, 3, {})
    one.write("edits.sql", QUERY.replace("n,", "n + 1 AS n,"))
    one.call("rerun", one.folder, one.output, "--changed")
    one.run(now=label(3))
    (found,) = drift(one)
    assert found["columns"] == []
    assert "no value changed" in one.call("drift", one.folder, one.output).stdout


def test_where_nothing_was_computed_again(tmp_path: Path) -> None:
    one = project(tmp_path, lookback=0)
    days_pass(one, 2, {})
    assert drift(one) == []
    said = one.call("drift", one.folder, one.output).stdout
    assert said.startswith("nothing was computed again in the last 90 days: `lookback` would show")
