"""The history of runs and attempts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reportupdater.store.state import State

_KEPT = timedelta(days=90)


def begin_run(state: State, project: str, now: datetime) -> int:
    """Note that a run of a project has begun; its number."""
    with state.transaction() as connection:
        found = connection.execute(
            "INSERT INTO runs (project, pid, started) VALUES (?, ?, ?) RETURNING id",
            (project, os.getpid(), _text(now)),
        ).fetchone()
        return int(found[0])


def end_run(
    state: State, run: int, now: datetime, exit_code: int, summary: Mapping[str, Any]
) -> None:
    """Note how a run ended, and let go of attempts and runs that are older than 90 days.

    Of each interval the last success and the last failure are kept, however old, and of each
    project the last run.
    """
    with state.transaction() as connection:
        connection.execute(
            "UPDATE runs SET ended = ?, exit_code = ?, summary = ? WHERE id = ?",
            (_text(now), exit_code, json.dumps(summary), run),
        )
        oldest = _text(now - _KEPT)
        if connection.execute("SELECT 1 FROM runs WHERE started < ? LIMIT 1", (oldest,)).fetchone():
            connection.execute(
                "DELETE FROM attempts WHERE at < ? AND EXISTS (SELECT 1 FROM attempts AS later"
                " WHERE later.series = attempts.series AND later.start = attempts.start"
                " AND later.failed = attempts.failed AND later.at > attempts.at)",
                (oldest,),
            )
            connection.execute(
                "DELETE FROM runs WHERE started < ? AND EXISTS (SELECT 1 FROM runs AS later"
                " WHERE later.project = runs.project AND later.id > runs.id)",
                (oldest,),
            )


class Attempt(NamedTuple):
    """A task that was tried: the number of its series, its interval's start, and what became of it."""

    series: int
    start: str
    reason: str
    seconds: float
    rows: int | None = None
    """0 where the result was empty, None where it failed."""
    error: str | None = None


def note(
    connection: sqlite3.Connection, run: int, at: datetime, attempts: Iterable[Attempt]
) -> None:
    """Note attempts, inside the transaction that stores their results."""
    when = _text(at)
    connection.executemany(
        "INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (series, start, error is not None, when, run, reason, round(seconds, 3), rows, error)
            for series, start, reason, seconds, rows, error in attempts
        ],
    )


def last_runs(state: State) -> dict[str, dict[str, Any]]:
    """The last ended run of each project: when, its exit code and its summary."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT project, started, ended, exit_code, summary, max(id) FROM runs"
            " WHERE ended IS NOT NULL GROUP BY project ORDER BY project"
        ).fetchall()
    return {
        project: {"started": started, "ended": ended, "exit_code": code, **json.loads(summary)}
        for project, started, ended, code, summary, _ in found
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"
