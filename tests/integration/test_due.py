"""What is due: the lengths of intervals, lag, ends, max_data_points, and what counts as done."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import ONE, Project

DATABASES = "databases: {local: {engine: sqlite, path: data.sqlite}}\n"


def project_with(folder: Path, keys: str, query: str = ONE) -> Project:
    """A project with one report, `edits`, with these keys."""
    config = f"{DATABASES}reports: {{edits: {{db: local, {keys}}}}}\n"
    return Project(folder, config, {"edits.sql": query})


def test_weeks_run_from_sunday_to_saturday(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS week, '{to_timestamp}' AS until"
    project = project_with(tmp_path, "granularity: weeks, starts: 2025-01-01", query)
    project.run(now="2025-01-11T23:59:59")
    assert project.rows("edits") == [["week", "until"], ["2024-12-29", "20250105000000"]]
    project.run(now="2025-01-12")
    assert project.dates("edits") == ["2024-12-29", "2025-01-05"]


def test_months_are_as_long_as_they_are(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS month, '{to_date}' AS until"
    project = project_with(tmp_path, "granularity: months, starts: 2023-12-31", query)
    project.run(now="2024-03-31")
    assert project.rows("edits") == [
        ["month", "until"],
        ["2023-12-01", "2024-01-01"],
        ["2024-01-01", "2024-02-01"],
        ["2024-02-01", "2024-03-01"],
    ]


def test_hours_have_an_hour_in_their_first_column(tmp_path: Path) -> None:
    query = "SELECT '{year}-{month}-{day} {hour}:30' AS hour, '{to_timestamp}' AS until"
    project = project_with(tmp_path, "granularity: hours, starts: 2025-01-01T22", query)
    project.run(now="2025-01-02T01:59")
    assert project.rows("edits") == [
        ["hour", "until"],
        ["2025-01-01T22:00:00", "20250101230000"],
        ["2025-01-01T23:00:00", "20250102000000"],
        ["2025-01-02T00:00:00", "20250102010000"],
    ]
    assert "nothing is due" in project.run("-l", "info", now="2025-01-02T01:59")


def test_scripts_of_hours_are_given_hours(tmp_path: Path) -> None:
    project = project_with(tmp_path, "type: script, granularity: hours, starts: 2025-01-01T22")
    project.write("edits", "#!/bin/sh\nprintf 'hour\\tuntil\\n%s\\t%s\\n' $1 $2\n")
    project.run(now="2025-01-02")
    assert project.rows("edits")[1:] == [
        ["2025-01-01T22:00:00", "2025-01-01T23:00:00"],
        ["2025-01-01T23:00:00", "2025-01-02T00:00:00"],
    ]


def test_an_interval_is_due_when_its_lag_has_passed(tmp_path: Path) -> None:
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01, lag: 3600")
    project.run(now="2025-01-03T00:59:59")
    assert project.dates("edits") == ["2025-01-01"]
    project.run(now="2025-01-03T01:00")
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]


@pytest.mark.parametrize("starts", ["2025-01-06", "'2025-01-06'"])
def test_a_report_that_starts_in_the_future_waits_in_silence(tmp_path: Path, starts: str) -> None:
    project = project_with(tmp_path, f"granularity: days, starts: {starts}")
    assert project.run(now="2025-01-04") == ""
    assert project.tsvs() == {}
    project.run(now="2025-01-07")
    assert project.dates("edits") == ["2025-01-06"]


def test_nothing_that_starts_at_ends_or_later_is_computed(tmp_path: Path) -> None:
    keys = "granularity: weeks, starts: 2025-01-05, ends: 2025-01-20"
    project = project_with(tmp_path, keys)
    project.run(now="2025-03-01")
    assert project.dates("edits") == ["2025-01-05", "2025-01-12", "2025-01-19"]


def test_max_data_points_keeps_the_newest_intervals_and_computes_none_older(
    tmp_path: Path,
) -> None:
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01, max_data_points: 3")
    assert "3 done" in project.run("-l", "info", now="2025-02-01")
    assert project.dates("edits") == ["2025-01-29", "2025-01-30", "2025-01-31"]
    assert "nothing is due" in project.run("-l", "info", now="2025-02-01")
    assert "2 done" in project.run("-l", "info", now="2025-02-03")
    assert project.dates("edits") == ["2025-01-31", "2025-02-01", "2025-02-02"]


def test_a_tsv_is_trimmed_only_when_it_gets_new_rows(tmp_path: Path) -> None:
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01, max_data_points: 2")
    project.write_tsv("edits", "date\tn\n2025-01-01\t7\n2025-01-02\t7\n2025-01-03\t7\n")
    before = project.text("edits")
    project.run(now="2025-01-04")
    assert project.text("edits") == before
    project.run(now="2025-01-05")
    assert project.text("edits") == "date\tn\n2025-01-03\t7\n2025-01-04\t1\n"


def test_a_greater_lag_than_before_computes_nothing_that_would_be_trimmed(tmp_path: Path) -> None:
    keys = "granularity: days, starts: 2025-01-01, max_data_points: 3"
    project = project_with(tmp_path, keys)
    project.run(now="2025-01-11")
    config = f"{DATABASES}reports: {{edits: {{db: local, {keys}, lag: 259200}}}}\n"
    project.write("config.yaml", config)
    assert "nothing is due" in project.run("-l", "info", now="2025-01-11")
    assert project.dates("edits") == ["2025-01-08", "2025-01-09", "2025-01-10"]


def test_an_interval_whose_rows_somebody_deletes_is_computed_again(tmp_path: Path) -> None:
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01")
    project.run()
    whole = project.text("edits")
    project.write_tsv("edits", whole.replace("2025-01-02\t1\n", ""))
    assert "1 done" in project.run("-l", "info")
    assert project.text("edits") == whole


def test_a_tsv_that_somebody_deletes_is_computed_again(tmp_path: Path) -> None:
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01")
    project.run()
    whole = project.text("edits")
    project.tsv("edits").unlink()
    assert "3 done" in project.run("-l", "info")
    assert project.text("edits") == whole


def test_an_interval_is_done_when_a_row_is_dated_anywhere_in_it(tmp_path: Path) -> None:
    # A weekly report whose rows fall on Mondays once ran for ever.
    query = "SELECT date('{from_date}', '+1 day') AS monday, 1 AS n"
    project = project_with(tmp_path, "granularity: weeks, starts: 2025-01-05", query)
    project.run(now="2025-01-19")
    assert project.dates("edits") == ["2025-01-06", "2025-01-13"]
    assert "nothing is due" in project.run("-l", "info", now="2025-01-19")


def test_an_interval_without_rows_is_stored_with_empty_values_and_is_done(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date, 1 AS a, 2 AS b WHERE '{day}' <> '02'"
    project = project_with(tmp_path, "granularity: days, starts: 2025-01-01", query)
    assert "2 done, 1 empty" in project.run("-l", "info")
    assert (
        project.text("edits") == "date\ta\tb\n2025-01-01\t1\t2\n2025-01-02\t\t\n2025-01-03\t1\t2\n"
    )
    assert project.state("SELECT start FROM attempts WHERE rows = 0") == [("2025-01-02",)]
    assert "nothing is due" in project.run("-l", "info")
