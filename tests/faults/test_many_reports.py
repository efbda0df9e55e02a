"""More reports than this process may open files, each of which a run holds a lock of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

REPORTS = 250


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of many reports, of which one has something due."""
    entries = "".join(
        f"  r{number:03}: {{execute: q, starts: {2030 if number else 2025}-01-01}}\n"
        for number in range(REPORTS)
    )
    return Project(tmp_path, f"{SQLITE}reports:\n{entries}", {"q.sql": ONE})


def test_a_run_of_more_reports_than_the_soft_limit_of_open_files_does_its_work(
    project: Project,
) -> None:
    with project.started(through=["prlimit", "--nofile=200:2000"]) as run:
        assert run.ended(0) == ""
    assert len(project.dates("r000")) == 3
    locks = project.output / ".reportupdater" / "locks"
    assert len([path for path in locks.iterdir() if path.name.startswith("r")]) == REPORTS


def test_what_a_run_starts_gets_no_higher_limit_than_there_must_be(tmp_path: Path) -> None:
    script = "#!/bin/sh\nprintf 'date\\tfiles\\n%s\\t%s\\n' $1 $(ulimit -Sn)\n"
    project = Project(tmp_path, SQLITE + "reports: {r: {type: script}}\n", {"r": script})
    with project.started(through=["prlimit", "--nofile=300:5000"]) as run:
        run.ended(0)
    assert project.rows("r")[1] == ["2025-01-01", "300"]


def test_a_hard_limit_that_is_too_low_is_reported_with_what_to_raise(project: Project) -> None:
    with project.started(through=["prlimit", "--nofile=200:200"]) as run:
        said = run.ended(1)
    assert "the lock cannot be taken: Too many open files (a run holds a file open for each" in said
    assert "LimitNOFILE= in a systemd unit" in said
    assert said.count("\n") == 1
    with project.started(through=["prlimit", "--nofile=200:2000"]) as run:
        assert run.ended(0) == ""
