"""Two runs at once: no report is worked on twice, whatever way leads to it."""

from __future__ import annotations

import fcntl
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers import (
    ENVIRONMENT,
    ONE,
    RUN,
    SQLITE,
    Project,
    Started,
    wait_until,
    written,
)

WAITING = """#!/bin/sh
echo $1 >> "{notes}"
while [ ! -e "{door}" ]; do sleep 0.05; done
printf 'date\\tn\\n%s\\t1\\n' $1
"""
CONFIG = SQLITE + "reports: {edits: {type: script}, views: {}}\n"


class House:
    """A project whose script waits at a door."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.door = folder / "door"
        script = WAITING.format(notes=self.notes, door=self.door)
        self.project = Project(folder, CONFIG, {"edits": script, "views.sql": ONE})

    @contextmanager
    def running(self) -> Iterator[Started]:
        """A run that is at its script, and in the end goes on."""
        with self.project.started() as run:
            wait_until(self.notes.exists)
            yield run
            self.door.touch()
            assert run.ended(0) == ""
        assert self.notes.read_text().split() == ["2025-01-01", "2025-01-02", "2025-01-03"]
        assert self.project.dates("edits") == ["2025-01-01", "2025-01-02", "2025-01-03"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_report_that_another_run_holds_is_passed_over_in_silence(house: House) -> None:
    with house.running():
        assert house.project.run() == ""


def test_who_holds_it_is_told_at_level_info(house: House) -> None:
    with house.running() as run:
        said = house.project.run("-l", "info")
        assert f"edits: is held by another run, process {run.process.pid}, since 20" in said
        assert "skipped: " in said


def test_a_project_that_is_reached_through_a_link_is_the_same(house: House, tmp_path: Path) -> None:
    with house.running():
        link = tmp_path / "link"
        link.symlink_to(house.project.folder)
        output = tmp_path / "output link"
        output.symlink_to(house.project.output)
        here = house.project.folder, house.project.output
        house.project.folder, house.project.output = link, output
        assert house.project.run() == ""
        house.project.folder, house.project.output = here


def test_another_config_of_the_same_project_shares_the_lock_of_its_reports_only(
    house: House,
) -> None:
    config = SQLITE + "reports: {edits: {type: script}, sizes: {execute: views}}\n"
    other = house.project.write("other.yaml", config)
    with house.running():
        assert house.project.run("--config-path", other) == ""
        assert len(house.project.dates("sizes")) == 3


def test_two_projects_may_fill_one_output_folder_at_once(house: House, tmp_path: Path) -> None:
    output = house.project.output
    config = SQLITE + "reports: {editors: {}}\n"
    other = Project(tmp_path / "other", config, {"editors.sql": ONE}, output=output)
    with house.running():
        assert other.run() == ""
        assert len(other.dates("editors")) == 3
    status = json.loads(output.joinpath(".reportupdater/status.json").read_text())
    assert sorted(status["projects"]) == sorted(
        str(project.folder / "config.yaml") for project in (house.project, other)
    )


def test_a_report_that_is_held_for_over_a_day_is_a_warning(house: House) -> None:
    with house.running() as run:
        lock = house.project.output / ".reportupdater" / "locks" / "edits"
        assert lock.read_text().startswith(f"{run.process.pid} ")
        lock.write_text(f"{run.process.pid} 2025-01-01T00:00:00\n")
        said = house.project.run()
        assert "WARNING edits: is held by another run" in said


def test_the_lock_of_a_run_that_was_killed_is_free(house: House) -> None:
    with house.project.started() as run:
        wait_until(house.notes.exists)
        run.kill()
    house.door.touch()
    assert house.project.run() == ""
    assert len(house.project.dates("edits")) == 3


def test_many_runs_at_once_compute_everything_once(tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(6)]
    reports = ", ".join(f"{name}: {{type: script, execute: noted}}" for name in names)
    project = Project(tmp_path, SQLITE + f"reports: {{{reports}}}\n")
    notes = tmp_path / "notes"
    written(
        project.folder / "noted",
        f"#!/bin/sh\necho $1 >> '{notes}'\nprintf 'date\\tn\\n%s\\t1\\n' $1\n",
    )
    with project.started() as one, project.started() as two, project.started() as three:
        for run in (one, two, three):
            assert run.ended(0) == ""
    assert project.run() == ""
    assert len(notes.read_text().split()) == 3 * len(names)
    assert [project.dates(name) for name in names] == [project.dates("r0")] * len(names)


def test_a_report_that_another_run_holds_for_a_moment_is_not_passed_over(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run()
    # As a run of another project does that merges what is left in the journal.
    with open(project.output / ".reportupdater" / "locks" / "edits") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with project.started("-l", "info", now="2025-01-05") as run:
            wait_until(lambda: project.state("SELECT count(*) FROM runs") == [(2,)])
            fcntl.flock(file, fcntl.LOCK_UN)
            assert "skipped" not in run.ended(0)
    assert len(project.dates("edits")) == 4


# Processes in a container have numbers of their own: what is outside cannot be found by its number.

INSIDE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.fixture
def inside() -> tuple[str, ...]:
    """What a command is called with to be in a container of processes."""
    if subprocess.run([*INSIDE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("NOT RUN: only root can make the process namespace that this test needs")
    return INSIDE


def test_a_rerun_that_is_requested_in_a_container_is_not_lost_while_a_run_outside_is_at_work(
    house: House, inside: tuple[str, ...]
) -> None:
    project = house.project
    line = ("rerun", project.folder, project.output, "--report", "edits", "--now", "2025-01-04")
    with house.running():
        asked = subprocess.run(
            [*inside, *RUN[:-1], *line, "--since", "2025-01-01", "--until", "2025-01-03"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "is at work on the report" in asked.stdout
    assert "edits: 2 intervals of 1 series requested" in asked.stdout
    assert "2 done" in project.run("-l", "info")


def test_a_run_outside_is_seen_in_a_container_and_one_inside_from_outside(
    house: House, inside: tuple[str, ...]
) -> None:
    project = house.project
    status = (*RUN[:-1], "status", str(project.output), "--json")
    with house.running():
        seen = subprocess.run([*inside, *status], env=ENVIRONMENT, capture_output=True, check=False)
        assert len(json.loads(seen.stdout)["running"]) == 1
        plan = (*RUN[:-1], "plan", project.folder, project.output, "--now", "2025-01-04")
        told = subprocess.run([*inside, *plan], env=ENVIRONMENT, capture_output=True, check=True)
        assert b"edits is held by another run" in told.stdout
    seen = subprocess.run([*inside, *status], env=ENVIRONMENT, capture_output=True, check=False)
    assert json.loads(seen.stdout)["running"] == []
    house.notes.unlink()
    house.door.unlink()
    with project.started(now="2025-01-05", through=inside) as run:
        wait_until(house.notes.exists)
        seen = subprocess.run(status, env=ENVIRONMENT, capture_output=True, check=False)
        assert len(json.loads(seen.stdout)["running"]) == 1
        house.door.touch()
        assert run.ended(0) == ""
