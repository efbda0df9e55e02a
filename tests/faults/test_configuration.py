"""Mistakes in a configuration: all are told at once with their places, and other reports go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

VALID = SQLITE + "reports: {edits: {}}\n"


@pytest.mark.parametrize(
    ("config", "place", "message"),
    [
        ("", "1:1", "the configuration is empty"),
        ("# nothing\n", "1:1", "the configuration is empty"),
        ("just a text\n", "1:1", "the configuration must be a mapping of keys to values"),
        ("- reports\n", "1:1", "the configuration must be a mapping of keys to values"),
        ("reports:\n  edits: {type: sql\n  views: 1\n", None, "a bracket that is not closed"),
        ("reports:\n\tedits: {}\n", "2:1", "a tab where only spaces may stand"),
        ("reports: 'edits\n", "1:10", "a quote that is never closed"),
        ("reports:\n  edits: a: b\n", "2:11", "a ':' that cannot stand here"),
        ("reports: *nobody\n", "1:10", "the alias '*nobody' names nothing above it"),
        ("reports: !!python/object:os.system {}\n", "1:10", "is not taken"),
        ("reports: {}\n---\nreports: {}\n", "2:1", "a second document begins here"),
        ("reports: \x07\n", "1:10", "a control character"),
        ("reports:\n", None, "there are no reports"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_configuration_ends_in_exit_code_2(
    tmp_path: Path, config: str, place: str | None, message: str
) -> None:
    project = Project(tmp_path, config)
    said = project.run(code=2)
    path = project.folder / "config.yaml"
    assert f"{path}:{place}: " in said if place else f"{path}:" in said
    assert message in said
    assert not project.output.exists()


def test_a_file_that_is_not_utf8_ends_in_exit_code_2(tmp_path: Path) -> None:
    project = Project(tmp_path, VALID)
    project.folder.joinpath("config.yaml").write_bytes(b"reports:\n  caf\xe9: {}\n")
    said = project.run(code=2)
    assert "config.yaml:2:6: byte 0xe9 is not UTF-8" in said


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("views: {typ: sql}", "5:11: unknown key 'typ' of report 'views' (did you mean 'type'?)"),
        ("views: {granularity: day}", "5:24: 'granularity' of report 'views' must be"),
        ("views: {starts: 2025-02-30}", "5:19: 'starts' of report 'views' must be a date"),
        ("views: {db: locl}", "is not in databases (did you mean 'local'?)"),
        ("views: {type: script}", "5:3: report 'views' has no script"),
        ("views: {execute: veiws}", "has no query file"),
        ("views: {lag: -1}", "'lag' of report 'views' must be a number of seconds"),
        ("views: {type: sql, type: sql}", "5:22: the key 'type' is given twice (first on line 5)"),
        ("views: [1, 2]", "report 'views' must be a mapping of keys to values, not a list"),
        ("../views: {}", "the report name '../views' holds what a file name must not"),
        ("Edits: {execute: edits}", "differs from 'edits' in case alone"),
        ("views: {explode_by: {wiki: '../../x'}}", "../../x"),
        ("views: {explode_by: {wiki: wikis.txt}}", "wikis.txt"),
        ("views: {explode_by: {wiki: 'a,,b'}}", "has an empty value"),
        ("views: {explode_by: {wiki: 'a, A'}}", "case"),
        ("views: {explode_by: {wiki: []}}", "wiki"),
        ("views: {explode_by: {day: a}}", "a dimension cannot be called 'day'"),
        ("views: {timeout: soon}", "'timeout' of report 'views' must be a number of seconds"),
        (
            "views: {max_data_points: 0}",
            "'max_data_points' of report 'views' must be a whole number",
        ),
        ("views: {starts: 2025-01-01T05}", "'starts' of report 'views' has an hour"),
        ("views: {ends: 2024-01-01}", "'ends' of report 'views' lies before 'starts'"),
    ],
)
def test_an_invalid_report_is_told_with_its_place_and_the_others_go_on(
    tmp_path: Path, entry: str, message: str
) -> None:
    config = SQLITE + f"reports:\n  edits: {{}}\n  {entry}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": ONE})
    said = project.run(code=1)
    assert f"ERROR {project.folder / 'config.yaml'}:5:" in said
    assert message in said
    assert "3 done, 0 empty, 0 failed, 1 error in the configuration" in said
    assert list(project.tsvs()) == ["edits.tsv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "project"]


@pytest.mark.parametrize(
    ("graphite", "message"),
    [
        ("{paht: x, path: x, metrics: {a: n}}", "did you mean 'path'?"),
        ("{path: x..y, metrics: {a: n}}", "has an empty node"),
        ("no", "'graphite' of report 'views' must be a mapping of keys to values"),
    ],
)
def test_a_mistake_about_datapoints_withholds_no_rows(
    tmp_path: Path, graphite: str, message: str
) -> None:
    config = SQLITE + f"reports:\n  views: {{graphite: {graphite}}}\n"
    project = Project(tmp_path, config, {"views.sql": ONE})
    said = project.run(code=1)
    assert message in said
    assert "3 done, 0 empty, 0 failed, 1 error in the configuration" in said
    assert len(project.rows("views")) == 4


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, paht: data.sqlite}, other: {engine: mysq}}
reports:
  edits: {db: local, granularity: dais, starts: 2025-01-01}
  views: {db: othr, granularity: days}
"""
    project = Project(tmp_path, config)
    said = project.run(code=2)
    path = project.folder / "config.yaml"
    for place in ("2:37", "2:73", "4:35", "5:15"):
        assert f"{path}:{place}: " in said
    assert "did you mean 'path'?" in said
    assert "did you mean 'mysql'?" in said
    assert "did you mean 'days'?" in said
    assert "report 'views' has no 'starts'" in said
    assert f"report 'edits' has no query file {project.folder / 'edits.sql'}" in said


