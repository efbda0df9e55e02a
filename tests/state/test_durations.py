"""What the ledger says of the series of a report."""

from __future__ import annotations

from datetime import datetime, timedelta

from reportupdater.state import durations, history
from reportupdater.state.database import State
from reportupdater.state.durations import History
from reportupdater.state.history import Attempt

NOW = datetime(2015, 6, 1, 12)


def note(
    state: State,
    tsv: str,
    minute: int,
    seconds: float = 1.0,
    error: str | None = None,
    day: int = 1,
) -> None:
    with state.transaction() as connection:
        number = state.series_id(connection, tsv, tsv.removesuffix(".tsv").partition("/")[0])
        rows = None if error else 3
        attempt = Attempt(number, f"2015-01-{day:02}", "missing", seconds, rows=rows, error=error)
        history.note(connection, 1, NOW + timedelta(minutes=minute), [attempt])


def test_a_report_without_attempts_has_none(state: State) -> None:
    note(state, "other.tsv", 0)
    assert durations.of_report(state, "r") == {}
    assert durations.expected([]) is None


def test_only_answers_tell_how_long_a_query_takes(state: State) -> None:
    note(state, "r/a.tsv", 0, 10.0)
    note(state, "r/a.tsv", 1, 30.0, day=2)
    note(state, "r/a.tsv", 2, 9000.0, error="too slow")
    note(state, "r/b.tsv", 0, 2.0)
    found = durations.of_report(state, "r")
    assert found["r/a.tsv"] == History(2, 40.0)
    assert found["r/b.tsv"] == History(1, 2.0)
    assert durations.expected(found.values()) == 14.0
