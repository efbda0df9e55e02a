"""Intervals that fail are tried again after a back-off: an hour, doubling to a day."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

BAD = "SELECT '{from_date}' AS date, abs(-9223372036854775808) AS n"
NOW = "2025-01-02"


def project(folder: Path, keys: str = "") -> Project:
    return Project(folder, SQLITE + f"reports: {{edits: {{{keys}}}}}\n", {"edits.sql": BAD})


def failing(one: Project) -> list[tuple[int, timedelta | None]]:
    """How often each interval has failed, and how long it waits."""
    path = one.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT times, last_at, retry_at FROM failing ORDER BY start")
        return [(times, _wait(last, retry)) for times, last, retry in found]


def _wait(last: str, retry: str) -> timedelta | None:
    if not retry:
        return None
    return datetime.fromisoformat(retry) - datetime.fromisoformat(last)


def pass_time(one: Project) -> None:
    """Let the back-off be over."""
    path = one.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE failing SET retry_at = last_at")


def test_a_failing_interval_is_tried_after_an_hour_then_two_and_at_last_each_day(
    tmp_path: Path,
) -> None:
    one = project(tmp_path)
    hours = []
    for times in range(1, 8):
        assert "failed: edits [2025-01-01," in one.run(now=NOW, code=1)
        said = one.run(now=NOW, code=1)
        assert "0 failed" in said
        assert "1 interval of edits: failed, the last time at " in said
        assert " UTC on, or with --report: 2025-01-01: " in said
        ((often, wait),) = failing(one)
        assert often == times
        assert wait is not None
        hours.append((wait + timedelta(minutes=5)) / timedelta(hours=1))
        pass_time(one)
    assert hours == [1, 2, 4, 8, 16, 24, 24]
    shown = one.call("status", one.folder, one.output, "--now", NOW, code=1).stdout
    assert "edits" in shown


def test_what_is_asked_for_by_name_or_changed_does_not_wait(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now=NOW, code=1)
    assert "1 failed" in one.run("--report", "edits", now=NOW, code=1)
    assert "1 failed" in one.run("--since", "2025-01-01", now=NOW, code=1)
    assert "0 failed" in one.run(now=NOW, code=1)
    shown = one.call("plan", one.folder, one.output, "--now", NOW).stdout
    assert "1 that failed, to be tried again later: 2025-01-01" in shown
    one.write("edits.sql", ONE)
    assert one.run(now=NOW) == ""
    assert failing(one) == []


def test_a_changed_query_that_fails_waits_for_an_hour_again(tmp_path: Path) -> None:
    one = project(tmp_path)
    for _ in range(4):
        one.run("--report", "edits", now=NOW, code=1)
    one.write("edits.sql", BAD + " -- better?")
    one.run(now=NOW, code=1)
    assert failing(one) == [(5, timedelta(minutes=55))]


def test_a_rerun_that_fails_waits_and_a_new_request_does_not(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write("edits.sql", ONE)
    one.run(now=NOW)
    one.write("edits.sql", BAD)
    ask = ("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", "2025-01-02")
    one.call(*ask, "--now", NOW)
    assert "1 failed" in one.run(now=NOW, code=1)
    assert "0 failed" in one.run(now=NOW, code=1)
    one.call(*ask, "--now", NOW)
    assert "1 failed" in one.run(now=NOW, code=1)
    assert "0 failed" in one.run(now=NOW, code=1)
    one.write(".reruns/again", "2025-01-01\n2025-01-02\n")
    assert "1 failed" in one.run(now=NOW, code=1)
    assert one.dates("edits") == ["2025-01-01"]


def test_others_go_on_and_what_is_ordered_waits_with_the_failing_one(tmp_path: Path) -> None:
    one = project(tmp_path, "ordered: true")
    one.run(now=NOW, code=1)
    said = one.run(now="2025-01-04", code=1)
    assert "0 done, 0 empty, 0 failed" in said
    assert "1 interval of edits: failed" in said
    one.write("config.yaml", SQLITE + "reports: {edits: {}}\n")
    assert "2 failed" in one.run(now="2025-01-04", code=1)


def test_a_server_that_is_out_of_reach_is_no_failure_of_the_interval(tmp_path: Path) -> None:
    config = (
        "databases: {far: {host: 127.0.0.1, port: 1, creds_file: my.cnf}}\n"
        "defaults: {db: far, granularity: days, starts: 2025-01-01}\n"
        "reports: {edits: {retries: 0}}\n"
    )
    one = Project(tmp_path, config, {"edits.sql": ONE, "my.cnf": "[client]\nuser=u\n"})
    for _ in range(2):
        assert "1 failed" in one.run(now=NOW, code=1)
    assert failing(one) == [(2, None)]
