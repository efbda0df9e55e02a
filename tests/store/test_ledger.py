"""The history: what is noted, and for how long."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from reportupdater.errors import StateError
from reportupdater.store import ledger, status
from reportupdater.store.state import State

NOW = datetime(2015, 6, 1, 12)
DAY = timedelta(days=1)


def run(state: State, at: datetime, project: str = "/srv/a/config.yaml") -> int:
    return ledger.begin_run(state, project, at)


def note(
    state: State,
    number: int,
    at: datetime,
    *,
    tsv: str = "r.tsv",
    start: str = "2015-01-01",
    error: str | None = None,
) -> None:
    with state.transaction() as connection:
        attempt = ledger.Attempt(
            series=state.series_id(connection, tsv, "r"),
            start=start,
            reason="missing",
            seconds=1.23456,
            rows=None if error else 3,
            error=error,
        )
        ledger.note(connection, number, at, [attempt])


def query(state: State, text: str) -> list[tuple[Any, ...]]:
    with state.reading() as connection:
        return connection.execute(text).fetchall()


def test_an_attempt_is_noted(state: State) -> None:
    number = run(state, NOW)
    note(state, number, NOW + timedelta(seconds=1.5))
    note(state, number, NOW + timedelta(seconds=2), error="no such table")
    assert query(
        state, "SELECT start, failed, at, run, reason, seconds, rows, error FROM attempts"
    ) == [
        ("2015-01-01", 0, "2015-06-01T12:00:01.500Z", number, "missing", 1.235, 3, None),
        (
            "2015-01-01",
            1,
            "2015-06-01T12:00:02.000Z",
            number,
            "missing",
            1.235,
            None,
            "no such table",
        ),
    ]


def test_attempts_are_kept_for_90_days_and_the_last_of_each_kind_for_ever(state: State) -> None:
    old = run(state, NOW - 200 * DAY)
    for days in (190, 180, 170, 91, 89, 2):
        note(state, old, NOW - days * DAY, start="2015-01-01")
        note(state, old, NOW - days * DAY, start="2015-01-01", error="lost")
    for days in (190, 180):  # the last success and the last failure are old
        note(state, old, NOW - days * DAY, start="2015-01-02")
        note(state, old, NOW - (days + 1) * DAY, start="2015-01-02", error="lost")
    note(state, old, NOW - 180 * DAY, tsv="other.tsv", start="2015-01-01")
    ledger.end_run(state, run(state, NOW), NOW, 0, {})
    kept = query(state, "SELECT tsv, start, failed, at FROM attempts JOIN series ON id = series")
    assert sorted((tsv, start, failed, _days_ago(at)) for tsv, start, failed, at in kept) == [
        ("other.tsv", "2015-01-01", 0, 180),
        ("r.tsv", "2015-01-01", 0, 2),
        ("r.tsv", "2015-01-01", 0, 89),
        ("r.tsv", "2015-01-01", 1, 2),
        ("r.tsv", "2015-01-01", 1, 89),
        ("r.tsv", "2015-01-02", 0, 180),
        ("r.tsv", "2015-01-02", 1, 181),
    ]


def _days_ago(at: str) -> int:
    return (NOW - datetime.fromisoformat(at.removesuffix("Z"))).days


def test_nothing_is_let_go_within_90_days(state: State) -> None:
    first = run(state, NOW - 90 * DAY)
    for days in (90, 50, 1):
        note(state, first, NOW - days * DAY)
    ledger.end_run(state, run(state, NOW), NOW, 0, {})
    assert query(state, "SELECT count(*) FROM attempts") == [(3,)]
    assert query(state, "SELECT count(*) FROM runs") == [(2,)]


def test_runs_are_kept_for_90_days_and_the_last_of_each_project_for_ever(state: State) -> None:
    for days in (300, 200, 91, 89):
        ledger.end_run(state, run(state, NOW - days * DAY), NOW - days * DAY, 0, {})
    for days in (300, 200):
        number = run(state, NOW - days * DAY, "/srv/gone/config.yaml")
        ledger.end_run(state, number, NOW - days * DAY, 0, {})
    ledger.end_run(state, run(state, NOW), NOW, 0, {})
    kept = query(state, "SELECT project, started FROM runs ORDER BY project, started")
    assert [(project, _days_ago(started)) for project, started in kept] == [
        ("/srv/a/config.yaml", 89),
        ("/srv/a/config.yaml", 0),
        ("/srv/gone/config.yaml", 200),
    ]


def test_the_last_ended_run_of_each_project_is_told(state: State) -> None:
    for minute, (project, code) in enumerate([("a", 1), ("b", 0), ("a", 0)]):
        at = NOW + timedelta(minutes=minute)
        ledger.end_run(state, run(state, at, project), at + DAY, code, {"done": minute, "é": "ü"})
    run(state, NOW + DAY, "a")  # which was killed, or goes on
    with state.reading() as connection:
        last = ledger.last_runs(connection)
    assert last == {
        "a": {
            "started": "2015-06-01T12:02:00.000Z",
            "ended": "2015-06-02T12:02:00.000Z",
            "exit_code": 0,
            "done": 2,
            "é": "ü",
        },
        "b": {
            "started": "2015-06-01T12:01:00.000Z",
            "ended": "2015-06-02T12:01:00.000Z",
            "exit_code": 0,
            "done": 1,
            "é": "ü",
        },
    }


def test_status_json_tells_the_same_to_who_cannot_open_the_state(state: State) -> None:
    ledger.end_run(state, run(state, NOW), NOW, 1, {"failures": ["é"]})
    status.write(state)
    text = (state.folder / "status.json").read_text(encoding="utf-8")
    with state.reading() as connection:
        last = ledger.last_runs(connection)
    assert json.loads(text) == {
        "version": 1,
        "projects": last,
        "reports": {},
        "datapoints_waiting": {},
    }
    assert "é" in text
    assert text.endswith("}\n")


def test_a_status_that_cannot_be_written_is_told(state: State) -> None:
    path = state.folder / "status.json"
    path.mkdir()
    with pytest.raises(StateError) as caught:
        status.write(state)
    assert (
        str(caught.value)
        == f"{path}: the status cannot be written: Is a directory (something else stands there: move it away)"
    )
    assert {one.name for one in state.folder.iterdir()} >= {"status.json", "state.sqlite"}
    assert not list(state.folder.glob(".*"))
