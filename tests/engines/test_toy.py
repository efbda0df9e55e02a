"""A new engine is one file and one line; an engine that is taken out leaves the others working."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from reportupdater.cli import main
from reportupdater.config.load import load_project
from reportupdater.engines import registry
from tests.helpers import ONE, SQLITE, Project


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ENGINES, "toy", "tests.engines.toy:Toy")


@pytest.mark.usefixtures("_toy")
def test_a_project_on_a_new_engine_is_checked_tried_and_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SQLITE.replace("}}\n", "}, one: {engine: toy, place: here}}\n", 1)
    config += "reports: {sizes: {db: one, explode_by: {wiki: 'a, b'}}, views: {}}\n"
    files = {"sizes.toy": "date\twiki\tn\n{from_date}\t{wiki}\t0012\n", "views.sql": ONE}
    one = Project(tmp_path, config, files)
    folders = [str(one.folder), str(one.output)]
    assert main(["check", folders[0]]) == 0
    assert main(["try", folders[0], "sizes", "--only", "wiki=a"]) == 0
    assert "0012" in capsys.readouterr().out
    assert main(["run", "--now", "2025-01-03", *folders]) == 0
    assert one.rows("sizes/b") == [
        ["date", "wiki", "n"],
        ["2025-01-01", "b", "0012"],
        ["2025-01-02", "b", "0012"],
    ]
    assert one.dates("views") == ["2025-01-01", "2025-01-02"]


@pytest.mark.usefixtures("_toy")
def test_keys_of_a_new_engine_are_checked_like_those_of_others(tmp_path: Path) -> None:
    config = "databases: {one: {engine: toy, port: 1}}\nreports: {a: {db: one}}\n"
    one = Project(tmp_path, config, {"a.toy": "date\n"})
    said = "\n".join(map(str, load_project(one.folder).problems))
    assert "unknown key 'port' of database 'one' (it belongs to engine: mysql or hive)" in said
    assert "database 'one' has no 'place'" in said


@pytest.mark.parametrize("name", ["mysql", "hive", "script"])
def test_without_one_of_the_engines_reports_of_the_others_are_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(registry.ENGINES, name)
    one = Project(tmp_path, f"{SQLITE}reports: {{views: {{}}}}\n", {"views.sql": ONE})
    project = load_project(one.folder)
    assert project.problems == ()
    [report] = project.reports
    assert report.starts == datetime(2025, 1, 1)
