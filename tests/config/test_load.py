"""What a valid project becomes."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reportupdater.checks.change import Change
from reportupdater.config.load import load_project
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.script.config import Scripts
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.errors import UsageError
from reportupdater.intervals import Granularity
from reportupdater.model import Database, Dimension, Project, Report
from reportupdater.sinks.graphite.config import GraphiteSink
from reportupdater.sinks.shared.naming import Metrics
from tests.config.conftest import Load
from tests.making import graphite as graphite_of
from tests.making import metrics

TOP = """\
databases: {lite: {engine: sqlite, path: data/events.sqlite}}
defaults: {db: lite, granularity: days, starts: 2015-01-02, execute: q}
"""


def the_report(project: Project) -> Report:
    assert [str(problem) for problem in project.problems] == []
    (report,) = project.reports
    return report


def as_dict(value: Database | Report) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def test_a_short_report_has_all_defaults(load: Load, tmp_path: Path) -> None:
    project = load(
        "databases: {main: {host: db1.example.org}}\n"
        "reports:\n"
        "  edits: {db: main, granularity: weeks, starts: 2015-1-2}\n",
        **{"edits.sql": "select '{from_date}'"},
    )
    report = the_report(project)
    assert as_dict(report) | {"where": str(report.where), "template": None, "database": None} == {
        "name": "edits",
        "where": "config.yaml:3:3",
        "granularity": Granularity.WEEKS,
        "starts": datetime(2015, 1, 2),
        "ends": None,
        "lag": timedelta(0),
        "database": None,
        "execute": tmp_path / "edits.sql",
        "template": None,
        "dimensions": (),
        "max_data_points": None,
        "schedule": None,
        "max_intervals": None,
        "group": None,
        "timeout": 21600.0,
        "retries": 5,
        "max_rows": 1_000_000,
        "concurrency": None,
        "ordered": False,
        "writes": False,
        "ready": (),
        "wait": timedelta(days=3),
        "lookback": 0,
        "keep_revisions": timedelta(days=400),
        "declared": (),
        "in_order": False,
        "checks": {},
        "outputs": {},
        "owner": None,
        "ticket": None,
        "description": None,
    }
    assert report.template is not None
    assert report.template.render({"from_date": "x"}) == "select 'x'"
    assert as_dict(report.database) == {
        "name": "main",
        "concurrency": 4,
        "host": "db1.example.org",
        "port": 3306,
        "shards": None,
        "socket": None,
        "database": None,
        "creds_file": None,
        "wiki_dimension": None,
        "time_zone": None,
    }
    assert (project.folder, project.config_path) == (Path(), Path("config.yaml"))
    assert project.names == ("edits",)
    assert graphite_of(project) is None


def test_every_key_reaches_its_place(load: Load, tmp_path: Path) -> None:
    project = load(
        """\
databases:
  main:
    engine: mysql
    host: db1.example.org
    port: 3307
    db: stats
    creds_file: secrets/my.cnf
    wiki_db_placeholder: wiki
    time_zone: +05:30
    concurrency: 9
    auto_find_db_shard: no
    use_x1: false
    mw_config_path: /srv/mediawiki-config
graphite:
  host: graphite.example.org
  port: 2103
  lookups: {wiki: names.yaml}
reports:
  edits:
    type: sql
    granularity: hours
    starts: "2015-01-02T03"
    ends: 2016-01-01 05:00
    lag: 10_800
    db: main
    execute: sql/the edits
    explode_by: {wiki: "enwiki, dewiki", editor: [anonymous, registered]}
    max_data_points: 24
    schedule: "15  5 * * *"
    backfill: {max_intervals: 7}
    group: analytics
    timeout: 1.5
    retries: 0
    max_rows: 10
    concurrency: 2
    ordered: true
    writes: true
    wait: 12h
    lookback: 3
    keep_revisions: 30d
    checks: {vanished: warn, change: {n: {percent: 5}}}
    graphite: {path: "{_metric}.{wiki}.{anything}", metrics: {edits: edit count, bots: b}}
    owner: Data team
    ticket: T123
    description: Edits of each hour.
