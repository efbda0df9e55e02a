"""What checks look at: no more than they need, since a TSV may have a million rows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from reportupdater import Request, run
from reportupdater.execution import checking
from reportupdater.model import Series
from reportupdater.operations.rerun import rerun
from reportupdater.state.tables import Tables
from reportupdater.tsv.rows import Content
from tests.helpers import ONE, SQLITE, Project


def request(one: Project, day: int) -> Request:
    return Request(
        project=one.folder,
        output=one.output,
        now=datetime(2025, 1, day),
        since=datetime(2025, 1, 1),
        until=datetime(2025, 2, 1),
        host_files=(),
    )


def test_rows_are_read_for_a_rerun_without_values_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    read = checking.stored

    def noted(state: Tables, series: Series) -> Content:
        reads.append(series.tsv)
        return read(state, series)

    monkeypatch.setattr(checking, "stored", noted)
    one = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    run(request(one, 3))
    rerun(request(one, 3))
    run(request(one, 3))
    one.write("edits.sql", ONE + " WHERE 0")
    run(request(one, 6))
    assert len(one.dates("edits")) == 5
    assert reads == []
    rerun(request(one, 6))
    assert run(request(one, 6)).held.total == 2
    assert reads == ["edits.tsv"]
