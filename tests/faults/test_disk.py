"""Disks that are full, and things that stand where files should be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

WIDE = "SELECT '{from_date}' AS date, hex(zeroblob(1000)) AS n, '{wiki}' AS wiki"
CONFIG = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}}\n"


@pytest.mark.parametrize("limit", [20_000, 60_000, 150_000, 250_000])
def test_a_disk_without_space_is_told_and_costs_nothing_that_was_committed(
    tmp_path: Path, limit: int
) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": WIDE})
    assert shutil.which("prlimit")  # of util-linux, like setpriv
    limited = ["prlimit", f"--fsize={limit}"]
    with project.started(now="2025-06-01", through=limited) as run:
        said = run.ended(1)
    assert any(hint in said for hint in ("look at the disk's space", "File too large"))
    assert [path for path in project.output.rglob("*") if path.suffix == ".tmp"] == []
    assert project.run(now="2025-06-01") == ""
    for wiki in "ab":
        assert len(set(project.dates(f"edits/{wiki}"))) == len(project.dates(f"edits/{wiki}"))
        assert len(project.dates(f"edits/{wiki}")) == 151
    again = project.state(
        "SELECT series, start FROM attempts WHERE NOT failed"
        " GROUP BY series, start HAVING COUNT(*) > 1"
    )
    assert again == []


def test_a_folder_in_the_place_of_a_tsv_stops_its_series_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.tsv("edits/a").mkdir(parents=True)
    said = project.run(code=1)
    assert "edits/a.tsv: not a regular file" in said
    assert len(project.dates("edits/b")) == 3


def test_a_file_in_the_place_of_the_states_folder_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.output.mkdir()
    project.output.joinpath(".reportupdater").write_text("")
    said = project.run(code=1)
    assert f"{project.output / '.reportupdater'}: the state cannot be used" in said


def test_a_file_in_the_place_of_a_folder_of_tsvs_is_told(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": ONE})
    project.output.mkdir()
    project.output.joinpath("edits").write_text("mine")
    said = project.run(code=1)
    assert "edits" in said
    assert project.output.joinpath("edits").read_text() == "mine"
    assert len(project.dates("views")) == 3


def test_an_embedded_database_that_is_not_there_fails_its_reports_alone(tmp_path: Path) -> None:
    config = """
databases:
  gone: {engine: sqlite, path: gone.sqlite}
  text: {engine: sqlite, path: config.yaml}
  local: {engine: sqlite, path: data.sqlite}
defaults: {granularity: days, starts: 2025-01-01}
reports: {edits: {db: gone}, editors: {db: text}, views: {db: local}}
"""
    files = {"edits.sql": ONE, "editors.sql": ONE, "views.sql": ONE}
    project = Project(tmp_path, config, files)
    said = project.run(code=1)
    missing = project.folder / "gone.sqlite"
    assert f"cannot open the database file {missing}: No such file or directory" in said
    assert "check the database's `path`; it is relative to the project" in said
    assert "file is not a database" in said
    assert not missing.exists()
    assert list(project.tsvs()) == ["views.tsv"]
