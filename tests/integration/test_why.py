"""`why`: the life of an interval, and the one thing to do next."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ONE, SQLITE, Project
from tests.servers.mariadb import free_port
from tests.servers.receivers import reads_all, receiver
from tests.state.versions import VERSION_1_WITH_VERSIONS, made

WIKIS = "explode_by: {wiki: 'enwiki, dewiki'}"


def project(tmp_path: Path, report: str = WIKIS, top: str = "") -> Project:
    return Project(tmp_path, f"{top}{SQLITE}reports: {{edits: {{{report}}}}}\n", {"edits.sql": ONE})


def why(one: Project, *more: str, now: str = "2025-01-04") -> list[dict[str, Any]]:
    line: list[str | Path] = ["why", one.folder, one.output, "edits", "--json", "--now", now, *more]
    found = json.loads(one.call(*line).stdout)["intervals"]
    assert isinstance(found, list)
    return found


def text(one: Project, *more: str, now: str = "2025-01-04") -> str:
    return one.call("why", one.folder, one.output, "edits", "--now", now, *more).stdout


def test_the_newest_and_the_first_that_is_missing(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.output.mkdir(exist_ok=True)
    assert [(i["start"], i["due"], i["next"]) for i in why(one)] == [
        (day, "missing", "the next run computes it") for day in ("2025-01-01", "2025-01-03")
    ]
    one.run(now="2025-01-04")
    (found,) = why(one)
    assert (found["tsv"], found["start"], found["due"]) == ("edits/enwiki.tsv", "2025-01-03", None)
    assert (found["not_due"], found["next"]) == ("it is done", None)
    assert found["rows"] == [["2025-01-03", "1"]]
    (found,) = why(one, "--only", "wiki=dewiki")
    assert found["dimensions"] == {"wiki": "dewiki"}
    assert text(one).endswith("next: nothing, all is well\n")


@pytest.mark.parametrize(
    ("date", "report", "not_due"),
    [
        ("2025-01-04", WIKIS, "it is not over yet"),
        ("2024-12-31", WIKIS, "it lies outside of `starts` and `ends`"),
        ("2025-01-03", f"{WIKIS}, lag: 86400", "its `lag` has not passed"),
        ("2025-01-01", f"{WIKIS}, max_data_points: 1", "it is older than `max_data_points` keeps"),
        (
            "2025-01-03",
            f"{WIKIS}, schedule: '0 5 * * 1'",
            "its report's schedule has not ticked since",
        ),
    ],
)
def test_why_it_is_not_due(tmp_path: Path, date: str, report: str, not_due: str) -> None:
    one = project(tmp_path, report)
    one.run(now="2025-01-03")
    (found,) = why(one, "--date", date)
    assert (found["due"], found["not_due"]) == (None, not_due)


def test_a_failing_interval(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write("edits.sql", "SELECT nope")
    one.run(now="2025-01-02", code=1)
    (found,) = why(one, "--date", "2025-01-01")
    assert "no such column: nope" in found["attempts"][0]["error"]
    assert found["not_due"] == "it has failed, and is tried again later"
    assert found["next"] == "fix the error; a run with `--report edits` tries it at once"
    said = text(one, "--date", "2025-01-01", "--query")
    assert "failed last at " in said
    assert said.endswith("query:\nSELECT nope\n")


def test_a_held_interval_and_every_former_value(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    between = ("--since", "2025-01-01", "--until", "2025-01-02", "--only", "wiki=enwiki")
    one.write("edits.sql", "SELECT '{from_date}' AS date, 2 AS n")
    one.call("rerun", one.folder, one.output, *between)
    said = one.run("-l", "info", now="2025-01-03")
    assert "edits wiki=enwiki [2025-01-01, 2025-01-02): n 1 → 2\n" in said
    one.write("edits.sql", ONE + " WHERE 0")
    one.call("rerun", one.folder, one.output, *between)
    one.run(now="2025-01-03", code=1)
    asked = ("--date", "2025-01-01", "--only", "wiki=enwiki")
    (found,) = why(one, *asked)
    assert found["held"]["check"] == "vanished"
    assert found["not_due"] == "its result failed a check and is held"
    assert found["is_older"]
    assert [(r["number"], r["reason"], r["rows"]) for r in found["revisions"]] == [
        (2, "rerun", [["2025-01-01", "1"]])
    ]
    said = text(one, *asked)
    assert "  n 1 → 2\n" in said
    assert "by an older query" in said
    assert "next: look at `reportupdater held` with `--report edits --rows`" in said
    one.call("accept", one.folder, one.output)
    said = text(one, *asked)
    assert "accepted\n  n 2 → -\n" in said


def test_what_the_sinks_have(tmp_path: Path) -> None:
    sink = "graphite: {path: 'x.{_metric}', metrics: {n: n}}"
    port = free_port()
    one = project(
        tmp_path, sink, f"graphite: {{host: 127.0.0.1, port: {port}, drain_timeout: 1}}\n"
    )
    one.run("--no-send", now="2025-01-02")
    (found,) = why(one, "--date", "2025-01-01")
    (point,) = found["datapoints"]
    assert (point["key"], point["value"], point["state"]) == ("x.n", "1", "unsent")
    assert (point["date"], point["destination"]) == (
        "2025-01-01T00:00Z",
        f"graphite://127.0.0.1:{port}",
    )
    assert found["next"] == "`reportupdater resend` with `--report edits` sends its values"
    one.call("resend", one.folder, one.output, code=1)
    (found,) = why(one, "--date", "2025-01-01")
    assert found["datapoints"][0]["state"] == "pending"
    with receiver(reads_all, port=port):
        one.run("--send", now="2025-01-02")
    (found,) = why(one, "--date", "2025-01-01")
    assert found["datapoints"][0]["state"] == "acknowledged"
    assert found["next"] is None


def test_what_cannot_be_shown_is_an_error(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-02")
    line = ("why", one.folder, one.output)
    assert "has no report 'edit' (did you mean 'edits'?)" in one.call(*line, "edit", code=2).stderr
    said = one.call(*line, "edits", "--now", "2025-01-01", code=2).stderr
    assert "no interval is over yet (--date names another one)" in said
    said = one.call(*line, "edits", "--only", "wiki=frwiki", code=2).stderr
    assert "frwiki" in said


def test_a_damaged_tsv_is_shown_with_its_line(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-02")
    one.write_tsv("edits/enwiki", "date\tn\n2025-01-01\n")
    (found,) = why(one, "--date", "2025-01-01")
    assert "enwiki.tsv:2: 1 column where the header has 2" in found["trouble"]
    assert found["next"] == "fix the TSV: its file and line are named above"


@pytest.mark.parametrize("version", [1, 6])
def test_the_state_of_an_older_version_is_read_as_far_as_it_goes(
    tmp_path: Path, version: int
) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-04")
    path = one.output / ".reportupdater" / "state.sqlite"
    if version == 1:
        made(one.output, VERSION_1_WITH_VERSIONS)
    else:
        with closing(sqlite3.connect(path)) as connection, connection:
            for table in ("queries", "computed", "revisions", "renamed", "successes", "waits"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("DROP TABLE emptied")
            connection.execute(
                "CREATE TABLE emptied (series INTEGER, start TEXT, PRIMARY KEY (series, start))"
            )
            connection.execute("INSERT INTO emptied VALUES (1, '2025-01-01')")
            connection.execute("PRAGMA user_version = 6")
    before = path.read_bytes()
    (found,) = why(one)
    assert (found["start"], found["rows"], found["revisions"]) == (
        "2025-01-03",
        [["2025-01-03", "1"]],
        [],
    )
    now = ("--now", "2025-01-04")
    one.call("status", one.folder, one.output, *now)
    one.call("plan", one.folder, one.output, *now)
    one.call("drift", one.folder, one.output)
    one.call("held", one.folder, one.output)
    assert path.read_bytes() == before
    one.run(now="2025-01-05")
    (found,) = why(one, now="2025-01-05")
    assert found["digest"]
