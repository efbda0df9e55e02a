"""Files whose opening or reading never ends: pipes, and mounts that hang."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.failing import Failing, Fault, failing
from tests.faults.scaled import scaled
from tests.helpers import ONE, SQLITE, Project

__all__ = ["failing"]

CONFIG = SQLITE.replace("}}", "}, hung: {engine: sqlite, path: hung/data.sqlite, concurrency: 2}}")


def project_on(folder: Path, keys: str = "") -> Project:
    """Reports on two databases; something is wrong with one."""
    config = f"{CONFIG}reports:\n  edits: {{db: hung, timeout: 1{keys}}}\n  views:\n"
    project = Project(folder, config, {"edits.sql": ONE, "views.sql": ONE})
    project.write("hung/data.sqlite", "")
    return project


def with_hanging(project: Project, failing: Failing, fault: Fault) -> str:
    """What a run says in which system calls on the one database never end."""
    hung = project.folder / "hung"
    through = (*failing.through(hung, fault), *scaled(2))
    with project.started("-l", "info", through=through) as run:
        return run.ended(1)


def test_a_database_whose_open_blocks_is_left_behind_and_the_run_goes_on_and_ends(
    tmp_path: Path, failing: Failing
) -> None:
    project = project_on(tmp_path)
    said = with_hanging(project, failing, Fault("hang", "open", on=True))
    file = project.folder / "hung" / "data.sqlite"
    what = f"sqlite {file} did not answer within 2 s, nor let go of its worker"
    assert f"failed: 3 of edits, the first is edits [2025-01-01, 2025-01-02): {what}" in said
    assert "(does its disk, mount or network hang?)" in said
    assert len(project.dates("views")) == 3
    ((failed,),) = project.state("SELECT COUNT(*) FROM attempts WHERE failed")
    assert failed <= 3
    assert project.run() == ""
    assert len(project.dates("edits")) == 3


@pytest.mark.long
def test_a_query_that_hangs_in_a_read_is_left_behind_and_the_run_goes_on_and_ends(
    tmp_path: Path, failing: Failing
) -> None:
    project = project_on(tmp_path, ", explode_by: {wiki: 'a, b, c, d'}")
    with closing(sqlite3.connect(project.folder / "hung" / "data.sqlite")) as connection:
        connection.execute("CREATE TABLE t (n)")
    config = project.folder / "config.yaml"
    config.write_text(config.read_text().replace("concurrency: 2", "concurrency: 1"))
    project.write(
        "edits.sql", "SELECT '{from_date}' AS date, '{wiki}' AS wiki, count(*) AS n FROM t"
    )
    said = with_hanging(project, failing, Fault("hang", "read", nth=12, on=True))
    assert "stopped after 1 s, but the server did not let go of its worker" in said
    assert "has not let go of any of its workers (does its disk, mount or network hang?)" in said
    assert len(project.dates("views")) == 3
    assert project.run("--report", "edits") == ""
    assert all(len(project.dates(f"edits/{wiki}")) == 3 for wiki in "abcd")


def test_a_pipe_in_place_of_a_database_is_an_error_at_once(tmp_path: Path) -> None:
    project = project_on(tmp_path)
    file = project.folder / "hung" / "data.sqlite"
    file.unlink()
    os.mkfifo(file)
    said = project.run(code=1)
    assert f"cannot open the database file {file}: it is no regular file" in said
    assert len(project.dates("views")) == 3


@pytest.mark.parametrize(
    ("place", "code"), [("output/edits.tsv", 1), ("project/.reruns/one", 0), ("project/edits", 1)]
)
def test_a_pipe_in_place_of_a_file_that_a_run_reads_stops_no_other_report(
    tmp_path: Path, place: str, code: int
) -> None:
    config = SQLITE + "reports: {edits: {type: script}, views: {}}\n"
    script = "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    project = Project(tmp_path, config, {"edits": script, "views.sql": ONE})
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o700)
    said = project.run(code=code)
    assert ("edits" in said) is bool(code)
    assert len(project.dates("views")) == 3


def test_a_pipe_in_place_of_a_list_of_wikis_is_an_error_at_once(tmp_path: Path) -> None:
    config = """
databases: {farm: {auto_find_db_shard: true, mw_config_path: config, wiki_db_placeholder: wiki}}
reports: {edits: {db: farm, granularity: days, starts: 2025-01-01, explode_by: {wiki: enwiki}}}
"""
    project = Project(tmp_path, config, {"edits.sql": ONE})
    lists = project.folder / "config" / "dblists"
    lists.mkdir(parents=True)
    os.mkfifo(lists / "s1.dblist")
    assert f"cannot read {lists / 's1.dblist'}: it is no regular file" in project.run(code=1)
