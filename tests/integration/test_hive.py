"""Whole runs of projects with HiveQL, as projects write it, compared with plain Python."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ONE, Project, Rows, patient, wait_until, written
from tests.servers.kerberos import Realm
from tests.servers.spark import Spark, sleeping

WIKIS = ("commonswiki", "dewiki", "enwiki", "hewiki", "wikidatawiki")
DAYS = 20
START = datetime(2025, 1, 25)

DAILY = """\
-- How many sessions began and were saved; it's the "first" action of a session that counts.
-- Größe: ½; 'é';
WITH actions AS (
    SELECT
        wiki, `date`, event.session AS session, event.action AS action, event.bytes AS bytes,
        -- the order; in which they came
        row_number() OVER (PARTITION BY wiki, event.session ORDER BY event.number) AS place
    FROM edits
    WHERE year = {year} AND month = {month} AND day = {day} /* it's one; of many */
)
SELECT
    `date`,
    wiki,
    count(*) AS actions,
    sum(IF(place = 1 AND action = 'init', 1, 0)) AS `began; init`,
    count(DISTINCT IF(action = 'save', session, NULL)) AS saved,
    CAST(avg(bytes) AS DECIMAL(20, 8)) AS bytes,
    max(bytes) > 900 AS large
FROM actions
GROUP BY `date`, wiki
ORDER BY wiki;
"""

MONTHLY = """\
SET reports.name=what's saved;
SELECT '{from_date}' AS `date`, count(*) AS saved, max(event.bytes) AS largest
FROM edits
WHERE year = {year} AND month = {month} AND wiki = '{wiki}' AND event.action = 'save'
HAVING count(*) > 0
"""

Event = dict[str, Any]


def events() -> Iterator[Event]:
    """A few hundred events, the same each time, with days on which some wikis have none."""
    actions = ("init", "save", "abort")
    for day in range(DAYS):
        date = START + timedelta(days=day)
        for place, wiki in enumerate(WIKIS):
            for number in range((day * 7 + place * 3) % 11):
                yield {
                    "wiki": wiki,
                    "date": date.date().isoformat(),
                    "event": {
                        "session": f"s{number % 4}",
                        "action": actions[(number + day + place) % 3],
                        "number": number,
                        "bytes": (number * 137 + day * 31 + place * 7) % 1000,
                    },
                    "year": date.year,
                    "month": date.month,
                    "day": date.day,
                }


def expected_of_day(date: str) -> Rows:
    """The rows of a day, by plain Python."""
    rows: Rows = []
    for wiki in WIKIS:
        mine = [row["event"] for row in events() if (row["date"], row["wiki"]) == (date, wiki)]
        if mine:
            first = {event["session"]: event["action"] for event in reversed(mine)}
            saved = {event["session"] for event in mine if event["action"] == "save"}
            sizes = [event["bytes"] for event in mine]
            large = "true" if max(sizes) > 900 else "false"
            began = Counter(first.values())["init"]
            mean = f"{sum(sizes) / len(sizes):.8f}"
            counts = [str(len(mine)), str(began), str(len(saved))]
            rows.append([date, wiki, *counts, mean, large])
    return rows


def expected_of_month(date: str, wiki: str) -> Rows:
    """The row of a month and a wiki, by plain Python."""
    sizes = [
        row["event"]["bytes"]
        for row in events()
        if row["wiki"] == wiki and row["date"][:7] == date[:7] and row["event"]["action"] == "save"
    ]
    return [[date, str(len(sizes)), str(max(sizes))]]


@pytest.fixture(scope="module")
def edits(spark: Spark, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The events, in a partitioned table with a struct."""
    path: Path = tmp_path_factory.mktemp("events") / "events.json"
    path.write_text("".join(json.dumps(event) + "\n" for event in events()))
    spark.execute(
        "CREATE DATABASE IF NOT EXISTS events",
        "CREATE TABLE events.edits USING parquet PARTITIONED BY (year, month, day)"
        f" AS SELECT wiki, `date`, event, year, month, day FROM json.`file://{path}`",
    )


def hive_host(parent: Path, spark: Spark, keys: str = "") -> tuple[str, Path]:
    """The arguments that lead a run to the server."""
    entry = f"engine: hive, host: {spark.host}, port: {spark.port}, database: events, {keys}"
    return "--host-config", written(parent / "host.yaml", f"databases: {{hive: {{{entry}}}}}\n")


