"""A report's TSVs are one report's: another project, granularity or dimension is told, not mixed."""

from __future__ import annotations

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
