"""Queries and scripts that take too long: they are stopped where they run, and the rest goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project, is_running, on_mariadb, patient
from tests.servers.mariadb import Mariadb

# Leaves the numbers of all processes that it starts, and hangs, but for the first day of the year.
HUNG = """#!/bin/sh
{trap}
if [ $1 != 2025-01-01 ]; then
    sleep 100 &
    echo $! >> "$PIDS"
    sh -c '{trap}; echo $$ >> "$PIDS"; sleep 100' &
    echo $$ >> "$PIDS"
    wait
    sleep 100
fi
printf 'date\\tn\\n%s\\t1\\n' $1
"""


def pids(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text().split()]


def test_a_query_that_takes_too_long_is_stopped_on_its_server(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    query = "SELECT '{from_date}' AS date, SLEEP(IF('{day}' = '02', 100, 0)) AS slept"
    config = on_mariadb(mariadb) + "reports: {edits: {timeout: 1}, editors: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query, "editors.sql": ONE})
    began = time.monotonic()
    said = project.run(code=1)
    assert time.monotonic() - began < patient(10)
    assert mariadb.queries() == {}
    assert "edits [2025-01-02, 2025-01-03): " in said
    assert "timeout" in said
    assert "5 done, 0 empty, 1 failed" in said
    assert project.dates("edits") == ["2025-01-01", "2025-01-03"]


def test_a_query_that_reads_on_is_stopped_too(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    query = "SELECT '{from_date}' AS date, COUNT(*) AS n FROM seq_1_to_99999999999"
    config = on_mariadb(mariadb, f"db: {fresh_database}") + "reports: {edits: {timeout: 1}}\n"
    project = Project(tmp_path, config, {"edits.sql": query})
    said = project.run(code=1, now="2025-01-02")
    assert mariadb.queries() == {}
    assert "timeout" in said


def test_an_embedded_query_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    query = """
        WITH RECURSIVE endless (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)
        SELECT '{from_date}' AS date, max(n) AS n FROM endless WHERE '{day}' = '02'
    """
    config = SQLITE + "reports: {edits: {timeout: 1}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query, "views.sql": ONE})
    said = project.run(code=1)
    assert "stopped after 1 s (the report's `timeout` says how long a query may take)" in said
    assert len(project.dates("views")) == 3


@pytest.mark.parametrize("trap", [":", "trap : TERM INT"])
def test_a_script_that_hangs_is_ended_with_all_its_children(tmp_path: Path, trap: str) -> None:
    config = SQLITE + "reports: {edits: {type: script, timeout: 1}, views: {}}\n"
    script = HUNG.replace("{trap}", trap)
    project = Project(tmp_path, config, {"edits": script, "views.sql": ONE})
    path = tmp_path / "pids"
    began = time.monotonic()
    said = project.run(code=1, now="2025-01-03", environment={"PIDS": str(path)})
    assert time.monotonic() - began < patient(10)
    assert len(pids(path)) == 3
    assert not [pid for pid in pids(path) if is_running(pid)]
    assert "edits [2025-01-02, 2025-01-03): stopped after 1 s" in said
    assert project.dates("edits") == ["2025-01-01"]
    assert len(project.dates("views")) == 2


def test_a_script_that_leaves_children_behind_is_not_waited_for(tmp_path: Path) -> None:
    # The child holds the script's standard output open.
    script = "#!/bin/sh\nsleep 100 &\necho $! >> \"$PIDS\"\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    project = Project(tmp_path, SQLITE + "reports: {edits: {type: script}}\n", {"edits": script})
    path = tmp_path / "pids"
    began = time.monotonic()
    said = project.run(now="2025-01-02", environment={"PIDS": str(path)}, code=1)
    assert time.monotonic() - began < patient(10)
    assert "a process that it started holds its standard output" in said  # more might come from it
    assert not project.tsv("edits").exists()
    assert not [pid for pid in pids(path) if is_running(pid)]


def test_a_script_that_reads_its_input_finds_none(tmp_path: Path) -> None:
    script = "#!/bin/sh\nread line\nprintf 'date\\tn\\n%s\\t1%s\\n' $1 $line\n"
    project = Project(tmp_path, SQLITE + "reports: {edits: {type: script}}\n", {"edits": script})
    assert project.run() == ""
    assert project.rows("edits")[1] == ["2025-01-01", "1"]
