"""Readiness: an interval is computed when its data are complete, and waits until then."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reportupdater import Request, run
from reportupdater.config.load import load_project
from reportupdater.execution import readiness
from reportupdater.execution.execute import Execution
from reportupdater.planning.due import Due
from tests.helpers import ONE, SQLITE, Project, wiki_databases, written
from tests.servers.mariadb import Mariadb, free_port
from tests.servers.spark import Spark

LATE = "SELECT count(*) FROM done WHERE day >= '{to_date}'"


def project(tmp_path: Path, ready: str, more: str = "", reports: str = "") -> Project:
    report = f"edits: {{ready: [{ready}]{more}}}"
    one = Project(
        tmp_path,
        f"{SQLITE}reports: {{{report}{reports}}}\n",
        {"edits.sql": ONE, "views.sql": ONE, "weekly.sql": ONE},
    )
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source, source:
        source.execute("CREATE TABLE done (day TEXT)")
    return one


def come(one: Project, day: str) -> None:
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source, source:
        source.execute("INSERT INTO done VALUES (?)", (day,))


def status(one: Project, now: str, code: int = 0) -> dict[str, Any]:
    line = ("status", one.folder, one.output, "--now", now, "--json", "--series")
    found: dict[str, Any] = json.loads(one.call(*line, code=code).stdout)["reports"][0]
    return found


def test_it_waits_for_a_query_whose_first_cell_is_true(tmp_path: Path) -> None:
    one = project(tmp_path, f'{{query: "{LATE}"}}')
    come(one, "2025-01-02")
    said = one.run("-l", "info", now="2025-01-04")
    assert "1 done, 0 empty, 0 failed, 2 not ready\n" in said
    assert (
        "not ready: 2 of edits, the first is edits [2025-01-02, 2025-01-03): waits for query SELECT"
        in said
    )
    assert one.dates("edits") == ["2025-01-01"]
    assert one.run(now="2025-01-04") == ""  # which is no trouble
    said = one.call("plan", one.folder, one.output, "--now", "2025-01-04").stdout
    assert "missing 2025-01-02 to 2025-01-03 (2)" in said
    assert "not ready when asked at " in said
    (series,) = status(one, "2025-01-04")["each_series"]
    assert [wait["start"] for wait in series["waits"]] == ["2025-01-02", "2025-01-03"]
    said = one.call(
        "why", one.folder, one.output, "edits", "--now", "2025-01-04", "--date", "2025-01-02"
    ).stdout
    assert "due: missing\nnot ready: it waits for query SELECT count(*)" in said
    assert "next: nothing: a run computes it once its data are there" in said
    come(one, "2025-01-04")
    one.run(now="2025-01-04")
    assert one.dates("edits") == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert status(one, "2025-01-04")["each_series"][0]["waits"] == []


def test_after_wait_it_is_a_failure_and_computed_as_soon_as_it_is_ready(tmp_path: Path) -> None:
    one = project(tmp_path, f'{{query: "{LATE}"}}', ", wait: 2d")
    one.run(now="2025-01-02")
    assert one.run(now="2025-01-03T23:00") == ""
    assert status(one, "2025-01-03T23:00")["in_trouble"] is False  # nor is it late
    said = one.run(now="2025-01-04T01:00", code=1)
    assert "failed: edits [2025-01-01, 2025-01-02): not ready after 2 d: it waits for query" in said
    assert said.count("[2025-01-0") == 1  # the others have time
    come(one, "2025-01-09")
    one.run(now="2025-01-04T02:00")
    assert len(one.dates("edits")) == 3


def test_the_wait_counts_from_the_first_asking(tmp_path: Path) -> None:
    """A report that has just got the condition, or a long history, does not fail at once."""
    one = project(tmp_path, f'{{query: "{LATE}"}}', ", wait: 1d")
    assert one.run(now="2025-01-20") == ""
    assert one.run(now="2025-01-20T23:00") == ""
    assert "19 of edits" in one.run(now="2025-01-21", code=1)


def test_it_waits_for_a_file(tmp_path: Path) -> None:
    one = project(tmp_path, "{file: 'loaded/{year}/{month}/_SUCCESS_{day}'}")
    for day in (1, 3):
        written(one.folder / f"loaded/2025/01/_SUCCESS_0{day}", "")
    one.run(now="2025-01-04")
    assert one.dates("edits") == ["2025-01-01", "2025-01-03"]


def test_it_waits_for_another_report_and_for_what_is_held_of_it(tmp_path: Path) -> None:
    weekly = ", weekly: {granularity: weeks, ready: [{report: edits}]}"
    one = project(tmp_path, "{file: '.'}", ", explode_by: {wiki: 'a, b'}", weekly)
    one.run("--report", "edits", "--until", "2025-01-11", now="2025-01-20")
    one.run("--report", "weekly", now="2025-01-20")
    # The week that ends on the 11th lacks its last day; of the one before there is no more.
    assert one.dates("weekly") == ["2024-12-29"]
    one.run("--report", "edits", "--until", "2025-01-12", now="2025-01-20")
    assert "1 done" in one.run("-l", "info", "--report", "weekly", now="2025-01-20")
    assert one.dates("weekly") == ["2024-12-29", "2025-01-05"]
    one.write("edits.sql", ONE + " WHERE 0")
    between = ("--since", "2025-01-05", "--until", "2025-01-06", "--report", "edits")
    one.call("rerun", one.folder, one.output, *between)
    one.run("--report", "edits", "--until", "2025-01-06", now="2025-01-20", code=1)
    between = ("--since", "2025-01-05", "--until", "2025-01-12", "--report", "weekly")
    one.call("rerun", one.folder, one.output, *between)
    said = one.run("-l", "info", "--report", "weekly", now="2025-01-20")
    assert "not ready: 2 of weekly, the first is weekly [2025-01-05, 2025-01-12): waits for" in said


def test_a_series_waits_for_the_one_with_its_values(tmp_path: Path) -> None:
    views = ", views: {explode_by: {wiki: 'a, b'}, ready: [{report: edits}]}"
    one = project(tmp_path, "{file: '.'}", ", explode_by: {wiki: 'a, b'}", views)
    one.run("--report", "edits", "--only", "wiki=b", now="2025-01-03")
    one.run("--report", "views", now="2025-01-03")
    assert [*one.tsvs()] == ["edits/b.tsv", "views/b.tsv"]


def test_a_condition_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = project(
        tmp_path, f'{{query: "{LATE}"}}, {{query: "SELECT 1"}}', ", explode_by: {wiki: 'a, b'}"
    )
    come(one, "2025-01-31")
    asked: list[str] = []

    class Counted(Execution):
        def __init__(self, dues: Sequence[Due], *more: Any) -> None:
            asked.extend(
                str(due.series.report.template and due.series.report.template.text) for due in dues
            )
            super().__init__(dues, *more)

    monkeypatch.setattr(readiness, "Execution", Counted)
    now = datetime(2025, 1, 6)
    run(Request(project=one.folder, output=one.output, now=now, host_files=()))
    assert len(one.dates("edits/b")) == 5
    days = [LATE.format(to_date=f"2025-01-0{day}") for day in range(2, 7)]
    assert sorted(asked) == sorted([*days, "SELECT 1"])


def test_a_condition_that_writes_is_refused(tmp_path: Path) -> None:
    one = project(tmp_path, "{query: INSERT INTO done VALUES (1)}")
    said = one.run(now="2025-01-02", code=1)
    assert "cannot ask the condition query INSERT INTO done VALUES (1): " in said
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source:
        assert source.execute("SELECT * FROM done").fetchall() == []


@pytest.mark.parametrize(
    "query", ["SELECT 0", "SELECT ''", "SELECT 'false'", "SELECT NULL", "SELECT 1 WHERE 0"]
)
def test_what_is_not_true(tmp_path: Path, query: str) -> None:
    one = project(tmp_path, f'{{query: "{query}"}}')
    one.run(now="2025-01-02")
    assert not one.tsv("edits").exists()


def test_a_condition_that_cannot_be_asked_is_a_failure(tmp_path: Path) -> None:
    one = project(tmp_path, "{query: 'SELECT nope'}", ", retries: 0")
    said = one.run(now="2025-01-03", code=1)
    assert (
        "failed: 2 of edits, the first is edits [2025-01-01, 2025-01-02): cannot ask the condition"
        " query SELECT nope: no such column: nope" in said
    )
    config = (one.folder / "config.yaml").read_text()
    away = f"databases: {{away: {{host: 127.0.0.1, port: {free_port()}}}, "
    one.write("config.yaml", config.replace("databases: {", away).replace("nope'", "1', db: away"))
    said = one.run(now="2025-01-03", code=1)
    assert "failed: 2 of edits, the first is edits [2025-01-01, 2025-01-02): " in said
    assert "127.0.0.1" in said


@pytest.mark.parametrize(
    ("ready", "problem"),
    [
        ("{}", "condition 1 of ready of report 'edits' needs one of partition, query, file, report"),
        ("{file: a, query: b}", "needs one of partition, query, file, report"),
        ("{files: a}", "unknown key 'files' of condition 1 of ready of report 'edits' (did you mean 'file'?)"),
        ("a", "condition 1 of ready of report 'edits' must be a mapping of keys to values, not 'a'"),
        ("{file: 'a/{yaer}'}", "unknown placeholder {yaer} (did you mean 'year'?"),
        ("{query: SELECT 1, db: nope}", "'db' of condition 1 of ready of report 'edits' names 'nope'"),
        ("{partition: a.b/c=1}", "is a partition, and 'local' has engine: sqlite (only Hive and Spark"),
        ("{report: edit}", "report 'edits' waits for 'edit', which is no report of this project"),
        ("{report: edits}", "report 'edits' waits for 'edits', which waits for it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, ready: str, problem: str) -> None:
    found = load_project(project(tmp_path, ready).folder, host_files=())
    assert not found.reports
    assert any(problem in str(one) and "config.yaml:3:" in str(one) for one in found.problems), [
        *map(str, found.problems)
    ]


def test_it_waits_for_partitions_of_a_real_server(spark: Spark, tmp_path: Path) -> None:
    spark.execute(
        "CREATE DATABASE IF NOT EXISTS ready",
        "CREATE TABLE ready.events (n INT, datacenter STRING, year INT, month INT, day INT, hour INT)"
        " USING parquet PARTITIONED BY (datacenter, year, month, day, hour)",
    )

    def load(datacenter: str, day: int, hour: int = 0) -> None:
        spark.execute(
            f"INSERT INTO ready.events VALUES (5, '{datacenter}', 2025, 1, {day}, {hour})"
        )

    partition = "ready.events/datacenter={place}/year={{year}}/month={{month}}/day={{day}}"
    conditions = ", ".join(
        f"{{partition: '{partition.format(place=place)}'}}" for place in ("eqiad", "codfw")
    )
    config = f"""