def test_reports_over_event_tables_hold_what_plain_python_finds(
    spark: Spark, edits: None, tmp_path: Path
) -> None:
    dates = [(START + timedelta(days=day)).date().isoformat() for day in range(DAYS + 1)]
    config = f"""
defaults: {{type: hive, starts: {dates[0]}}}
reports:
  daily: {{granularity: days, ends: {dates[-1]}}}
  monthly: {{granularity: months, explode_by: {{wiki: "{", ".join(WIKIS)}"}}}}
"""
    project = Project(tmp_path, config, {"daily.hql": DAILY, "monthly.hql": MONTHLY})
    assert project.run(*hive_host(tmp_path, spark), now="2025-03-01") == ""
    header, *rows = project.rows("daily")
    assert header == ["date", "wiki", "actions", "began; init", "saved", "bytes", "large"]
    assert rows == [row for date in dates[:-1] for row in expected_of_day(date)]
    assert dates[:-1] == sorted({row[0] for row in rows})
    for wiki in WIKIS:
        assert project.rows(f"monthly/{wiki}") == [
            ["date", "saved", "largest"],
            *expected_of_month("2025-01-01", wiki),
            *expected_of_month("2025-02-01", wiki),
        ]


def test_an_error_of_a_query_is_told_and_other_reports_go_on(
    spark: Spark, edits: None, tmp_path: Path
) -> None:
    config = """
defaults: {type: hive, starts: 2025-01-01, granularity: days}
reports: {absent: {}, wrong: {}, right: {}}
"""
    queries = {
        "absent.hql": "SELECT * FROM nowhere",
        "wrong.hql": "SELEC 1",
        "right.hql": "SELECT '{from_date}' AS `date`, 1 AS n;",
    }
    project = Project(tmp_path, config, queries)
    said = project.run(*hive_host(tmp_path, spark), code=1, now="2025-01-03")
    assert "The table or view `nowhere` cannot be found" in said
    assert "check the table's name" in said
    assert "Syntax error at or near 'SELEC'" in said
    assert "org.apache" not in said
    assert project.dates("right") == ["2025-01-01", "2025-01-02"]


@pytest.mark.parametrize(("how", "code"), [("timeout", 1), ("signal", 143)])
def test_a_query_that_is_stopped_stops_on_the_server(
    spark: Spark, edits: None, tmp_path: Path, how: str, code: int
) -> None:
    keys = "timeout: 2, retries: 0" if how == "timeout" else ""
    config = f"""
reports:
  slow: {{type: hive, granularity: days, starts: 2025-01-01, ends: 2025-01-02, {keys}}}
"""
    project = Project(tmp_path, config, {"slow.hql": sleeping(300)})
    with project.started(*hive_host(tmp_path, spark)) as run:
        wait_until(lambda: spark.running() == [sleeping(300)])
        if how == "signal":
            run.signal(signal.SIGTERM)
        said = run.ended(code, within=patient(10))
    wait_until(lambda: spark.running() == [])
    if how == "timeout":
        assert re.search(r"stopped after 2 s|the server stopped it after 2 s", said)


def test_without_a_ticket_no_hive_task_bothers_anybody_and_others_go_on(
    realm: Realm, tmp_path: Path
) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults: {starts: 2025-01-01, granularity: days}
reports: {views: {type: hive, explode_by: {wiki: "a, b"}}, edits: {type: hive}, near: {db: local}}
"""
    queries = {"views.hql": ONE, "edits.hql": ONE, "near.sql": ONE}
    project = Project(tmp_path, config, queries)
    keys = "databases: {hive: {engine: hive, host: nowhere.invalid, auth: KERBEROS}}"
    host = "--host-config", written(tmp_path / "host.yaml", keys)
    said = project.run(*host, code=1, environment=realm.environment)
    told = re.findall(r"failed: (.*?), .* there is no Kerberos ticket that is good: .*kinit", said)
    assert told == ["6 of views", "3 of edits"]
    assert "nowhere.invalid" not in said
    assert len(project.dates("near")) == 3
    assert not project.tsv("edits").exists()
