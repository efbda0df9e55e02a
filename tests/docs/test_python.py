"""docs/python.md: its examples run, and its tables have the fields that there are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import reportupdater
from reportupdater import Request, RunResult
from tests.helpers import SQLITE, Project

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(
        tmp_path / "queries",
        SQLITE + "reports: {edits: {ends: 2025-01-04}}\n",
        {"edits.sql": "SELECT '{from_date}' AS date, 1 AS n"},
    )
    project.folder.rename(tmp_path / "queries" / "demo")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert capsys.readouterr().out.splitlines() == [
        "3 due, 3 done, 0 without rows",
        "edits 2025-01-03 0",
    ]


def named(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    table = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_tables_have_the_fields_that_there_are() -> None:
    assert named("Requests") == {field.name for field in fields(Request)}
    shown = named("run")
    assert shown <= set(dir(RunResult))
    assert set(RunResult._fields) - shown == {
        "config_path",
        "output",
        "remarks",
        "enqueued",
    }


def test_every_public_name_is_there_and_on_a_page() -> None:
    pages = PAGE + (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text()
    for name in reportupdater.__all__:
        assert getattr(reportupdater, name)
        if name not in ("__version__", "Plan", "Status"):
            assert re.search(rf"\b{name}\b", pages), name
