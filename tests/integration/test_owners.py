"""A report's TSVs are one report's: another project, granularity or dimension is told, not mixed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project, wait_until

EDITS = SQLITE + "reports: {edits: {}}\n"


def test_a_report_of_the_same_name_in_another_project_is_an_error(tmp_path: Path) -> None:
    first = Project(tmp_path / "first", EDITS, {"edits.sql": ONE})
    first.run()
    config = SQLITE + "reports: {edits: {}, editors: {}}\n"
    second = Project(
        tmp_path / "second", config, {"edits.sql": ONE, "editors.sql": ONE}, output=first.output
    )
    before = first.text("edits")
    said = second.run(code=1, now="2025-01-10")
    assert f"{first.tsv('edits')}: its TSVs are written by another project, {first.folder}" in said
    assert "give one of the two another name or another output folder" in said
    assert first.text("edits") == before
    assert len(second.dates("editors")) == 9  # the others go on
    assert first.run(now="2025-01-10") == ""
    assert len(first.dates("edits")) == 9


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("granularity: weeks", "are of granularity days, the report is of weeks now"),
        ("explode_by: {wiki: enwiki}", "are exploded by nothing, the report by wiki now"),
    ],
)
def test_a_report_of_another_shape_is_an_error_until_its_tsv_is_moved_away(
    tmp_path: Path, keys: str, message: str
) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    project.write("config.yaml", SQLITE + f"reports: {{edits: {{{keys}}}}}\n")
    before = project.tsvs()
    said = project.run(code=1, now="2025-02-01")
    assert message in said
    assert f"move {project.tsv('edits')} away, or give the report another name" in said
    assert project.tsvs() == before
    project.tsv("edits").unlink()
    assert project.run(now="2025-02-01") == ""
    assert project.tsvs() != before


@pytest.mark.parametrize("keys", ["granularity: weeks", "explode_by: {wiki: enwiki}"])
def test_a_report_changes_its_shape_when_results_of_a_killed_run_still_wait(
    tmp_path: Path, keys: str
) -> None:
    query = """
        WITH RECURSIVE numbers (n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE '{day}' = '03'
        )
        SELECT '{from_date}' AS date, max(n) AS n FROM numbers
    """  # endless on the third
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": query})
    with project.started() as run:
        wait_until(lambda: project.committed() == 2)
        run.kill()
    assert project.tsvs() == {}
    project.write("config.yaml", SQLITE + f"reports: {{edits: {{{keys}}}}}\n")
    said = project.run(code=1)
    assert "now (move" in said
    assert project.tsvs() == {"edits.tsv": b"date\tn\n2025-01-01\t1\n2025-01-02\t1\n"}


def test_other_dimensions_than_before_are_an_error(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: enwiki}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run()
    project.write("config.yaml", SQLITE + "reports: {edits: {explode_by: {editor: enwiki}}}\n")
    said = project.run(code=1, now="2025-01-10")
    assert "are exploded by wiki, the report by editor now" in said
    assert len(project.dates("edits/enwiki")) == 3


def test_more_values_of_a_dimension_are_no_change(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: enwiki}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run()
    project.write("config.yaml", config.replace("enwiki", "[enwiki, dewiki]"))
    assert project.run() == ""
    assert len(project.tsvs()) == 2


def test_a_project_that_was_moved_goes_on(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    project.folder = project.folder.rename(tmp_path / "elsewhere")
    assert project.run(now="2025-01-05") == ""
    assert len(project.dates("edits")) == 4


def test_a_project_that_is_deployed_under_a_link_goes_on(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    releases = [tmp_path / "release1", tmp_path / "release2"]
    project.folder.rename(releases[0])
    Project(tmp_path / "new", EDITS, {"edits.sql": ONE}).folder.rename(releases[1])
    for day, release in enumerate(releases, 2):
        project.folder.unlink(missing_ok=True)
        project.folder.symlink_to(release)
        assert project.run(now=f"2025-01-0{day}") == ""
    assert len(project.dates("edits")) == 2


def test_a_report_that_the_other_project_has_given_up_may_be_taken_over(tmp_path: Path) -> None:
    first = Project(tmp_path / "first", EDITS, {"edits.sql": ONE})
    first.run()
    second = Project(tmp_path / "second", EDITS, {"edits.sql": ONE}, output=first.output)
    second.run(code=1, now="2025-01-05")
    first.write("config.yaml", SQLITE + "reports: {editors: {}}\n")
    assert second.run(now="2025-01-05") == ""
    assert len(second.dates("edits")) == 4


def test_a_report_belongs_to_one_of_two_configs_in_a_folder(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    other = project.write("other.yaml", EDITS)
    said = project.run("--config-path", other, now="2025-01-05", code=1)
    assert f"written by another project, {project.folder / 'config.yaml'}" in said
    assert len(project.dates("edits")) == 3


def test_a_config_that_cannot_be_read_gives_nothing_up(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    other = project.write("other.yaml", EDITS)
    project.write("config.yaml", "reports: {edits: {}\n")
    said = project.run("--config-path", other, now="2025-01-05", code=1)
    assert "written by another project" in said
    assert len(project.dates("edits")) == 3


EACH_START = "SELECT '{year}-{month}-{day} {hour}:00:00' AS date, 1 AS n"
NOW = "2025-03-10"


def _of(granularity: str) -> str:
    return (
        f"{SQLITE}reports:\n"
        f"  edits: {{granularity: {granularity}, starts: 2025-01-01, max_data_points: 40}}\n"
        "  editors: {}\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("days", "hours"),
        ("days", "weeks"),
        ("weeks", "days"),
        ("hours", "days"),
        ("months", "days"),
    ],
)
def test_rerun_requests_of_another_granularity_are_dropped_once_and_every_report_runs(
    tmp_path: Path, before: str, after: str
) -> None:
    project = Project(tmp_path, _of(before), {"edits.sql": EACH_START, "editors.sql": ONE})
    project.run(now=NOW)
    line = ("rerun", project.folder, project.output, "--now", NOW)
    project.call(*line, "--since", "2025-01-01", "--until", NOW)
    project.tsv("edits").unlink()
    project.write("config.yaml", _of(after))
    said = project.run("-l", "info", now=NOW)
    assert said.count("edits: dropped ") == 1
    assert "dropped" not in said.replace("edits: dropped ", "")
    assert project.state("SELECT * FROM marks") == []  # those of the other report were answered
    assert len(project.rows("edits")) == 1 + len({row[0] for row in project.rows("edits")[1:]})
    assert project.run(now=NOW) == ""


@pytest.mark.parametrize("command", ["status", "plan", "rerun", "run"])
def test_failures_of_another_granularity_end_no_command(tmp_path: Path, command: str) -> None:
    project = Project(tmp_path, _of("days"), {"edits.sql": ONE, "editors.sql": ONE})
    project.run(now=NOW)
    project.write("edits.sql", "SELECT nothing FROM nowhere")
    project.run(now="2025-03-12", code=1)
    project.tsv("edits").unlink()
    project.write("config.yaml", _of("hours"))
    project.write("edits.sql", EACH_START)
    here = (project.folder, project.output)
    lines: dict[str, list[str | Path]] = {
        "status": ["status", *reversed(here), "--now", "2025-03-12"],
        "plan": ["plan", *here, "--now", "2025-03-12"],
        "rerun": ["rerun", *here, "--list"],
        "run": ["run", *here, "--now", "2025-03-12"],
    }
    project.call(*lines[command], code=command == "status")
    if command == "run":
        assert project.state("SELECT * FROM failing") == []


# After a lost state nothing but the rows tells of what granularity they are.


def _moved(project: Project, after: str) -> None:
    shutil.rmtree(project.output / ".reportupdater")
    project.write("config.yaml", _of(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("weeks", "days"),
        ("months", "days"),
        ("months", "weeks"),
        ("hours", "days"),
        ("hours", "weeks"),
    ],
)
def test_rows_of_a_longer_or_shorter_granularity_are_not_taken_for_those_of_the_present_one(
    tmp_path: Path, before: str, after: str
) -> None:
    project = Project(tmp_path, _of(before), {"edits.sql": EACH_START, "editors.sql": ONE})
    project.run(now="2025-04-10")
    text = project.text("edits")
    _moved(project, after)
    said = project.run(now="2025-04-10", code=1)
    assert (
        f"{project.tsv('edits')}: its rows are of granularity {before}, the report is of {after}"
        in said
    )
    assert f"(move {project.tsv('edits')} away, set `granularity: {before}` again" in said
    assert project.text("edits") == text
    assert len(project.dates("editors")) == 99
    assert "its rows are of granularity" in project.call(
        "plan", project.folder, project.output, "--now", "2025-04-10", code=1
    ).stdout.replace("\n      ", " ")
    project.tsv("edits").unlink()
    assert project.run(now="2025-04-10") == ""


def test_a_row_between_them_says_that_they_are_days(tmp_path: Path) -> None:
    project = Project(tmp_path, _of("days"), {"edits.sql": ONE, "editors.sql": ONE})
    rows = "date\tn\n2025-02-02\t1\n2025-02-09\t1\n2025-02-16\t1\n"
    project.write_tsv("edits", rows)
    assert "its rows are of granularity weeks" in project.run(now="2025-02-20", code=1)
    project.write_tsv("edits", rows.replace("2025-02-09", "2025-02-03\t\n2025-02-09"))
    assert project.run(now="2025-02-20") == ""


@pytest.mark.parametrize(
    "dates",
    [
        ["2025-02-02"],
        ["2025-02-02", "2025-02-09"],
        ["2025-02-02", "2025-02-09", "2025-02-10", "2025-02-16"],
        ["2025-02-02", "2025-02-02", "2025-02-02"],
        ["2025-01-31", "2025-02-01", "2025-03-01"],
        ["0001-01-01", "0001-01-02", "0001-01-03"],  # before the first Sunday that there is
    ],
)
def test_rows_that_can_be_days_are_days_as_in_the_original(
    tmp_path: Path, dates: list[str]
) -> None:
    project = Project(tmp_path, _of("days"), {"edits.sql": ONE, "editors.sql": ONE})
    project.write_tsv("edits", "".join(["date\tn\n", *(f"{date}\t1\n" for date in dates)]))
    assert project.run(now="2025-03-03") == ""
