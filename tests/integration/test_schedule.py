"""`schedule`: a report is looked at from its tick on, until all that was due at it is done."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

FIVE = 'schedule: "15 5 * * *"'


def project_with(folder: Path, keys: str = FIVE) -> Project:
    config = f"{SQLITE}reports: {{edits: {{{keys}}}}}\n"
    return Project(folder, config, {"edits.sql": ONE})


def test_a_report_waits_in_silence_for_its_tick(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T05:15")
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]
    assert project.run(now="2025-01-04T05:14:59") == ""
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]
    assert project.run(now="2025-01-04T05:15") == ""
    assert project.dates("edits") == ["2025-01-01", "2025-01-02", "2025-01-03"]


def test_at_info_one_line_says_when_it_is_looked_at_next(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T05:15")
    said = project.run("-l", "info", now="2025-01-04T03:00")
    assert "edits: waits for the next tick of its schedule, 2025-01-04 05:15 UTC\n" in said
    assert "nothing is due" in said
    assert len(said.splitlines()) == 2


def test_a_run_may_ignore_the_schedule(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T05:15")
    dry = ("plan", project.folder, project.output, "--now", "2025-01-04T03:00")
    assert "edits: nothing is due" in project.call(*dry).stdout
    ignoring = ("run", "--dry-run", "--ignore-schedule", *dry[1:])
    assert "edits: 1 interval is due" in project.call(*ignoring).stdout
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]
    said = project.run("-l", "info", "--ignore-schedule", now="2025-01-04T03:00")
    assert "1 done" in said
    assert project.dates("edits") == ["2025-01-01", "2025-01-02", "2025-01-03"]
    # What is not over is not due either way.
    assert project.run("--ignore-schedule", now="2025-01-04T04:00") == ""
    said = project.run("-l", "info", "--ignore-schedule", now="2025-01-04T04:00")
    assert "waits for the next tick" not in said


def test_ticks_that_were_missed_are_made_up_once(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T06")
    assert "4 done" in project.run("-l", "info", now="2025-01-08T04:00")
    assert project.dates("edits")[-1] == "2025-01-06"  # the last tick was on the 7th
    assert "nothing is due" in project.run("-l", "info", now="2025-01-08T05:00")


def test_what_failed_at_a_tick_is_tried_by_every_run_until_it_is_done(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.write("edits.sql", "SELECT nonsense")
    project.run(now="2025-01-03T06", code=1)
    project.run(now="2025-01-03T07", code=1)
    project.write("edits.sql", ONE)
    assert "2 done" in project.run("-l", "info", now="2025-01-03T08")
    assert project.run(now="2025-01-04T03") == ""
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]


def test_a_run_of_some_series_or_dates_leaves_the_others_due(tmp_path: Path) -> None:
    project = project_with(tmp_path, f'{FIVE}, explode_by: {{wiki: "enwiki, dewiki"}}')
    assert "1 done" in project.run(
        *("-l", "info", "--only", "wiki=enwiki", "--since", "2025-01-02"), now="2025-01-03T06"
    )
    assert "3 done" in project.run("-l", "info", now="2025-01-03T07")


def test_marks_do_not_wait_for_the_tick(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T06")
    project.write(".reruns/mark", "2025-01-02\n2025-01-09\n")
    assert "1 done" in project.run("-l", "info", now="2025-01-04T03")
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]


def test_a_schedule_that_is_changed_counts_at_once(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-03T06")
    config = f'{SQLITE}reports: {{edits: {{schedule: "0 1 * * *"}}}}\n'
    project.write("config.yaml", config)
    assert "1 done" in project.run("-l", "info", now="2025-01-04T03")


def test_a_clock_that_is_set_back_computes_nothing(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.run(now="2025-01-08T06")
    before = project.text("edits")
    assert project.run(now="2025-01-03T06") == ""
    assert project.text("edits") == before


def test_a_report_of_hours_gets_the_hours_before_its_tick(tmp_path: Path) -> None:
    project = project_with(tmp_path, "granularity: hours, schedule: '15 */6 * * *'")
    project.write("edits.sql", "SELECT '{year}-{month}-{day} {hour}:00' AS hour, 1 AS n")
    project.run(now="2025-01-01T08:30")
    assert project.dates("edits")[-1] == "2025-01-01T05:00:00"
    project.run(now="2025-01-01T12:15")
    assert project.dates("edits")[-1] == "2025-01-01T11:00:00"


def test_the_history_of_a_new_report_is_caught_up_with_in_every_run(tmp_path: Path) -> None:
    project = project_with(tmp_path, f"{FIVE}, backfill: {{max_intervals: 3}}")
    for hour, done in ((6, 3), (7, 6), (8, 9), (9, 10)):
        project.run(now=f"2025-01-11T{hour:02}")
        assert len(project.dates("edits")) == done
    assert project.run(now="2025-01-12T05") == ""
    assert len(project.dates("edits")) == 10
