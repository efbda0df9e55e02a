"""Rerun files: files in the project's .reruns/ ask for what is done to be computed again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

EDITS = SQLITE + "reports: {edits: {}}\n"


def version(number: int) -> str:
    """A query whose rows tell with which text they were computed."""
    return f"SELECT '{{from_date}}' AS date, {number} AS n"


def values(project: Project, name: str = "edits") -> list[str]:
    return [row[1] for row in project.rows(name)[1:]]


def test_what_is_marked_is_computed_again_once(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": version(1)})
    project.run()
    mark = project.write(".reruns/20250104", "2025-01-01\n2025-01-03\n")
    before = mark.read_bytes(), mark.stat().st_mtime_ns
    project.write("edits.sql", version(2))
    assert "2 done" in project.run("-l", "info")
    assert values(project) == ["2", "2", "1"]
    project.write("edits.sql", version(3))
    assert "nothing is due" in project.run("-l", "info")
    assert (mark.read_bytes(), mark.stat().st_mtime_ns) == before


def test_a_run_with_marks_in_which_all_is_well_says_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-01-03\nedits\n")
    assert project.run() == ""


def test_a_mark_may_name_its_reports(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, editors: {}, views: {}}\n"
    names = ("edits", "editors", "views")
    project = Project(tmp_path, config, {f"{name}.sql": version(1) for name in names})
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-02-01\nedits\nviews\n")
    for name in names:
        project.write(f"{name}.sql", version(2))
    project.run()
    assert values(project, "edits") == values(project, "views") == ["2", "2", "2"]
    assert values(project, "editors") == ["1", "1", "1"]


def test_a_mark_concerns_only_what_is_done_when_it_is_first_seen(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": version(1)})
    project.run()
    project.write(".reruns/mark", "2025-01-03\n2025-01-10\n")
    project.write("edits.sql", version(2))
    assert "3 done" in project.run("-l", "info", now="2025-01-06")
    assert values(project) == ["1", "1", "2", "2", "2"]
    assert "nothing is due" in project.run("-l", "info", now="2025-01-06")


def test_an_interval_is_marked_when_it_starts_in_the_range(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
reports: {edits: {db: local, granularity: weeks, starts: 2025-01-05}}
"""
    project = Project(tmp_path, config, {"edits.sql": version(1)})
    project.run(now="2025-02-02")
    assert project.dates("edits") == ["2025-01-05", "2025-01-12", "2025-01-19", "2025-01-26"]
    # Overlaps the first and the last week, and holds the start of the others.
    project.write(".reruns/mark", "2025-01-08\n2025-01-26\n")
    project.write("edits.sql", version(2))
    project.run(now="2025-02-02")
    assert values(project) == ["1", "2", "2", "1"]


def test_when_one_wiki_fails_its_marks_stay_and_the_others_are_not_computed_again(
    tmp_path: Path,
) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}}\n"
    query = "SELECT '{from_date}' AS date, n FROM {wiki}"
    project = Project(tmp_path, config, {"edits.sql": query})

    def wikis(**numbers: int | None) -> None:
        with closing(sqlite3.connect(project.folder / "data.sqlite")) as connection:
            for wiki, number in numbers.items():
                connection.execute(f"DROP TABLE IF EXISTS {wiki}")
                if number is not None:
                    connection.execute(f"CREATE TABLE {wiki} AS SELECT {number} AS n")
            connection.commit()

    wikis(a=1, b=1)
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-01-03\n")
    wikis(a=2, b=None)
    assert "no such table: b" in project.run(code=1)
    assert values(project, "edits/a") == ["2", "2", "1"]
    assert values(project, "edits/b") == ["1", "1", "1"]  # what failed keeps its old rows
    wikis(a=3, b=3)
    assert "2 done" in project.run("-l", "info", "--report", "edits")
    assert values(project, "edits/a") == ["2", "2", "1"]
    assert values(project, "edits/b") == ["3", "3", "1"]
    assert "nothing is due" in project.run("-l", "info")


def test_two_configs_in_one_folder_each_take_their_own_part_of_a_mark(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": version(1), "editors.sql": version(1)})
    other = project.write("other.yaml", SQLITE + "reports: {editors: {}}\n")
    project.run()
    project.run("--config-path", other)
    project.write(".reruns/mark", "2025-01-01\n2025-01-03\n")
    project.write("edits.sql", version(2))
    project.write("editors.sql", version(2))
    project.run()
    assert (values(project), values(project, "editors")) == (["2", "2", "1"], ["1", "1", "1"])
    project.run("--config-path", other)
    assert values(project, "editors") == ["2", "2", "1"]


def test_a_report_that_is_not_chosen_keeps_its_part_of_a_mark(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, editors: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": version(1), "editors.sql": version(1)})
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-01-03\n")
    project.write("edits.sql", version(2))
    project.write("editors.sql", version(2))
    project.run("--report", "edits")
    assert values(project, "editors") == ["1", "1", "1"]
    project.run()
    assert values(project, "editors") == ["2", "2", "1"]


def test_marks_outside_since_and_until_stay_for_another_run(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": version(1)})
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-01-04\n")
    project.write("edits.sql", version(2))
    project.run("--until", "2025-01-02")
    assert values(project) == ["2", "1", "1"]
    project.run()
    assert values(project) == ["2", "2", "2"]


def test_marks_on_what_may_not_be_computed_are_told_once_and_dropped(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {max_data_points: 2}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    days = [f"2025-01-0{day}" for day in range(1, 7)]
    project.write_tsv("edits", "date\tn\n" + "".join(f"{day}\t7\n" for day in days))
    project.run(now="2025-01-07")
    project.write(".reruns/mark", "2024-12-01\n2025-02-01\n")
    said = project.run("-l", "info", now="2025-01-07")
    assert (
        "WARNING edits: not computed again, though .reruns/mark requests it: what lies before `starts`,"
        " after `ends`, or outside `max_data_points` (4 of its intervals)"
    ) in said
    assert said.count("WARNING") == 1
    assert "2 done" in said
    assert project.run(now="2025-01-07") == ""
    assert project.state("SELECT * FROM marks") == []


def test_a_mark_file_that_is_written_anew_marks_anew(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": version(1)})
    project.run()
    project.write(".reruns/mark", "2025-01-01\n2025-01-02\n")
    project.run()
    project.write(".reruns/mark", "2025-01-02\n2025-01-03\n")
    project.write("edits.sql", version(2))
    project.run()
    assert values(project) == ["1", "2", "1"]


def test_a_file_that_marks_nothing_is_a_warning_with_its_line(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    mark = project.write(".reruns/mark", "2025-01-01\ntomorrow\n")
    project.write(".reruns/empty", "")
    said = project.run()
    assert f"{mark}:2: this file requests nothing: 'tomorrow' is no date (first two lines: " in said
    assert "empty:1: this file requests nothing: the line is missing" in said
    assert len(project.dates("edits")) == 3
