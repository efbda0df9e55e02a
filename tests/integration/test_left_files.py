"""Files in `.reruns/` that a new state finds: open requests of before it, run by none unasked."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

NOW = "2025-01-04"
TWO = ONE.replace("1 AS n", "2 AS n")


def project(tmp_path: Path) -> Project:
    return Project(
        tmp_path,
        SQLITE + "reports: {edits: {}, views: {}}\n",
        {"edits.sql": ONE, "views.sql": ONE},
    )


def values(one: Project, report: str = "edits") -> list[str]:
    return [row[1] for row in one.rows(report)[1:]]


def answered(tmp_path: Path) -> Project:
    """A project whose one rerun file has been answered, and whose queries now give something else."""
    one = project(tmp_path)
    one.run(now=NOW)
    one.write(".reruns/a", "2025-01-01\n2025-01-03\nedits\n")
    one.run(now=NOW)
    for name in ("edits.sql", "views.sql"):
        one.write(name, TWO)
    return one


def test_a_lost_state_runs_no_old_file_unasked(tmp_path: Path) -> None:
    one = answered(tmp_path)
    shutil.rmtree(one.output / ".reportupdater")
    for _ in range(2):
        said = one.run(now=NOW, code=1)
        assert "wrong: edits: .reruns/a requests 2 intervals and is of before this state" in said
        assert "`rerun --accept-files` requests them, `rerun --ignore-files` does not" in said
        assert "views" not in said
        assert values(one) == ["1", "1", "1"]
    shown = one.call("rerun", one.folder, one.output, "--list").stdout
    assert f"edits: {one.folder}/.reruns/a is of before this state: `rerun --accept-files`" in shown
    one.call("plan", one.folder, one.output, "--now", NOW)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("what", ["accept", "ignore"])
def test_it_is_accepted_or_ignored(tmp_path: Path, what: str, first: bool) -> None:
    one = answered(tmp_path)
    shutil.rmtree(one.output / ".reportupdater")
    if first:
        one.run(now=NOW, code=1)
    said = one.call("rerun", one.folder, one.output, f"--{what}-files").stdout
    done = "requested" if what == "accept" else "ignored"
    assert said == f"edits: 2 intervals of {one.folder}/.reruns/a {done}\n"
    assert one.run(now=NOW) == ""
    assert values(one) == (["2", "2", "1"] if what == "accept" else ["1", "1", "1"])
    again = one.call("rerun", one.folder, one.output, f"--{what}-files").stdout
    assert again == "no file in .reruns/ is of before this state\n"


def test_a_file_that_comes_later_is_taken_up(tmp_path: Path) -> None:
    one = answered(tmp_path)
    shutil.rmtree(one.output / ".reportupdater")
    one.run(now=NOW, code=1)
    one.write(".reruns/b", "2025-01-03\n2025-01-04\n")
    one.run(now=NOW, code=1)  # the first file is left still
    assert (values(one), values(one, "views")) == (["1", "1", "2"], ["1", "1", "2"])


def test_a_first_run_into_an_empty_folder_has_nothing_to_ask(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write(".reruns/a", "2025-01-01\n2025-01-03\n")
    assert one.run(now=NOW) == ""
    for name in ("edits.sql", "views.sql"):
        one.write(name, TWO)
    assert one.run(now=NOW) == ""
    assert values(one) == ["1", "1", "1"]  # the first run has computed it


def test_a_file_of_another_time_is_the_same(tmp_path: Path) -> None:
    one = answered(tmp_path)
    path = one.folder / ".reruns" / "a"
    os.utime(path, (0, 0))
    assert one.run(now=NOW) == ""
    assert values(one) == ["1", "1", "1"]
    path.write_text(path.read_text() + "views\n")
    one.run(now=NOW)
    assert (values(one), values(one, "views")) == (["2", "2", "1"], ["2", "2", "1"])


def test_what_an_older_version_has_expanded_is_known(tmp_path: Path) -> None:
    one = answered(tmp_path)
    path = one.output / ".reportupdater" / "state.sqlite"
    mtime = (one.folder / ".reruns" / "a").stat().st_mtime_ns
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE rerun_files")
        connection.execute("INSERT INTO mark_files VALUES ('a', ?, 'edits')", (mtime,))
        connection.execute("PRAGMA user_version = 5")
    one.call("plan", one.folder, one.output, "--now", NOW)
    assert one.run(now=NOW) == ""
    assert values(one) == ["1", "1", "1"]


def test_an_invalid_report_is_not_known_by_its_first_run(tmp_path: Path) -> None:
    one = answered(tmp_path)
    shutil.rmtree(one.output / ".reportupdater")
    good = (one.folder / "config.yaml").read_text()
    one.write("config.yaml", good.replace("edits: {}", "edits: {lagg: 1}"))
    one.run(now=NOW, code=1)
    one.write("config.yaml", good)
    assert "is of before this state" in one.run(now=NOW, code=1)
    assert values(one) == ["1", "1", "1"]