databases: {{hive: {{engine: hive, host: {spark.host}, port: {spark.port}, database: ready}}}}
defaults: {{starts: 2025-01-01, granularity: days}}
reports:
  events: {{type: hive, ready: [{conditions}]}}
  hours:
    type: hive
    granularity: hours
    starts: 2025-01-02T04
    ends: 2025-01-02T06
    ready: [{{partition: "ready.events/datacenter=eqiad/year={{year}}/month={{month}}/day={{day}}/hour={{hour}}"}}]
  away: {{type: hive, ready: [{{partition: "ready.nope/year={{year}}"}}]}}
"""
    query = "SELECT '{from_date}' AS `date`, sum(n) AS n FROM events WHERE day = {day}"
    hours = "SELECT '{from_timestamp:.4}-{month}-{day} {hour}:00' AS `date`, 1 AS n"
    one = Project(tmp_path, config, {"events.hql": query, "hours.hql": hours, "away.hql": query})
    load("eqiad", 1)
    load("eqiad", 2, 4)
    load("codfw", 2)
    some = ("--report", "events", "--report", "hours")
    said = one.run("-l", "info", *some, now="2025-01-04")
    assert "2 done, 0 empty, 0 failed, 3 not ready" in said
    assert "waits for partition ready.events/datacenter=codfw/year=2025/month=01/day=01\n" in said
    assert one.rows("events")[1:] == [["2025-01-02", "10"]]
    assert one.dates("hours") == ["2025-01-02T04:00:00"]
    load("codfw", 1)
    one.run(*some, now="2025-01-04")
    assert one.dates("events") == ["2025-01-01", "2025-01-02"]
    said = one.run("--report", "away", now="2025-01-02", code=1)
    assert "failed: away [2025-01-01, 2025-01-02): " in said
    assert "nope" in said


def test_it_waits_for_a_query_of_another_database(mariadb: Mariadb, tmp_path: Path) -> None:
    with wiki_databases(mariadb, 2) as (here, there):
        entry = f"host: {mariadb.host}, port: {mariadb.port}, creds_file: {mariadb.creds_file}"
        config = f"""
