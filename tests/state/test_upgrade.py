"""The attempts of a state of before version 3 are summed up, a part at a time, and none is lost."""

from __future__ import annotations

import logging
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reportupdater.state import durations, history, schema, upgrade
from reportupdater.state.connection import look
from reportupdater.state.database import State
from reportupdater.state.durations import History
from reportupdater.state.history import Attempt, Failing
from reportupdater.state.overlay import Overlay
from tests.machine import Child
from tests.state.versions import VERSION_2, made

NOW = datetime(2015, 6, 1, 12)
DAY = timedelta(days=1)
SERIES = 12
# As the program of that version asked for them.
FAILING = """
SELECT report, tsv, start, count(*), max(at), error
FROM attempts JOIN series ON series.id = attempts.series WHERE failed AND NOT EXISTS (
SELECT 1 FROM attempts AS good WHERE good.series = attempts.series
AND good.start = attempts.start AND good.failed = 0 AND good.at > attempts.at)
GROUP BY attempts.series, start ORDER BY tsv, start
"""
FIRST = """
SELECT tsv, start, min(at) FROM attempts JOIN series ON series.id = attempts.series
WHERE failed AND at >= coalesce((SELECT max(at) FROM attempts AS good
WHERE good.series = attempts.series AND good.start = attempts.start AND NOT good.failed), '')
GROUP BY attempts.series, start ORDER BY tsv, start
"""
ANSWERED = """
SELECT tsv, count(*), sum(seconds) FROM attempts JOIN series ON series.id = attempts.series
WHERE report = ? AND NOT failed GROUP BY tsv
"""
YOUNG = """
SELECT run, series, start, failed, at, reason, seconds, rows, error FROM attempts
WHERE at >= ? ORDER BY run, series, start
"""


class Old:
    """A state of version 2 with attempts of 200 days, and what the old program said of it."""

    def __init__(self, output: Path) -> None:
        self.output = output
        made(output, VERSION_2)
        self.path = output / ".reportupdater" / "state.sqlite"
        chance = random.Random(3)
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(
                "INSERT INTO series VALUES (?, ?, ?)",
                [(n, f"r{n % 2}/{n}.tsv", f"r{n % 2}") for n in range(1, SERIES + 1)],
            )
            for days in range(200, 0, -5):
                at = NOW - days * DAY
                run = connection.execute(
                    "INSERT INTO runs (project, pid, started) VALUES ('p', 1, ?) RETURNING id",
                    (history.stamp(at),),
                ).fetchone()[0]
                for series in range(1, SERIES + 1):
                    for start in chance.sample(range(1, 10), 4):
                        failed = chance.random() < 0.4
                        connection.execute(
                            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, 'missing', ?, ?, ?)",
                            (
                                *(series, f"2015-01-{start:02}", failed),
                                history.stamp(at + timedelta(milliseconds=series)),
                                run,
                                chance.randint(1, 9),
                                *((None, f"error {days}") if failed else (1, None)),
                            ),
                        )
            # As the old program let go of runs, whose last attempts it kept.
            connection.execute("DELETE FROM runs WHERE id < 4")
            self.failing = [Failing(*row) for row in connection.execute(FAILING)]
            self.first = connection.execute(FIRST).fetchall()
            self.answered = {
                report: {
                    tsv: History(answers, seconds)
                    for tsv, answers, seconds in connection.execute(ANSWERED, (report,))
                }
                for report in ("r0", "r1")
            }
            oldest = history.stamp(NOW - 90 * DAY)
            self.young = connection.execute(YOUNG, (oldest,)).fetchall()
        assert len(self.failing) > 10
        assert len(self.young) > 100

    def agrees(self, state: State) -> None:
        """Check that a state says what the old program said."""
        with state.reading() as connection:
            assert history.failing(connection) == self.failing
            assert (
                connection.execute(
                    "SELECT tsv, start, first_at FROM failing"
                    " JOIN series ON series.id = failing.series ORDER BY tsv, start"
                ).fetchall()
                == self.first
            )
        for report, answered in self.answered.items():
            assert durations.of_report(state, report) == answered

    def is_upgraded(self, state: State) -> None:
        """Check that it says the same, and that nothing is left to do."""
        self.agrees(state)
        assert rows(state, YOUNG.replace("WHERE at >= ?", "")) == self.young
        assert rows(state, "PRAGMA foreign_key_check") == []
        assert rows(state, "PRAGMA integrity_check") == [("ok",)]
        with state.reading() as connection:
            assert schema.is_summed_up(connection)
        assert tables(self.output) == tables(fresh(self.output.with_name("fresh")))


def rows(state: State, query: str) -> list[tuple[Any, ...]]:
    with state.reading() as connection:
        return connection.execute(query).fetchall()


def fresh(output: Path) -> Path:
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    with State(output):
        return output


def tables(output: Path) -> set[tuple[str, str, str]]:
    """The tables and indexes of a state, with their columns."""
    path = output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT found.type, found.name, group_concat(columns.name) FROM sqlite_master AS found,"
            " pragma_table_info(found.name) AS columns GROUP BY found.name"
        )
        return set(found)


@pytest.fixture
def old(output: Path) -> Old:
    return Old(output)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "_PART", 10)
    monkeypatch.setattr(upgrade, "_REST_SECONDS", 0.0)


@pytest.fixture
def upgraded(old: Old) -> Iterator[State]:
    with State(old.output) as state:
        yield state


