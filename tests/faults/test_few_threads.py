"""A user who may have few processes and threads (`ulimit -u`): a run makes do with those there are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project
from tests.servers.people import People, Person

SLOW = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
    " SELECT '{from_date}' AS date, count(*) AS n FROM n"
)
"""A query that takes so long that no worker has done all before the next one begins."""
REPORTS = 'reports: {edits: {explode_by: {wiki: "a, b, c, d"}}, views: {}}\n'


@pytest.fixture
def project(tmp_path: Path, people: People) -> Project:
    """A project of the user's, whose server takes four queries at once."""
    made = Project(tmp_path, SQLITE + REPORTS, {"edits.sql": SLOW, "views.sql": SLOW})
    made.output.mkdir()
    for path in (made.output, made.folder, *made.folder.iterdir()):
        os.chown(path, people.one.number, people.one.own_group)
    return made


def run(project: Project, person: Person, limit: int, code: int) -> str:
    """Run it as a user who may have so many threads, the first included."""
    through = [*person.through, "prlimit", f"--nproc={limit}"]
    with project.started("-l", "warning", now="2025-01-11", through=through) as started:
        return started.ended(code)


def done(project: Project) -> list[int]:
    return [len(project.dates(f"edits/{wiki}")) for wiki in "abcd"] + [len(project.dates("views"))]


@pytest.mark.parametrize("limit", [2, 3])
def test_a_run_makes_do_with_the_threads_there_are(
    project: Project, people: People, limit: int
) -> None:
    said = run(project, people.one, limit, 0)
    assert f"only {limit - 1} of 4 workers can begin: no further thread can be started" in said
    assert done(project) == [10] * 5


def test_a_run_without_any_thread_ends_with_a_message_and_loses_nothing(
    project: Project, people: People
) -> None:
    said = run(project, people.one, 1, 1)
    assert "no thread can be started (`ulimit -u` is how many processes and threads" in said
    assert "Traceback" not in said
    assert run(project, people.one, 100, 0) == ""
    assert done(project) == [10] * 5
