"""What is kept of each report from run to run."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from reportupdater.state import findings, history
from reportupdater.state.database import State
from reportupdater.state.findings import Finding, Findings, Record
from reportupdater.state.history import Attempt

NOW = datetime(2015, 6, 1)
HOUR = timedelta(hours=1)


def end(
    state: State,
    config: Path,
    hours: int,
    *found: Finding,
    whole: bool = True,
    names: tuple[str, ...] = ("edits", "views"),
) -> dict[str, Record]:
    """End a run that found this out; what is known then."""
    at = NOW + hours * HOUR
    run = history.begin_run(state, str(config), at)
    history.end_run(state, run, at, 0, {}, Findings(found, names, whole))
    with state.reading() as connection:
        return {record.report: record for record in findings.records(connection)}


def test_errors_are_counted_by_runs_in_a_row(state: State, output: Path) -> None:
    config = output / "config.yaml"
    config.touch()
    known = end(state, config, 0, Finding("edits", series=2, done=3, owner="Data team"))
    assert known["edits"] == Record(
        "edits",
        str(config),
        "Data team",
        None,
        None,
        2,
        "2015-06-01T00:00:00.000Z",
        3,
        0,
        0,
        None,
        None,
        0,
    )
    end(state, config, 1, Finding("edits", failed=1, error="no such table"))
    edits = end(state, config, 2, Finding("edits", failed=2, error="no such column"))["edits"]
    assert (edits.error, edits.error_at, edits.failures) == (
        "no such column",
        "2015-06-01T02:00:00.000Z",
        2,
    )
    edits = end(state, config, 3, Finding("edits", done=1))["edits"]
    assert (edits.error, edits.error_at, edits.failures, edits.done) == (None, None, 0, 1)


def test_a_run_of_a_part_does_not_end_an_error(state: State, output: Path) -> None:
    config = output / "config.yaml"
    config.touch()
    end(state, config, 1, Finding("edits", error="no such table"))
    edits = end(state, config, 2, Finding("edits", done=1), whole=False)["edits"]
    assert (edits.error, edits.error_at, edits.failures) == (
        "no such table",
        "2015-06-01T01:00:00.000Z",
        1,
    )
    assert edits.last_run == "2015-06-01T02:00:00.000Z"
    edits = end(state, config, 3, Finding("edits", error="lost"), whole=False)["edits"]
    assert (edits.error, edits.failures) == ("lost", 2)


def test_reports_that_a_configuration_gave_up_are_forgotten(state: State, output: Path) -> None:
    config, other = output / "config.yaml", output / "other.yaml"
    config.touch()
    other.touch()
    end(state, config, 0, Finding("edits"), Finding("views"))
    end(state, other, 1, Finding("users"), names=("users",))
    # A report that this run did not look at, and that is still there, stays.
    assert list(end(state, config, 2, names=("edits",))) == ["edits", "users"]
    other.unlink()
    assert list(end(state, config, 3, names=("edits",))) == ["edits"]


def test_a_failing_interval_is_one_that_did_not_succeed_since(state: State) -> None:
    run = history.begin_run(state, "config.yaml", NOW)

    def note(hours: int, start: str, error: str | None, tsv: str = "edits/a.tsv") -> None:
        with state.transaction() as connection:
            series = state.series_id(connection, tsv, "edits")
            rows = None if error else 1
            attempt = Attempt(series, start, "missing", 1.0, rows=rows, error=error)
            history.note(connection, run, NOW + hours * HOUR, [attempt])

    note(0, "2015-01-01", "one")
    note(1, "2015-01-01", None)
    note(2, "2015-01-01", "two")
    note(3, "2015-01-01", "three")
    note(0, "2015-01-02", "lost")
    note(1, "2015-01-02", None)
    note(0, "2015-01-01", "other", "edits/b.tsv")
    with state.reading() as connection:
        found = history.failing(connection)
    assert [(one.tsv, one.start, one.times, one.error) for one in found] == [
        ("edits/a.tsv", "2015-01-01", 2, "three"),
        ("edits/b.tsv", "2015-01-01", 1, "other"),
    ]
    assert found[0].at == "2015-06-01T03:00:00.000Z"
