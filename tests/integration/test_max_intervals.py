"""`backfill` and `--max-intervals`: how much of a long history one run takes of a series."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

BOTH = """\
reports:
  edits: {explode_by: {wiki: "enwiki, dewiki"}}
  users: {backfill: {max_intervals: 4}}
"""


def project(folder: Path, config: str) -> Project:
    return Project(folder, config, {"edits.sql": ONE, "users.sql": ONE})


def day(*days: int) -> list[str]:
    return [f"2025-01-{number:02}" for number in days]


def test_a_run_takes_the_oldest_and_the_newest(tmp_path: Path) -> None:
    one = project(tmp_path, SQLITE + BOTH)
    one.run(now="2025-01-11")
    assert len(one.dates("edits/enwiki")) == 10
    assert one.dates("users") == day(1, 2, 3, 10)
    one.run(now="2025-01-12")
    assert one.dates("users") == day(1, 2, 3, 4, 5, 6, 10, 11)


def test_defaults_say_it_for_all_and_a_report_undoes_it(tmp_path: Path) -> None:
    config = SQLITE.replace("2025-01-01}", "2025-01-01, backfill: {max_intervals: 2}}")
    reports = 'reports: {edits: {explode_by: {wiki: "enwiki, dewiki"}}, users: {backfill: null}}\n'
    one = project(tmp_path, config + reports)
    one.run(now="2025-01-11")
    assert one.dates("edits/enwiki") == one.dates("edits/dewiki") == day(1, 10)
    assert len(one.dates("users")) == 10


def test_what_a_run_is_told_counts_more_than_what_reports_say(tmp_path: Path) -> None:
    one = project(tmp_path, SQLITE + BOTH)
    one.run("--max-intervals", "1", now="2025-01-11")
    assert one.dates("edits/dewiki") == one.dates("users") == day(10)
    one.run("--max-intervals", "6", now="2025-01-11")
    assert one.dates("users") == one.dates("edits/enwiki") == day(1, 2, 3, 4, 5, 9, 10)


def test_marks_are_not_cut(tmp_path: Path) -> None:
    one = project(tmp_path, SQLITE + BOTH)
    one.run("--report", "users", "--max-intervals", "100", now="2025-01-11")
    one.write(".reruns/mark", "2025-01-01\n2025-02-01\nusers\n")
    assert "10 done" in one.run("-l", "info", "--report", "users", now="2025-01-11")


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    one = project(tmp_path, SQLITE + BOTH)
    said = one.run("--max-intervals", "0", code=2)
    assert said.endswith("argument --max-intervals: '0' is no whole number above 0\n")
