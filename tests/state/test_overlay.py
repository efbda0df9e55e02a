"""The state that is only looked at: what planning writes is seen by it, and by nothing else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import pytest

from reportupdater.errors import StateError
from reportupdater.intervals import Coverage, Granularity
from reportupdater.state import coverage, durations, history, owners, reruns
from reportupdater.state.coverage import Identity
from reportupdater.state.database import State
from reportupdater.state.durations import History
from reportupdater.state.history import Attempt
from reportupdater.state.overlay import Overlay
from reportupdater.state.owners import Owner

NOW = datetime(2025, 1, 4)
TSV = "edits/enwiki.tsv"
DAY = ("2025-01-02", "2025-01-03")


def noted(output: Path) -> None:
    """Make a state with a mark, an answer and a failure."""
    output.mkdir(exist_ok=True)
    with State(output) as state:
        reruns.ask(state, "edits", [(TSV, DAY[0])], NOW)
        run = history.begin_run(state, "config.yaml", NOW)
        with state.transaction() as connection:
            number = state.series_id(connection, TSV, "edits")
            answer = Attempt(number, DAY[0], "missing", 2.0, rows=1)
            failure = Attempt(number, DAY[1], "missing", 1.0, error="no such table")
            history.note(connection, run, NOW, [answer, failure])


def files(output: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_what_is_written_is_seen_and_gone_with_the_overlay(tmp_path: Path) -> None:
    noted(tmp_path)
    before = files(tmp_path)
    identity = Identity(1, 2, 3, 4)
    done = Coverage(((5, 6),))
    with Overlay(tmp_path) as state:
        reruns.ask(state, "edits", [("edits/dewiki.tsv", DAY[0])], NOW)
        reruns.drop(state, [(TSV, DAY[0])])
        coverage.remember(state, "edits", Granularity.DAYS, {TSV: (identity, done)})
        assert reruns.open_requests(state, "edits") == {"edits/dewiki.tsv": [DAY[0]]}
        assert coverage.recall(state, "edits", Granularity.DAYS) == {TSV: (identity, done)}
    assert files(tmp_path) == before
    with Overlay(tmp_path) as state:
        assert reruns.open_requests(state, "edits") == {TSV: [DAY[0]]}
        assert coverage.recall(state, "edits", Granularity.DAYS) == {}


def test_a_part_that_fails_leaves_nothing(tmp_path: Path) -> None:
    noted(tmp_path)
    with Overlay(tmp_path) as state:
        with suppress(ZeroDivisionError), state.transaction() as connection:
            connection.execute("DELETE FROM marks")
            state.series_id(connection, "edits/dewiki.tsv", "edits")
            raise ZeroDivisionError
        assert reruns.open_requests(state, "edits") == {TSV: [DAY[0]]}
        with state.transaction() as connection:
            assert state.series_id(connection, TSV, "edits") == 1


def test_a_report_of_another_shape_is_begun_anew_in_memory_alone(tmp_path: Path) -> None:
    noted(tmp_path)
    days = Owner.of("edits", tmp_path, tmp_path / "config.yaml", "days", ["wiki"])
    with State(tmp_path) as state, state.transaction() as connection:
        owners.claim(connection, days)
    with Overlay(tmp_path) as copy:
        assert owners.begin_anew(copy, days._replace(granularity="hours")) == 1
        assert reruns.open_requests(copy, "edits") == {}
        assert durations.of_report(copy, "edits") == {}
        with copy.reading() as connection:
            assert history.failing(connection) == []
    with State(tmp_path) as state:
        assert durations.of_report(state, "edits") == {TSV: History(1, 2.0)}
        with state.reading() as connection:
            assert len(history.failing(connection)) == 1
            assert connection.execute("SELECT count(*) FROM attempts").fetchone() == (2,)


def test_the_history_is_read_where_it_is(tmp_path: Path) -> None:
    noted(tmp_path)
    with Overlay(tmp_path) as state, state.reading() as connection:
        assert durations.of_report(state, "edits") == {TSV: History(1, 2.0)}
        assert [one.start for one in history.failing(connection)] == [DAY[1]]


def test_all_that_is_read_is_of_one_moment(tmp_path: Path) -> None:
    noted(tmp_path)
    with State(tmp_path) as writing, Overlay(tmp_path) as state:
        reruns.ask(writing, "edits", [("edits/dewiki.tsv", DAY[0])], NOW)
        with writing.transaction() as connection:
            connection.execute("DELETE FROM failing")
        assert reruns.open_requests(state, "edits") == {TSV: [DAY[0]]}
        with state.reading() as reading:
            assert len(history.failing(reading)) == 1


@pytest.mark.parametrize("content", [None, b""])
def test_without_a_state_it_is_an_empty_one_and_none_is_made(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / ".reportupdater").mkdir()
        (tmp_path / ".reportupdater" / "state.sqlite").write_bytes(content)
    before = sorted(os.walk(tmp_path))
    with Overlay(tmp_path) as state:
        reruns.ask(state, "edits", [(TSV, DAY[0])], NOW)
        assert reruns.open_requests(state, "edits") == {TSV: [DAY[0]]}
        assert durations.of_report(state, "edits") == {}
    assert sorted(os.walk(tmp_path)) == before


def test_a_damaged_state_and_one_of_a_newer_version_are_errors(tmp_path: Path) -> None:
    noted(tmp_path)
    path = tmp_path / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="written by a newer version"):
        Overlay(tmp_path)
    path.write_bytes(b"no database at all, but longer than a header of SQLite is, which counts" * 9)
    with pytest.raises(StateError, match="the state cannot be used: file is not a database"):
        Overlay(tmp_path)
