"""What is stored is read where a result is about to replace it, and not more than is needed."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from pathlib import Path

import pytest

from reportupdater import Request, run
from reportupdater.execution import stored
from reportupdater.intervals import Granularity
from reportupdater.operations.rerun import rerun
from reportupdater.tsv import lookup
from reportupdater.tsv.files import Place
from reportupdater.tsv.lookup import Found
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


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The TSVs that rows are looked up in."""
    found: list[str] = []
    rows_of = lookup.rows_of

    def noted(place: Place | None, granularity: Granularity, wanted: Container[int]) -> Found:
        found.append(place.name if place else "")
        return rows_of(place, granularity, wanted)

    monkeypatch.setattr(lookup, "rows_of", noted)
    return found


def test_a_tsv_is_read_once_for_all_that_is_computed_again(
    tmp_path: Path, reads: list[str]
) -> None:
    one = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    run(request(one, 3))
    one.write("edits.sql", ONE + " WHERE 0")
    run(request(one, 6))
    assert len(one.dates("edits")) == 5
    assert reads == []
    rerun(request(one, 6))
    assert run(request(one, 6)).held.total == 2
    assert reads == ["edits.tsv"]


def test_of_a_large_series_a_part_is_kept_at_a_time(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "_FIRST_LOOK", 2)
    monkeypatch.setattr(stored, "_CHARACTERS", 100)
    one = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    run(request(one, 21))
    one.write("edits.sql", ONE + " WHERE 0")
    rerun(request(one, 21))
    assert run(request(one, 21)).held.total == 3  # the rest waits
    one.write("edits.sql", ONE.replace("1", "7"))
    del reads[:]
    assert run(request(one, 21)).done == 17
    assert len(reads) < 10
