"""An output folder goes to another host, its project with it, and nothing is due there that was done."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.helpers import ENVIRONMENT, ONE, RUN, SQLITE, Project, wait_until
from tests.operating.copies import block

CONFIG = SQLITE + "reports: {edits: {}, views: {explode_by: {wiki: [enwiki, dewiki]}}}\n"
MARK = "2025-01-01\n2025-01-02\n"


def moved(project: Project, there: Path) -> None:
    """Move a project and its output as the page says; what was here is gone."""
    (command,) = [
        line for line in block("systemctl disable").splitlines() if line.startswith("rsync")
    ]
    command = command.replace("/srv/reports/ ", f"{project.folder.parent}/ ")
    command = command.replace("launcher2.example.org:/srv/reports/", f"{there}/")
    subprocess.run(command, shell=True, check=True)
    shutil.rmtree(project.folder.parent)
    project.folder, project.output = there / "project", there / "output"


def test_nothing_is_due_after_a_move_and_the_new_days_are(tmp_path: Path) -> None:
    project = Project(tmp_path / "here", CONFIG, {"edits.sql": ONE, "views.sql": ONE})
    project.run()
    project.write(".reruns/mark", MARK)
    assert ": 3 done" in project.run("-l", "info")
    before = project.tsvs()
    moved(project, tmp_path / "there")
    said = project.run("-l", "info")
    assert said.endswith("nothing is due\n")
    assert len(said.splitlines()) == 1  # the mark has been done with, too
    assert project.tsvs() == before
    assert project.run(now="2025-01-05") == ""
    assert len(project.dates("views/dewiki")) == 4


def test_what_a_killed_run_has_in_hand_moves_with_the_folder(tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE '{day}' = '03')"
    )
    query = f"{endless} SELECT '{{from_date}}' AS date, max(i) AS n FROM n"
    config = SQLITE + "reports: {edits: {}}\n"
    project = Project(tmp_path / "here", config, {"edits.sql": query})
    with project.started() as run:
        wait_until(lambda: project.committed() == 2)
        run.kill()
    assert project.tsvs() == {}
    moved(project, tmp_path / "there")
    project.write("edits.sql", ONE.replace("1 AS n", "2 AS n"))
    project.run()
    assert [row[1] for row in project.rows("edits")] == ["n", "1", "1", "2"]


def test_a_mark_whose_time_is_lost_is_the_same(tmp_path: Path) -> None:
    project = Project(tmp_path / "here", CONFIG, {"edits.sql": ONE, "views.sql": ONE})
    project.run()
    project.write(".reruns/mark", MARK)
    project.run()
    moved(project, tmp_path / "there")
    project.write(".reruns/mark", MARK)  # as a checkout would
    assert project.run("-l", "info").endswith("nothing is due\n")


def test_a_project_that_is_copied_on_one_host_is_told_to_be_moved(tmp_path: Path) -> None:
    project = Project(tmp_path / "here", CONFIG, {"edits.sql": ONE, "views.sql": ONE})
    project.run()
    shutil.copytree(project.folder, tmp_path / "copy")
    command = [*RUN, "--now", "2025-01-05", str(tmp_path / "copy"), str(project.output)]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert f"its TSVs are written by another project, {project.folder}/config.yaml" in ended.stderr
    shutil.rmtree(project.folder)
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
