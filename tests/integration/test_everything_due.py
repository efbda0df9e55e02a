"""65 reports × 217 wikis × ten years, of which nothing is done: 51 million tasks."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.helpers import ONE, Project, patient
from tests.servers.mariadb import free_port

REPORTS = [f"report_{number:02}" for number in range(65)]
WIKIS = [f"w{number:03}wiki" for number in range(217)]
SINCE, NOW, DAYS = "2016-01-01", "2025-12-29", 3650
MEGABYTES = 200


def farm(folder: Path, database: str, keys: str = "") -> Project:
    config = (
        f"databases: {{one: {database}}}\n"
        f"defaults: {{db: one, granularity: days, starts: {SINCE}, explode_by: {{wiki: wikis.txt}}{keys}}}\n"
        "reports:\n" + "".join(f"  {report}: {{execute: edits}}\n" for report in REPORTS)
    )
    return Project(folder, config, {"edits.sql": ONE, "wikis.txt": "\n".join(WIKIS)})


@pytest.mark.long
def test_the_first_results_of_fifty_million_tasks_come_soon_and_a_stop_is_quick(
    tmp_path: Path,
) -> None:
    project = farm(tmp_path, "{engine: sqlite, path: data.sqlite}")
    began = time.monotonic()
    with project.started(now=NOW) as run:
        while not project.committed():
            assert time.monotonic() - began < 60  # five seconds where nothing else is running
            assert run.process.poll() is None, run.said
            time.sleep(0.05)
        run.signal(signal.SIGTERM)
        began = time.monotonic()
        assert run.most_memory() < MEGABYTES << 20
        run.ended(143)
        assert time.monotonic() - began < patient(10)
    assert project.state("SELECT count(*) FROM journal") == [(0,)]


@pytest.mark.long
def test_a_refused_server_costs_nothing_for_each_of_fifty_million_tasks(tmp_path: Path) -> None:
    project = farm(tmp_path, f"{{host: 127.0.0.1, port: {free_port()}}}", ", retries: 0")
    with project.started(now=NOW) as run:
        assert run.most_memory() < MEGABYTES << 20
        said = run.ended(1)
    tasks = len(WIKIS) * DAYS
    assert f"0 done, 0 empty, {len(REPORTS) * tasks:,} failed" in said
    assert f"{tasks} of report_64, the first is report_64 wiki=w000wiki [{SINCE}," in said
    assert said.count("Connection refused") == len(REPORTS)
    ((noted,),) = project.state("SELECT count(*) FROM attempts")
    assert noted < len(REPORTS) * len(WIKIS) + 10  # one a series, and what each worker had
