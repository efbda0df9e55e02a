"""`reportupdater metrics`: which metric paths there can be, and which of them are new."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportupdater.cli import main
from tests.helpers import ONE, SQLITE, Project
from tests.servers.carbon import Carbon


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


BY_COUNTRY = "SELECT '{from_date}' AS date, 'Sri Lanka' AS country, 1 AS n"


def config(node: str, carbon: Carbon | None = None, keys: str = "") -> str:
    host = f"host: {carbon.host}, port: {carbon.port}, " if carbon else ""
    return f"""{SQLITE}
graphite: {{{host}{keys}}}
reports:
  edits:
    explode_by: {{wiki: "enwiki, dewiki"}}
    graphite: {{path: "{node}.{{_metric}}.{{wiki}}", metrics: {{n: n}}}}
  readers:
    graphite: {{path: "{node}.{{_metric}}.{{country}}", metrics: {{r: n}}}}
  untold: {{}}
"""


FILES = {"edits.sql": ONE, "readers.sql": BY_COUNTRY, "untold.sql": ONE}


def test_without_an_output_folder_all_that_dimensions_make_is_new(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, config("stats"), FILES)
    assert main(["metrics", str(project.folder)]) == 0
    said = capfd.readouterr()
    assert said.out.splitlines() == [
        "new  stats.n.enwiki",
        "new  stats.n.dewiki",
        "2 series, 2 of them new: Graphite will have to create 2 files",
    ]
    assert "'readers': its keys have columns; give OUTPUT" in said.err


def test_the_new_ones_come_first_and_columns_are_read_from_tsvs(
    carbon: Carbon, fresh_node: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, config(fresh_node, carbon), FILES)
    project.run("--report", "edits")
    project.run("--no-graphite")
    before = sorted(project.output.rglob("*"))
    assert main(["metrics", str(project.folder), str(project.output)]) == 0
    said = capfd.readouterr()
    assert said.out.splitlines() == [
        f"new  {fresh_node}.r.Sri_Lanka",
        f"sent {fresh_node}.n.enwiki",
        f"sent {fresh_node}.n.dewiki",
        "3 series, 1 of them new: Graphite will have to create 1 files",
    ]
    assert said.err == ""
    assert sorted(project.output.rglob("*")) == before


def test_nothing_is_made_in_an_output_folder_that_has_no_state(
    carbon: Carbon, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, config("stats", carbon), FILES)
    project.output.mkdir()
    assert main(["metrics", str(project.folder), str(project.output)]) == 0
    assert "2 of them new" in capfd.readouterr().out
    assert list(project.output.iterdir()) == []


def test_more_new_ones_than_carbon_takes_are_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, config("stats", keys="new_metrics_warning: 1"), FILES)
    assert main(["metrics", "--report", "edits", str(project.folder)]) == 0
    assert "2 new metrics are more than 1: " in capfd.readouterr().err
    project.write("config.yaml", config("stats", keys="new_metrics_warning: 2"))
    assert main(["metrics", "--report", "edits", str(project.folder)]) == 0
    assert capfd.readouterr().err == ""


def test_a_damaged_tsv_is_told_and_the_others_are_listed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, config("stats"), FILES)
    project.write_tsv("readers", "date\tcountry\tn\n2025-01-01\tPeru\n")
    assert main(["metrics", str(project.folder), str(project.output)]) == 1
    said = capfd.readouterr()
    assert "readers.tsv:2: 2 columns where the header has 3" in said.err
    assert "new  stats.n.enwiki\n" in said.out


def test_a_project_without_metrics_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, f"{SQLITE}\nreports: {{untold: {{}}}}", FILES)
    assert main(["metrics", str(project.folder)]) == 2
    assert "there are no metrics" in capfd.readouterr().err
