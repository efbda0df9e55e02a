"""What a configuration says of checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.checks.cells import NotEmpty, Unique
from reportupdater.checks.change import Change
from reportupdater.checks.rows import RowCount
from reportupdater.checks.values import Range, Values
from reportupdater.config.load import load_project
from reportupdater.model import Project
from tests.helpers import SQLITE, written

ALL = """
      rows: {min: 1, severity: warn}
      not_empty: [wiki]
      unique: {columns: [wiki, kind], severity: warn}
      values: {wiki: [a, b], kind: {allowed: [x], severity: warn}}
      range: {n: {min: 0, max: 1.5}}
      change: {n: {percent: 50}, m: {percent: 5, of: 3, by: [wiki], min_value: 10, min_history: 3}}
"""


def load(tmp_path: Path, checks: str, defaults: str = "") -> Project:
    top = SQLITE.replace("defaults: {", f"defaults: {{{defaults}") if defaults else SQLITE
    written(tmp_path / "config.yaml", f"{top}reports:\n  edits:\n    checks: {checks}\n")
    written(tmp_path / "edits.sql", "SELECT 1")
    return load_project(tmp_path, host_files=())


def test_all_of_them(tmp_path: Path) -> None:
    (report,) = load(tmp_path, ALL).reports
    assert report.declared == (
        RowCount(least=1, severity="warn"),
        NotEmpty(names=("wiki",)),
        Unique(names=("wiki", "kind"), severity="warn"),
        Values(column="wiki", allowed=("a", "b")),
        Values(column="kind", allowed=("x",), severity="warn"),
        Range(column="n", least=0, most=1.5),
        Change(column="n", percent=50, of=8, min_history=4),
        Change(column="m", percent=5, of=3, by=("wiki",), min_value=10, min_history=3),
    )
    assert report.in_order


def test_those_of_defaults_hold_unless_the_report_has_the_same(tmp_path: Path) -> None:
    defaults = "checks: {rows: {min: 5}, unique: [a], vanished: warn}, "
    (report,) = load(tmp_path, "{rows: {max: 1}, columns: off}", defaults).reports
    assert report.declared == (RowCount(most=1), Unique(names=("a",)))
    assert report.checks == {"vanished": "warn", "columns": "off"}
    assert not report.in_order
    (report,) = load(tmp_path, "{rows: null}", defaults).reports
    assert report.declared == (Unique(names=("a",)),)


@pytest.mark.parametrize(
    ("checks", "problem"),
    [
        ("{row: {min: 1}}", "5:14: unknown key 'row' of checks of report 'edits' (did you mean 'rows'?)"),
        ("{rows: {}}", "5:20: 'rows' of checks of report 'edits' has neither 'min' nor 'max'"),
        ("{rows: 5}", "'rows' of checks of report 'edits' must be a mapping of keys to values, not 5"),
        ("{rows: {min: 2, max: 1}}", "'min' of 'rows' of checks of report 'edits' is above 'max'"),
        ("{rows: {min: -1}}", "must be a whole number from 0 to 1,000,000,000, not -1"),
        ("{rows: {min: 1, severity: off}}", "'severity' of 'rows' of checks of report 'edits' must be"),
        ("{unique: wiki}", "'unique' of checks of report 'edits' must be a"),
        ("{unique: []}", "must be a list of columns, or a mapping with `columns` and `severity`"),
        ("{unique: {severity: warn}}", "'unique' of checks of report 'edits' has no 'columns'"),
        ("{values: {wiki: a}}", "'wiki' of 'values' of checks of report 'edits' must be a mapping"),
        ("{values: {wiki: {}}}", "has no 'allowed' (for example allowed: [desktop, mobile])"),
        ("{range: {n: {}}}", "'n' of 'range' of checks of report 'edits' has neither 'min' nor 'max'"),
        ("{range: {n: {min: x}}}", "'min' of 'n' of 'range' of checks of report 'edits' must be a number"),
        ("{change: {n: {}}}", "'n' of 'change' of checks of report 'edits' has no 'percent'"),
        ("{change: {n: {percent: 5, of: 2, min_history: 3}}}", "'min_history' of 'n' of 'change'"),
        ("{change: {n: {percent: -5}}}", "must be a number from 0 on, not -5"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, checks: str, problem: str) -> None:
    project = load(tmp_path, checks)
    assert not project.reports
    assert any(problem in str(one) for one in project.problems), [*map(str, project.problems)]