def test_an_unknown_key_at_the_top_is_a_warning(tmp_path: Path) -> None:
    project = Project(tmp_path, VALID + "reprots: {}\n", {"edits.sql": ONE})
    said = project.run()
    assert "config.yaml:4:1: unknown key 'reprots' is ignored (did you mean 'reports'?)" in said
    assert "WARNING" in said
    assert len(project.dates("edits")) == 3


def test_keys_of_older_versions_are_told_at_level_info_only(tmp_path: Path) -> None:
    keys = "frequency: days, timeboxed: true, funnel: true, by_wiki: true, first_date: 2025-01-01"
    project = Project(tmp_path, SQLITE + f"reports: {{edits: {{{keys}}}}}\n", {"edits.sql": ONE})
    assert project.run() == ""
    assert project.run("-l", "info").count("is of an older version and ignored") == 5


def test_what_undoes_a_default_is_valid(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults:
  db: local
  granularity: days
  starts: 2025-01-01
  lag: 86400
  max_data_points: 1
  explode_by: {wiki: enwiki}
reports:
  edits: {lag: 0, max_data_points: null, explode_by: {}}
"""
    project = Project(tmp_path, config, {"edits.sql": ONE})
    assert project.run() == ""
    assert project.dates("edits") == ["2025-01-01", "2025-01-02", "2025-01-03"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("enwiki\n../../x\n", ":2:1: the value '../../x'"),
        ("enwiki\n\ndewiki\n", ":2:1: the dimension 'wiki' has an empty value"),
        ("enwiki\ndewiki\n\n", ":3:1: the dimension 'wiki' has an empty value"),
        ("", ": a list of values that is empty"),
        ("enwiki\ndewiki\nEnWiki\n", ":3:1: "),
        ("enwiki\n/etc/passwd\n", ":2:1: the value '/etc/passwd'"),
        ("enwiki\n.hidden\n", ":2:1: the value '.hidden'"),
        ("enwiki\nde wiki\n", ":2:1: the value 'de wiki'"),
    ],
)
def test_a_bad_list_of_values_is_told_with_its_file_and_line(
    tmp_path: Path, values: str, message: str
) -> None:
    config = SQLITE + "reports: {edits: {}, views: {explode_by: {wiki: wikis.txt}}}\n"
    files = {"edits.sql": ONE, "views.sql": ONE, "wikis.txt": values}
    project = Project(tmp_path, config, files)
    said = project.run(code=1)
    assert f"{project.folder / 'wikis.txt'}{message}" in said
    assert list(project.tsvs()) == ["edits.tsv"]


def test_a_list_of_values_that_is_missing_is_no_wiki_of_that_name(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, views: {explode_by: {wiki: wiki.txt}}}\n"
    files = {"edits.sql": ONE, "views.sql": ONE, "wikis.txt": "enwiki\n"}
    project = Project(tmp_path, config, files)
    said = project.run(code=1)
    assert "config.yaml:3:49: " in said
    assert f"has no file {project.folder / 'wiki.txt'} to take its values from" in said
    assert "'wikis.txt' is there" in said
    assert list(project.tsvs()) == ["edits.tsv"]


@pytest.mark.parametrize(
    ("query", "place", "message"),
    [
        ("SELECT '{from_dat}'", "1:9", "unknown placeholder {from_dat} (did you mean 'from_date'?"),
        ("SELECT 1\nFROM {wki}", "2:6", "unknown placeholder {wki} (did you mean 'wiki'?"),
        ("SELECT '{wiki.x}'", "1:9", "only plain names are"),
        ("SELECT '{wiki[0]}'", "1:9", "only plain names are"),
        ("SELECT '{0}'", "1:9", "only plain names are"),
        ("SELECT '{'", "1:9", "a single { in the text (write {{ and }} where braces are meant)"),
        ("SELECT '{wiki:z}'", "1:9", "is no format for text"),
    ],
)
def test_a_wrong_placeholder_stops_its_report_alone(
    tmp_path: Path, query: str, place: str, message: str
) -> None:
    config = SQLITE + "reports: {edits: {}, views: {explode_by: {wiki: enwiki}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": query})
    said = project.run(code=1)
    assert f"{project.folder / 'views.sql'}:{place}: " in said
    assert message in said
    assert list(project.tsvs()) == ["edits.tsv"]


def test_dates_are_refused_in_queries_by_the_hour(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {granularity: hours}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    said = project.run(code=2)
    assert "{from_date} has no hour (with granularity: hours write {from_timestamp})" in said


def test_a_report_that_is_not_chosen_may_be_invalid(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, views: {typ: sql}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    assert project.run("--report", "edits") == ""
    assert "'typ'" in project.run("--report", "views", code=2)


def test_a_script_that_may_not_be_executed_is_told_what_to_do(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, views: {type: script}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views": "echo\n"})
    said = project.run(code=1)
    assert f"may not be executed (chmod +x {project.folder / 'views'})" in said
    assert list(project.tsvs()) == ["edits.tsv"]


@pytest.mark.parametrize(
    ("first_line", "message"),
    [
        ("#!/no/such/interpreter", "what its first line names is not on this host"),
        ("#!/bin/sh\r", "or that line ends in CR LF"),
        ("echo", "its first line must name what runs it"),
    ],
)
def test_a_script_that_cannot_be_started_is_told_what_to_do(
    tmp_path: Path, first_line: str, message: str
) -> None:
    config = SQLITE + "reports: {edits: {}, views: {type: script}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views": first_line + "\n"})
    project.folder.joinpath("views").chmod(0o755)
    said = project.run(code=1)
    assert f"cannot run {project.folder / 'views'}" in said
    assert message in said
    assert list(project.tsvs()) == ["edits.tsv"]