def test_a_state_that_is_not_upgraded_yet_says_the_same_to_who_only_reads(old: Old) -> None:
    with look(old.output) as connection:
        assert connection is not None
        assert history.failing(connection) == old.failing


def test_a_state_that_is_not_upgraded_yet_says_the_same_to_who_plans(old: Old) -> None:
    with Overlay(old.output) as state:
        with state.reading() as connection:
            assert history.failing(connection) == old.failing
        for report, answered in old.answered.items():
            assert durations.of_report(state, report) == answered


def test_an_upgraded_state_says_the_same_before_while_and_after_it_is_summed_up(
    old: Old, upgraded: State, small_parts: None
) -> None:
    parts = []

    def stopped() -> bool:
        old.agrees(upgraded)
        parts.append(rows(upgraded, f"SELECT count(*) FROM {schema.BEFORE}")[0][0])
        return False

    upgrade.sum_up(upgraded, NOW, stopped)
    assert len(parts) > SERIES
    assert parts == sorted(parts, reverse=True)
    old.is_upgraded(upgraded)
    upgrade.sum_up(upgraded, NOW)  # for which nothing is left
    old.is_upgraded(upgraded)


def test_a_state_is_summed_up_in_one_part_as_in_many(old: Old, upgraded: State) -> None:
    upgrade.sum_up(upgraded, NOW)
    old.is_upgraded(upgraded)


def test_a_run_that_is_stopped_leaves_the_rest_to_the_next(
    old: Old, upgraded: State, small_parts: None
) -> None:
    for _ in range(40):
        asked = iter([False, False, True])
        upgrade.sum_up(upgraded, NOW, lambda answers=asked: next(answers))  # type: ignore[misc]
        old.agrees(upgraded)
    old.is_upgraded(upgraded)


def test_other_processes_may_write_while_a_state_is_summed_up(
    old: Old, upgraded: State, small_parts: None
) -> None:
    noted = 0

    def stopped() -> bool:
        nonlocal noted
        with State(old.output) as other, other.transaction() as connection:
            number = other.series_id(connection, "r0/2.tsv", "r0")
            noted += 1
            attempt = Attempt(number, f"2014-01-{noted:02}", "missing", 2.0, rows=1)
            history.note(connection, 30, NOW, [attempt])
        return False

    upgrade.sum_up(upgraded, NOW, stopped)
    answers, seconds = old.answered["r0"]["r0/2.tsv"]
    found = durations.of_report(upgraded, "r0")["r0/2.tsv"]
    assert found == History(answers + noted, seconds + 2.0 * noted)


KILLED = """
import datetime, os, pathlib, signal, sqlite3, sys
from reportupdater.state import upgrade
from reportupdater.state.database import State

def connect(*given, connect=sqlite3.connect, **named):
    connection = connect(*given, **named)
    connection.set_progress_handler(count, 100)
    return connection

def count():
    global left
    left -= 100
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

left = int(sys.argv[2])
sqlite3.connect = connect
upgrade._PART, upgrade._REST_SECONDS = 10, 0.0
with State(pathlib.Path(sys.argv[1])) as state:
    upgrade.sum_up(state, datetime.datetime(2015, 6, 1, 12))
"""
"""Upgrades a state, and is killed after so many steps of SQLite, wherever that is."""


@pytest.mark.long
def test_a_state_whose_upgrade_is_killed_is_upgraded_by_the_next(
    old: Old, child: Callable[..., Child]
) -> None:
    steps, left = 5_000, [SERIES + 1]
    while left[-1]:
        killed = child(KILLED, old.output, steps).wait()
        with look(old.output) as connection:
            assert connection is not None
            assert history.failing(connection) == old.failing
        left.append(series_left(old.path))
        assert killed == -signal.SIGKILL or not left[-1]
        steps = 10_000 if left[-1] <= SERIES else steps + 10_000
    assert left.count(SERIES + 1) > 2  # killed before its tables were there,
    assert len(set(left)) > 3  # and between its parts
    with State(old.output) as state:
        upgrade.sum_up(state, NOW)
        old.is_upgraded(state)


def series_left(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        query = f"SELECT count(DISTINCT series) FROM {schema.BEFORE}"
        try:
            return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # not begun, or over
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            return 0 if version == schema.VERSION else SERIES + 1


def test_an_upgrade_that_takes_long_is_explained_once(
    old: Old,
    upgraded: State,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(upgrade, "_QUICK_SECONDS", -1.0)
    with caplog.at_level(logging.WARNING):
        upgrade.sum_up(upgraded, NOW)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"{old.path}: the history of attempts is summed up, once after the upgrade: this run ends some"
        " minutes later; other runs can go on meanwhile, and nothing is lost if this one is stopped"
    )


def test_an_upgrade_gives_the_space_of_the_old_attempts_back(output: Path) -> None:
    made(output, VERSION_2)
    path = output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO series VALUES (1, 'r.tsv', 'r')")
        connection.executemany(
            "INSERT INTO attempts VALUES (1, ?, 0, '2014-01-01', 1, 'missing', 1.0, 1, NULL)",
            [(number,) for number in range(50_000)],
        )
    with State(output) as state:
        upgrade.sum_up(state, NOW)
        assert durations.of_report(state, "r") == {"r.tsv": History(50_000, 50_000.0)}
    assert path.stat().st_size < 300_000
