"""Weeks from Sunday, and from Monday where a report says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import Project

CONFIG = """
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults: {db: local, granularity: weeks, starts: 2025-01-01, week_starts: monday}
reports:
  of_monday: {execute: of}
  of_sunday: {execute: of, week_starts: sunday}
  daily: {execute: of, granularity: days, starts: 2025-01-12}
"""
QUERY = {"of.sql": "SELECT '{from_date}' AS date, '{to_date}' AS past"}


def test_weeks_begin_on_the_day_that_a_report_says(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, QUERY)
    assert project.run(now="2025-01-14") == ""
    rows = {name: text.decode().splitlines()[1:] for name, text in project.tsvs().items()}
    assert rows == {
        "of_monday.tsv": ["2024-12-30\t2025-01-06", "2025-01-06\t2025-01-13"],
        "of_sunday.tsv": ["2024-12-29\t2025-01-05", "2025-01-05\t2025-01-12"],
        "daily.tsv": ["2025-01-12\t2025-01-13", "2025-01-13\t2025-01-14"],
    }
    assert project.run(now="2025-01-14") == ""


@pytest.mark.parametrize("is_lost", [False, True])
def test_weeks_of_another_day_are_not_mixed_with_those_that_are_stored(
    tmp_path: Path, is_lost: bool
) -> None:
    project = Project(tmp_path, CONFIG, QUERY)
    project.run(now="2025-03-14")
    before = project.tsvs()
    project.write(
        "config.yaml", CONFIG.replace("{execute: of, week_starts: sunday}", "{execute: of}")
    )
    if is_lost:
        shutil.rmtree(project.output / ".reportupdater")
    said = project.run(now="2025-03-21", code=1)
    if is_lost:
        assert "its rows are of granularity weeks, the report is of weeks from Monday" in said
        assert "set `granularity: weeks` again" in said
    else:
        assert "its TSVs are of granularity weeks, the report is of weeks from Monday now" in said
    assert project.tsvs()["of_sunday.tsv"] == before["of_sunday.tsv"]


def test_a_report_of_days_has_no_day_on_which_its_weeks_begin(tmp_path: Path) -> None:
    config = CONFIG.replace("granularity: days,", "granularity: days, week_starts: monday,")
    project = Project(tmp_path, config, QUERY)
    said = project.run(now="2025-01-14", code=1)
    assert (
        "'week_starts' of report 'daily' makes no difference (it is for granularity: weeks" in said
    )
