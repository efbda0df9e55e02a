"""The state beside the TSVs: what it costs to lose it, and what others can read."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

EDITS = SQLITE + "reports: {edits: {}}\n"


def test_a_state_that_is_deleted_is_set_up_anew_and_nothing_is_computed_twice(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    before = project.tsvs()
    shutil.rmtree(project.output / ".reportupdater")
    assert "nothing is due" in project.run("-l", "info")
    assert project.tsvs() == before
    assert "1 done" in project.run("-l", "info", now="2025-01-05")


@pytest.mark.parametrize("garbage", [b"garbage " * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_state_that_cannot_be_opened_is_set_aside_and_told(
    tmp_path: Path, garbage: bytes
) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    state = project.output / ".reportupdater" / "state.sqlite"
    state.write_bytes(garbage)
    said = project.run(now="2025-01-05")
    assert f"{state}: the state is damaged" in said
    assert "it was moved aside as state.sqlite.damaged-" in said
    assert len(project.dates("edits")) == 4
    (aside,) = state.parent.glob("*.damaged-*")
    assert aside.read_bytes() == garbage
    assert project.run(now="2025-01-05") == ""


def test_the_state_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    path = project.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    said = project.run(code=1, now="2025-01-05")
    assert "written by a newer version of this program" in said
    assert len(project.dates("edits")) == 3


def test_the_state_has_the_output_folders_mode_without_others(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.output.mkdir()
    project.output.chmod(0o2755)
    project.run()
    state = project.output / ".reportupdater"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*"))}
    assert modes[state] & 0o777 == 0o750
    assert modes[state / "state.sqlite"] == 0o640
    assert not any(mode & 0o007 for path, mode in modes.items() if path.name != "status.json")


def test_status_json_tells_how_the_last_run_went(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": "SELECT * FROM nowhere"})
    project.run(code=1)
    path = project.output / ".reportupdater" / "status.json"
    status = json.loads(path.read_text())
    assert status["version"] == 1
    (run,) = status["projects"].values()
    assert list(status["projects"]) == [str(project.folder / "config.yaml")]
    assert (run["exit_code"], run["done"], run["failed"]) == (1, 3, 3)
    assert "3 of views" in run["failures"][0]
    assert "no such table: nowhere" in run["failures"][0]
    assert run["started"] <= run["ended"]
    project.write("views.sql", ONE)
    project.run()
    (run,) = json.loads(path.read_text())["projects"].values()
    assert (run["exit_code"], run["done"], run["failed"], run["failures"]) == (0, 3, 0, [])


def test_the_ledger_keeps_every_attempt(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date, n FROM numbers"
    project = Project(tmp_path, EDITS, {"edits.sql": query})
    project.run("--until", "2025-01-02", code=1)
    project.write("edits.sql", ONE)
    project.run("--until", "2025-01-02")
    project.write(".reruns/mark", "2025-01-01\n2025-01-02\n")
    project.run("--until", "2025-01-02")
    attempts = project.state(
        "SELECT tsv, start, failed, reason, rows, error, run"
        " FROM attempts JOIN series ON series.id = attempts.series ORDER BY at"
    )
    assert [attempt[:5] for attempt in attempts] == [
        ("edits.tsv", "2025-01-01", 1, "missing", None),
        ("edits.tsv", "2025-01-01", 0, "missing", 1),
        ("edits.tsv", "2025-01-01", 0, "rerun", 1),
    ]
    assert "no such table: numbers" in attempts[0][5]
    assert project.state("SELECT id, exit_code FROM runs ORDER BY id") == [(1, 1), (2, 0), (3, 0)]