""",
        **{"sql/the edits.sql": "select {wiki}", "names.yaml": "enwiki: no\ndewiki: a.b\n"},
    )
    report = the_report(project)
    shown = as_dict(report) | {"outputs": {}, "template": None, "database": None, "where": None}
    assert shown == {
        "name": "edits",
        "where": None,
        "granularity": Granularity.HOURS,
        "starts": datetime(2015, 1, 2, 3),
        "ends": datetime(2016, 1, 1, 5),
        "lag": timedelta(hours=3),
        "database": None,
        "execute": tmp_path / "sql/the edits.sql",
        "template": None,
        "dimensions": (
            Dimension("editor", ("anonymous", "registered")),
            Dimension("wiki", ("enwiki", "dewiki")),
        ),
        "max_data_points": 24,
        "schedule": "15 5 * * *",
        "max_intervals": 7,
        "group": "analytics",
        "timeout": 1.5,
        "retries": 0,
        "max_rows": 10,
        "concurrency": 2,
        "ordered": True,
        "writes": True,
        "ready": (),
        "wait": timedelta(hours=12),
        "lookback": 3,
        "keep_revisions": timedelta(days=30),
        "checks": {"vanished": "warn"},
        "declared": (Change(column="n", percent=5, of=8, min_history=4),),
        "in_order": True,
        "outputs": {},
        "owner": "Data team",
        "ticket": "T123",
        "description": "Edits of each hour.",
    }
    assert report.database == MysqlDatabase(
        name="main",
        concurrency=9,
        host="db1.example.org",
        port=3307,
        database="stats",
        creds_file=tmp_path / "secrets/my.cnf",
        wiki_dimension="wiki",
        time_zone="+05:30",
    )
    assert isinstance(report.outputs["graphite"], Metrics)
    assert GraphiteSink().output(report).path.text == "{_metric}.{wiki}.{anything}"
    assert GraphiteSink().output(report).columns == {"edits": "edit count", "bots": "b"}
    settings = graphite_of(project)
    assert settings is not None
    assert (settings.host, settings.port) == ("graphite.example.org", 2103)
    assert settings.lookups == {"wiki": {"enwiki": "no", "dewiki": "a.b"}}


def test_a_script_is_found_by_its_own_path_and_runs_on_the_scripts(
    load: Load, tmp_path: Path
) -> None:
    config = "reports: {sizes: {type: script, execute: bin/sizes.sh, granularity: days, starts: 2015-01-01}}"
    load(config, **{"bin/sizes.sh": "#!/bin/sh\n"})
    project = load_project(Path(), jobs=7)
    report = the_report(project)
    assert report.execute == tmp_path / "bin/sizes.sh"
    assert report.template is None
    assert report.database == Scripts(concurrency=7)


def test_all_scripts_run_on_one_database(load: Load) -> None:
    project = load(
        "defaults: {type: script, execute: s, granularity: days, starts: 2015-01-01}\nreports: {a: , b: {}}",
        s="#!/bin/sh\n",
    )
    first, second = project.reports
    assert first.database == second.database


def test_an_sqlite_path_is_relative_to_the_project(load: Load, tmp_path: Path) -> None:
    report = the_report(load(TOP + "reports: {a: {}}"))
    assert report.database == SqliteDatabase(name="lite", path=tmp_path / "data/events.sqlite")


def test_a_creds_file_may_begin_with_a_tilde(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    database = the_report(
        load(
            "databases: {m: {host: db1.example.org, creds_file: ~/.my.cnf}}\n"
            "reports: {a: {db: m, granularity: days, starts: 2015-01-01, execute: q}}"
        )
    ).database
    assert isinstance(database, MysqlDatabase)
    assert database.creds_file == Path("/home/someone/.my.cnf")


DEFAULTS = """\
databases: {lite: {engine: sqlite, path: x}}
defaults:
  db: lite
  granularity: days
  starts: 2015-01-02
  ends: 2016-01-01
  lag: 60
  execute: q
  explode_by: {wiki: enwiki}
  max_data_points: 10
  schedule: "@daily"
  backfill: {max_intervals: 4}
  group: analytics
  timeout: 5
  graphite: {path: a, metrics: {b: c}}
reports:
  a: {%s}
