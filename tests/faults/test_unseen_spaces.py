"""Queries that were pasted from a page, with no-break spaces in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project, on_mariadb
from tests.servers.mariadb import Mariadb

PLACE = "in line 2, character 5 of the query is NO-BREAK SPACE (U+00A0): write a plain space"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT '{from_date}' AS date\nFROM\u00a0t", "(1064) "),
        ("SELECT '{from_date}' AS date,\n  id\u00a0 FROM mysql.gtid_slave_pos", "'id<U+00A0>'"),
    ],
)
def test_a_no_break_space_is_made_visible_in_the_error_of_a_mariadb(
    mariadb: Mariadb, tmp_path: Path, query: str, words: str
) -> None:
    config = on_mariadb(mariadb) + "reports: {edits: {}}\n"
    said = Project(tmp_path, config, {"edits.sql": query}).run(code=1)
    assert words in said
    assert PLACE in said
    assert "\u00a0" not in said


def test_a_no_break_space_is_made_visible_in_the_error_of_a_sqlite(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date,\n  id\u00a0 FROM sqlite_master"
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": query})
    said = project.run(code=1)
    assert "no such column: id<U+00A0>" in said
    assert PLACE in said