databases:
  wikis: {{{entry}, wiki_db_placeholder: wiki}}
  loads: {{{entry}, db: {there}}}
defaults: {{starts: 2025-01-01, granularity: days, db: wikis}}
reports:
  edits:
    explode_by: {{wiki: [{here}, {there}]}}
    ready:
      - query: "SELECT max(until) >= '{{to_date}}' AND max(wiki = '{{wiki}}') FROM loads"
        db: loads
      - query: "SELECT database() LIKE '{{wiki}}'"
"""
        mariadb.execute(
            f"CREATE TABLE {there}.loads (wiki VARBINARY(99), until DATE)",
            f"INSERT INTO {there}.loads VALUES ('{here}', '2025-01-03')",
        )
        one = Project(tmp_path, config, {"edits.sql": ONE})
        said = one.run("-l", "info", now="2025-01-04")
        assert "2 done, 0 empty, 0 failed, 4 not ready" in said
        assert one.dates(f"edits/{here}") == ["2025-01-01", "2025-01-02"]
        assert not one.tsv(f"edits/{there}").exists()


def test_what_no_run_has_asked_about_for_a_day_is_late(tmp_path: Path) -> None:
    one = project(tmp_path, f'{{query: "{LATE}"}}', ", wait: 30d")
    one.run(now="2025-01-03T12:00")
    assert status(one, "2025-01-04T11:00")["in_trouble"] is False
    (series,) = status(one, "2025-01-04T13:00", code=1)["each_series"]
    assert series["late"]
    # Without the condition nothing waits any more.
    one.write("config.yaml", f"{SQLITE}reports: {{edits: {{}}}}\n")
    (series,) = status(one, "2025-01-04T11:00", code=1)["each_series"]
    assert series["late"]
    assert series["waits"] == []


def test_a_wait_goes_on_through_runs_that_could_not_ask_or_asked_for_others(tmp_path: Path) -> None:
    one = project(tmp_path, f'{{query: "{LATE}"}}', ", wait: 2d, retries: 0")
    one.run(now="2025-01-02")
    one.run("--since", "2025-01-02", now="2025-01-03")
    config = (one.folder / "config.yaml").read_text()
    one.write("config.yaml", config.replace("FROM done", "FROM gone"))
    one.run(now="2025-01-03T12:00", code=1)
    one.write("config.yaml", config)
    said = one.run(now="2025-01-04T01:00", code=1)
    assert "failed: edits [2025-01-01, 2025-01-02): not ready after 2 d: " in said