"""


def test_defaults_give_what_a_report_lacks(load: Load) -> None:
    report = the_report(load(DEFAULTS % ""))
    assert (report.lag, report.max_data_points, report.group) == (
        timedelta(minutes=1),
        10,
        "analytics",
    )
    assert report.dimensions == (Dimension("wiki", ("enwiki",)),)
    assert metrics(report) is not None


def test_a_report_replaces_a_default_as_a_whole(load: Load) -> None:
    report = the_report(
        load(DEFAULTS % "explode_by: {skin: vector}, graphite: {path: x, metrics: {y: z}}, lag: 1")
    )
    assert report.dimensions == (Dimension("skin", ("vector",)),)
    assert metrics(report) is not None
    assert GraphiteSink().output(report).columns == {"y": "z"}
    assert report.lag == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        ("explode_by: {}", "dimensions", ()),
        ("explode_by: null", "dimensions", ()),
        ("max_data_points: null", "max_data_points", None),
        ("schedule: null", "schedule", None),
        ("backfill: null", "max_intervals", None),
        ("backfill: {}", "max_intervals", None),
        ("max_data_points: ", "max_data_points", None),
        ("lag: 0", "lag", timedelta(0)),
        ("lag: ~", "lag", timedelta(0)),
        ("graphite: null", "outputs", {}),
        ("group: null", "group", None),
        ("timeout: null", "timeout", 21600.0),
        ("ends: null", "ends", None),
    ],
)
def test_a_report_undoes_a_default(load: Load, keys: str, name: str, value: object) -> None:
    assert getattr(the_report(load(DEFAULTS % keys)), name) == value


def test_null_sections_count_as_empty(load: Load) -> None:
    report = "a: {type: script, execute: s, granularity: days, starts: 2015-01-01}"
    project = load(
        f"databases:\ndefaults: ~\ngraphite: null\nreports: {{{report}}}", s="#!/bin/sh\n"
    )
    the_report(project)
    assert graphite_of(project) is None


def test_graphite_needs_no_host_and_a_report_needs_no_graphite_of_the_project(load: Load) -> None:
    graphite = "reports: {a: {graphite: {path: x, metrics: {a: b}}}}"
    assert metrics(the_report(load(TOP + graphite))) is not None
    project = load(TOP + "graphite: {port: 2004}\n" + graphite)
    assert project.problems == ()
    settings = graphite_of(project)
    assert settings is not None
    assert (settings.host, settings.port) == (None, 2004)


def test_merge_keys_and_aliases_share_what_reports_have_in_common(load: Load) -> None:
    project = load(
        TOP.replace("lite: {", "lite: &lite {").replace("}}\n", "}, again: *lite}\n", 1)
        + "reports:\n"
        "  a: &a {lag: 5, explode_by: &wikis {wiki: [enwiki, dewiki]}}\n"
        "  b: {<<: *a, lag: 6, db: again}\n"
        "  c: {explode_by: {<<: *wikis, skin: vector}}\n"
    )
    assert project.problems == ()
    a, b, c = project.reports
    assert (a.lag, b.lag, c.lag) == (timedelta(seconds=5), timedelta(seconds=6), timedelta(0))
    assert a.dimensions == b.dimensions
    assert [dimension.name for dimension in c.dimensions] == ["skin", "wiki"]
    assert (a.database.name, b.database.name) == ("lite", "again")


def test_reports_stand_in_the_order_of_the_file(load: Load) -> None:
    project = load(TOP + "reports: {z: {}, a: {lag: x}, 1: {}, null: {}}")
    assert project.names == ("z", "a", "1", "null")
    assert [report.name for report in project.reports] == ["z", "1", "null"]


@pytest.mark.parametrize("text", ["\ufeff{}", "{}\n", "# Größe\n{}"])
def test_the_file_is_utf8_with_or_without_a_byte_order_mark(load: Load, text: str) -> None:
    the_report(load(text.format(TOP + "reports: {a: {}}")))


def test_the_config_may_lie_elsewhere_and_its_paths_stay_the_projects(
    load: Load, tmp_path: Path
) -> None:
    load("{}", **{"other/one.yaml": TOP + "reports: {a: {}, b: {execute: q2}}"})
    project = load_project(Path(), Path("other/one.yaml"))
    assert project.config_path == Path("other/one.yaml")
    assert [str(problem) for problem in project.problems] == [
        "other/one.yaml:3:31: report 'b' has no query file q2.sql ('q.sql' is there)"
    ]
    assert project.reports[0].execute == tmp_path / "q.sql"


def test_paths_in_messages_are_as_the_user_gave_them(load: Load, tmp_path: Path) -> None:
    load(TOP + "reports: {a: {execute: gone, explode_by: {wiki: no.txt}}}")
    (tmp_path / "link").symlink_to(tmp_path)
    project = load_project(tmp_path / "link")
    assert [str(problem.where) for problem in project.problems] == [
        f"{tmp_path}/link/config.yaml:3:24",
        f"{tmp_path}/link/config.yaml:3:49",
    ]
    assert f"{tmp_path}/link/gone.sql" in project.problems[0].what


def test_what_is_not_there_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def message(folder: str, config: str | None = None) -> str:
        with pytest.raises(UsageError) as error:
            load_project(Path(folder), Path(config) if config else None)
        return str(error.value)

    hint = "(a project is a folder with config.yaml)"
    assert message("gone") == f"gone: there is no such folder {hint}"
    Path("file").touch()
    assert message("file") == f"file: is not a folder {hint}"
    Path("project").mkdir()
    assert message("project") == f"project/config.yaml: there is no such file {hint}"
    assert message("project", "other.yaml") == "other.yaml: there is no such file"
    Path("project/config.yml").touch()
    assert (
        message("project") == "project/config.yaml: there is no such file ('config.yml' is there)"
    )
    assert message("project", "project") == "project: cannot be read: Is a directory"
