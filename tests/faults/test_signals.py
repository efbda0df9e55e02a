"""Runs that are asked to end: what was answered is in the TSVs, and nothing goes on without them."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.helpers import (
    ENVIRONMENT,
    ONE,
    SQLITE,
    Project,
    is_running,
    on_mariadb,
    patient,
    wait_until,
    written,
)
from tests.servers.mariadb import Mariadb, free_port

LATE = "2025-01-05"
"""The day on which queries and scripts hang."""

SCRIPT = f"""#!/bin/sh
{{trap}}
if [ $1 = {LATE} ]; then
    sleep 100 &
    echo $! $$ >> "$PIDS"
    wait
    sleep 100
fi
printf 'date\\tn\\n%s\\t1\\n' $1
"""
QUERY = f"SELECT '{{from_date}}' AS date, SLEEP(IF('{{from_date}}' = '{LATE}', 100, 0)) AS n"
EMBEDDED = f"""
    WITH RECURSIVE endless (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)
    SELECT '{{from_date}}' AS date, max(n) AS n FROM endless WHERE '{{from_date}}' = '{LATE}'
"""
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def project_on(folder: Path, server: Mariadb, trap: str = ":") -> Project:
    """A project of which one interval hangs in each report; `sizes` are there in two series."""
    config = on_mariadb(server).replace("}\n", ", local: {engine: sqlite, path: data.sqlite}}\n", 1)
    config += """
reports:
  edits:
  views: {db: local}
  sizes: {type: script, explode_by: {wiki: "a, b"}}
  whole: {db: local, ends: 2025-01-04}
"""
    script = SCRIPT.replace("{trap}", trap)
    files = {"edits.sql": QUERY, "views.sql": EMBEDDED, "sizes": script, "whole.sql": ONE}
    return Project(folder, config, files)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_run_that_is_interrupted_keeps_all_that_was_answered_and_leaves_nothing_running(
    mariadb: Mariadb, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    project = project_on(tmp_path, mariadb)
    pids = tmp_path / "pids"
    environment = {"PIDS": str(pids)}
    with project.started("--jobs", "3", now="2025-01-06", environment=environment) as run:
        wait_until(lambda: pids.exists() and mariadb.queries())
        # All but the three that hang, and the script that waits for another.
        wait_until(lambda: project.committed() == 4 + 4 + 2 * 4 + 3)
        began = time.monotonic()
        run.signal(number)
        said = run.ended(code, within=patient(10))
    assert time.monotonic() - began < patient(10)
    assert "interrupted" not in said  # it is told at level info
    assert [int(pid) for pid in pids.read_text().split() if is_running(int(pid))] == []
    assert mariadb.queries() == {}
    for name in ("edits", "views", "sizes/a", "sizes/b"):
        assert project.dates(name) == [f"2025-01-0{day}" for day in range(1, 5)]
    assert project.state("SELECT * FROM journal") == []
    assert project.state("SELECT * FROM attempts WHERE failed") == []
    assert project.state("SELECT exit_code FROM runs") == [(code,)]
    status = json.loads(project.output.joinpath(".reportupdater/status.json").read_text())
    assert [run["exit_code"] for run in status["projects"].values()] == [code]
    # The next run does the rest.
    for name, text in (("edits.sql", ONE), ("views.sql", ONE)):
        project.write(name, text)
    project.write("sizes", "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n' $1\n")
    assert "4 done" in project.run("-l", "info", now="2025-01-06")


def test_a_script_that_ignores_the_end_is_ended_all_the_same(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, mariadb, trap="trap '' TERM INT")
    pids = tmp_path / "pids"
    with project.started(
        "--report", "sizes", now="2025-01-06", environment={"PIDS": str(pids)}
    ) as run:
        wait_until(pids.exists)
        run.signal(signal.SIGTERM)
        run.ended(143, within=patient(10))
    assert [int(pid) for pid in pids.read_text().split() if is_running(int(pid))] == []
    assert len(project.dates("sizes/a")) == 4


def test_a_second_signal_changes_nothing_and_no_script_is_left(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, mariadb, trap="trap '' TERM INT")
    pids = tmp_path / "pids"
    with project.started(
        "--report", "sizes", now="2025-01-06", environment={"PIDS": str(pids)}
    ) as run:
        wait_until(lambda: pids.exists() and project.committed() == 8)
        run.signal(signal.SIGTERM)
        time.sleep(0.05)
        run.signal(signal.SIGTERM)
        run.ended(128 + signal.SIGTERM, within=patient(10))
    assert not any(is_running(int(pid)) for pid in pids.read_text().split())
    project.write("sizes", "#!/bin/sh\nexit 1\n")
    project.run("--report", "sizes", "--until", LATE, now="2025-01-06")
    assert len(project.dates("sizes/a")) == len(project.dates("sizes/b")) == 4


def test_a_run_under_nohup_goes_on_when_its_terminal_goes(tmp_path: Path) -> None:
    door, notes = tmp_path / "door", tmp_path / "notes"
    script = f"""#!/bin/sh
touch '{notes}'
while [ ! -e '{door}' ]; do sleep 0.05; done
printf 'date\\tn\\n%s\\t1\\n' $1
"""
    project = Project(tmp_path, SQLITE + "reports: {edits: {type: script}}\n", {"edits": script})
    ignoring = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
    with project.started(through=ignoring) as run:
        wait_until(notes.exists)
        run.signal(signal.SIGHUP)
        door.touch()
        assert run.ended(0) == ""
    assert len(project.dates("edits")) == 3


def test_a_run_that_waits_for_a_server_to_answer_ends_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = f"""
databases: {{silent: {{host: 127.0.0.1, port: {silent.getsockname()[1]}, concurrency: 1}}}}
reports: {{edits: {{db: silent, granularity: days, starts: 2025-01-01}}}}
"""
        project = Project(tmp_path, config, {"edits.sql": ONE})
        with project.started() as run:
            connection, _ = silent.accept()
            run.signal(signal.SIGTERM)
            began = time.monotonic()
            run.ended(143)
            assert time.monotonic() - began < patient(5)
            connection.close()


def test_a_run_that_waits_before_it_tries_again_ends_soon(tmp_path: Path) -> None:
    config = f"""
databases: {{down: {{host: 127.0.0.1, port: {free_port()}, concurrency: 1}}}}
reports: {{edits: {{db: down, granularity: days, starts: 2025-01-01}}}}
"""
    project = Project(tmp_path, config, {"edits.sql": ONE})
    with project.started("-l", "info") as run:
        # The second pause takes seconds.
        wait_until(lambda: run.said.count("trying again in") == 2)
        run.signal(signal.SIGTERM)
        began = time.monotonic()
        said = run.ended(143)
        assert time.monotonic() - began < patient(1)
    assert "interrupted, 0 done, 0 empty, 0 failed" in said


def test_an_interrupt_before_the_work_begins_shows_no_traceback(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    # A parser that lets us wait.
    begun = tmp_path / "begun"
    written(
        tmp_path / "slow" / "yaml.py",
        f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(60)\n",
    )
    path = {"PYTHONPATH": f"{tmp_path / 'slow'}:{ENVIRONMENT['PYTHONPATH']}"}
    with project.started(environment=path) as run:
        wait_until(begun.exists)
        run.signal(signal.SIGINT)
        assert run.ended(130).endswith("ERROR interrupted before anything was done\n")
