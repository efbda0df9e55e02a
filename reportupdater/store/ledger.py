"""The history of runs and attempts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reportupdater.store import reports
from reportupdater.store.many import insert
from reportupdater.store.reports import Findings
from reportupdater.store.state import State

_KEPT = timedelta(days=90)


def begin_run(state: State, project: str, now: datetime) -> int:
    """Note that a run of a project has begun; its number."""
    with state.fleeting() as connection:
        found = connection.execute(
            "INSERT INTO runs (project, pid, started) VALUES (?, ?, ?) RETURNING id",
            (project, os.getpid(), stamp(now)),
        ).fetchone()
        return int(found[0])


def end_run(
    state: State,
    run: int,
    now: datetime,
    exit_code: int,
    summary: Mapping[str, Any],
    findings: Findings | None = None,
) -> None:
    """Note how a run ended, and let go of attempts and runs that are older than 90 days.

    What it found out about the reports is noted in the same transaction.

    Of each interval the last success and the last failure are kept, however old, and of each
    project the last run.
    """
    with state.transaction() as connection:
        connection.execute(
            "UPDATE runs SET ended = ?, exit_code = ?, summary = ? WHERE id = ?",
            (stamp(now), exit_code, json.dumps(summary), run),
        )
        if findings:
            reports.note(connection, run, stamp(now), findings)
        oldest = stamp(now - _KEPT)
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
    when = stamp(at)
    insert(
        connection,
        "INSERT OR REPLACE INTO attempts VALUES {rows}",
        [
            (series, start, error is not None, when, run, reason, round(seconds, 3), rows, error)
            for series, start, reason, seconds, rows, error in attempts
        ],
    )


def last_runs(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """The last ended run of each project: when, its exit code and its summary."""
    found = connection.execute(
        "SELECT project, started, ended, exit_code, summary, max(id) FROM runs"
        " WHERE ended IS NOT NULL GROUP BY project ORDER BY project"
    ).fetchall()
    return {
        project: {"started": started, "ended": ended, "exit_code": code, **json.loads(summary)}
        for project, started, ended, code, summary, _ in found
    }


class Running(NamedTuple):
    """A run that goes on: the path of its configuration, its process, and since when."""

    config: str
    pid: int
    started: str


def running(connection: sqlite3.Connection) -> list[Running]:
    """The runs that have not ended and whose processes are there.

    A run that was killed has not ended either; its number may be another process's by now.
    """
    found = connection.execute(
        "SELECT project, pid, started FROM runs WHERE ended IS NULL ORDER BY id"
    )
    return [one for one in (Running(*row) for row in found) if _is_there(one.pid)]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


class Failing(NamedTuple):
    """An interval that has failed since it last succeeded: how often, and the last error."""

    report: str
    tsv: str
    start: str
    times: int
    at: str
    error: str


def failing(connection: sqlite3.Connection) -> list[Failing]:
    """The intervals that have failed since they last succeeded, each series' oldest first."""
    found = connection.execute(
        "SELECT report, tsv, start, count(*), max(at), error"  # the error of the last
        " FROM attempts JOIN series ON series.id = attempts.series WHERE failed AND NOT EXISTS ("
        "SELECT 1 FROM attempts AS good WHERE good.series = attempts.series"
        " AND good.start = attempts.start AND good.failed = 0 AND good.at > attempts.at)"
        " GROUP BY attempts.series, start ORDER BY tsv, start"
    )
    return [Failing(*row) for row in found]


def last_of(failing: Sequence[Failing]) -> Failing:
    """The interval of a series that failed last: of what was committed together, the newest."""
    return max(failing, key=lambda one: (one.at, one.start))


def last_error(failing: Sequence[Failing]) -> dict[str, Any]:
    """How a series fails, as `plan --json` and `status --json` tell it."""
    last = last_of(failing) if failing else None
    return {
        "failing": len(failing),
        "last_error": last.error if last else None,
        "last_error_at": last.at if last else None,
        "last_error_interval": last.start if last else None,
        "last_error_times": last.times if last else 0,
    }


def stamp(moment: datetime) -> str:
    """A moment as the state spells it: texts of one length, in the order of time."""
    return moment.isoformat(timespec="milliseconds") + "Z"
