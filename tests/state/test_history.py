"""The history: what is noted, and for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from reportupdater.errors import StateError
from reportupdater.state import durations, history, status
from reportupdater.state.database import State
from reportupdater.state.durations import History

NOW = datetime(2015, 6, 1, 12)
DAY = timedelta(days=1)


def run(state: State, at: datetime, project: str = "/srv/a/config.yaml") -> int:
    return history.begin_run(state, project, at)


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
        attempt = history.Attempt(
            series=state.series_id(connection, tsv, "r"),
            start=start,
            reason="missing",
            seconds=1.23456,
            rows=None if error else 3,
            error=error,
        )
        history.note(connection, number, at, [attempt])


def query(state: State, text: str) -> list[tuple[Any, ...]]:
    with state.reading() as connection:
        return connection.execute(text).fetchall()


def test_an_attempt_is_noted(state: State) -> None:
    number, other = run(state, NOW), run(state, NOW)
    note(state, number, NOW + timedelta(seconds=1.5))
    note(state, other, NOW + timedelta(seconds=2), error="no such table")
    found = query(
        state, "SELECT run, start, failed, at, reason, seconds, rows, error FROM attempts"
    )
    at = "2015-06-01T12:00:0"
    assert found == [
        (number, "2015-01-01", 0, f"{at}1.500Z", "missing", 1.235, 3, None),
        (other, "2015-01-01", 1, f"{at}2.000Z", "missing", 1.235, None, "no such table"),
    ]


def test_attempts_go_with_their_runs_after_90_days_and_sums_and_failing_intervals_stay(
    state: State,
) -> None:
    for days in (200, 91, 89):
        at = NOW - days * DAY
        number = run(state, at)
        note(state, number, at, start="2015-01-01")
        note(state, number, at, start="2015-01-02", error="lost")
        history.end_run(state, number, at, 0, {})
    history.end_run(state, run(state, NOW), NOW, 0, {})
    assert [_days_ago(at) for (at,) in query(state, "SELECT at FROM attempts")] == [89, 89]
    assert [_days_ago(at) for (at,) in query(state, "SELECT started FROM runs")] == [89, 0]
    assert durations.of_report(state, "r") == {"r.tsv": History(3, 3 * 1.235)}
    with state.reading() as connection:
        (failing,) = history.failing(connection)
    assert (failing.start, failing.times, _days_ago(failing.at)) == ("2015-01-02", 3, 89)
    assert query(state, "SELECT first_at, last_at FROM failing") == [
        (history.stamp(NOW - 200 * DAY), history.stamp(NOW - 89 * DAY))
    ]
    assert query(state, "PRAGMA foreign_key_check") == []


def test_a_run_lets_go_of_a_bounded_number_of_attempts_and_of_two_for_each_it_notes(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_LET_GO", 3)
    old = run(state, NOW - 100 * DAY)
    for day in range(1, 11):
        note(state, old, NOW - 100 * DAY, start=f"2015-01-{day:02}")
    now = run(state, NOW)
    left = "SELECT count(*) FROM attempts WHERE run = 1"
    note(state, now, NOW)
    assert query(state, left) == [(8,)]
    for expected in (5, 2, 0, 0):
        history.end_run(state, now, NOW, 0, {})
        assert query(state, left) == [(expected,)]
        assert query(state, "PRAGMA foreign_key_check") == []
    assert query(state, "SELECT id FROM runs") == [(now,)]


@pytest.mark.parametrize("days", [1, 200], ids=["young", "old"])
def test_what_ending_a_run_costs_does_not_grow_with_the_history(state: State, days: int) -> None:
    steps = []
    for attempts in (0, 100_000):
        at = NOW - days * DAY
        number = run(state, at)
        with state.transaction() as connection:
            connection.execute(
                "INSERT INTO attempts (run, series, start, failed, at, reason, seconds, rows)"
                " WITH RECURSIVE days (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM days"
                " WHERE n < ?) SELECT ?, n % 10, n, 0, ?, 'missing', 1.0, 1 FROM days",
                (history._LET_GO + attempts, number, history.stamp(at)),
            )
        last = run(state, NOW)
        with counted_steps(state) as counted:
            history.end_run(state, last, NOW, 0, {})
        steps.append(counted[0])
    assert steps[1] < 1.5 * steps[0] + 500


@contextmanager
def counted_steps(state: State) -> Iterator[list[int]]:
    """How many steps SQLite's virtual machine makes; time would depend on the machine."""
    counted = [0]

    def count() -> None:
        counted[0] += 10

    with state.reading() as connection:
        connection.set_progress_handler(count, 10)
        yield counted
        connection.set_progress_handler(None, 0)


def test_nothing_is_let_go_within_90_days(state: State) -> None:
    for days in (90, 50, 1):
        number = run(state, NOW - days * DAY)
        note(state, number, NOW - days * DAY)
    history.end_run(state, run(state, NOW), NOW, 0, {})
    assert query(state, "SELECT count(*) FROM attempts") == [(3,)]
    assert query(state, "SELECT count(*) FROM runs") == [(4,)]


def _days_ago(at: str) -> int:
    return (NOW - datetime.fromisoformat(at.removesuffix("Z"))).days


def test_runs_are_kept_for_90_days_and_the_last_of_each_project_for_ever(state: State) -> None:
    for days in (300, 200, 91, 89):
        history.end_run(state, run(state, NOW - days * DAY), NOW - days * DAY, 0, {})
    for days in (300, 200):
        number = run(state, NOW - days * DAY, "/srv/gone/config.yaml")
        history.end_run(state, number, NOW - days * DAY, 0, {})
    history.end_run(state, run(state, NOW), NOW, 0, {})
    kept = query(state, "SELECT project, started FROM runs ORDER BY project, started")
    assert [(project, _days_ago(started)) for project, started in kept] == [
        ("/srv/a/config.yaml", 89),
        ("/srv/a/config.yaml", 0),
        ("/srv/gone/config.yaml", 200),
    ]


def test_the_last_ended_run_of_each_project_is_told(state: State) -> None:
    for minute, (project, code) in enumerate([("a", 1), ("b", 0), ("a", 0)]):
        at = NOW + timedelta(minutes=minute)
        history.end_run(state, run(state, at, project), at + DAY, code, {"done": minute, "é": "ü"})
    run(state, NOW + DAY, "a")  # which was killed, or goes on
    with state.reading() as connection:
        last = history.last_runs(connection)
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
    history.end_run(state, run(state, NOW), NOW, 1, {"failures": ["é"]})
    status.write(state)
    text = (state.folder / "status.json").read_text(encoding="utf-8")
    with state.reading() as connection:
        last = history.last_runs(connection)
    assert json.loads(text) == {
        "version": 1,
        "projects": last,
        "reports": {},
        "datapoints_waiting": {},
        "held": {},
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
