"""`--only DIMENSION=VALUE`: some of the series."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

REPORTS = """\
reports:
  edits: {explode_by: {wiki: "enwiki, dewiki"}, owner: Data team, ticket: T123}
  users: {explode_by: {wiki: "enwiki, frwiki"}}
  totals: {}
"""


def project(parent: Path) -> Project:
    return Project(
        parent, SQLITE + REPORTS, {f"{name}.sql": ONE for name in ("edits", "users", "totals")}
    )


def test_only_the_series_with_that_value_are_computed(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run("--only", "wiki=enwiki")
    assert list(one.tsvs()) == ["edits/enwiki.tsv", "users/enwiki.tsv"]
    one.run("--only", "wiki=dewiki", "--only", "wiki=frwiki")
    assert len(one.tsvs()) == 4
    one.run()
    assert "totals.tsv" in one.tsvs()


def test_a_dimension_or_a_value_that_no_report_has_is_told(tmp_path: Path) -> None:
    one = project(tmp_path)
    said = one.run("--only", "wikis=enwiki", code=2)
    assert "no report has a dimension 'wikis' (did you mean 'wiki'?)" in said
    said = one.run("--only", "wiki=ewiki", code=2)
    assert "dimension 'wiki' has no value 'ewiki' (did you mean 'enwiki'?)" in said
    assert one.run("--only", "enwiki", code=2).endswith("'enwiki' is not like wiki=enwiki\n")
    assert one.tsvs() == {}


def test_marks_of_the_other_series_are_kept(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run()
    one.write(".reruns/mark", "2025-01-01\n2025-01-02\nedits\n")
    one.write("edits.sql", "SELECT '{from_date}' AS date, 2 AS n")
    one.run("--only", "wiki=enwiki")
    assert one.rows("edits/enwiki")[1] == ["2025-01-01", "2"]
    assert one.rows("edits/dewiki")[1] == ["2025-01-01", "1"]
    one.run()
    assert one.rows("edits/dewiki")[1] == ["2025-01-01", "2"]


def test_what_failed_ends_with_whom_to_tell(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write("edits.sql", "SELECT nonsense")
    said = one.run("--report", "edits", code=1)
    assert said.rstrip().endswith("[Data team, T123]")
