"""The history of runs and attempts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reportupdater.state import alive, schema, valid
from reportupdater.state.database import State
from reportupdater.state.findings import Findings, note_findings
from reportupdater.state.many import insert
from reportupdater.state.storable import storable
from reportupdater.state.valid import Ignored
from reportupdater.tsv.folder import Folder

KEPT = timedelta(days=90)
_LET_GO = 5_000
"""Attempts that one run lets go of, beside twice as many as it notes."""


def begin_run(state: State, project: str, now: datetime) -> int:
    """Note that a run of a project has begun; its number."""
    with state.fleeting() as connection:
        found = connection.execute(
            "INSERT INTO runs (project, pid, started) VALUES (?, ?, ?) RETURNING id",
            (storable(project), os.getpid(), stamp(now)),
        ).fetchone()
        given = int(found[0])
        run = state.lock_run(given)  # before others can read of it
        if run != given:
            connection.execute("UPDATE runs SET id = ? WHERE id = ?", (run, given))
        return run


_OVERDUE = "SELECT 1 FROM revisions WHERE rows IS NOT NULL AND kept_until < ? LIMIT 1"


def end_run(
    state: State,
    run: int,
    now: datetime,
    exit_code: int,
    summary: Mapping[str, Any],
    findings: Findings | None = None,
) -> None:
    """Note how a run ended, and let go of runs that are older than 90 days and of their attempts.

    What it found out about the reports is noted in the same transaction.

    Of each project the last run is kept, however old.
    """
    with state.transaction() as connection:
        connection.execute(
            "UPDATE runs SET ended = ?, exit_code = ?, summary = ? WHERE id = ?",
            (stamp(now), exit_code, json.dumps(summary), run),
        )
        if findings:
            note_findings(connection, run, stamp(now), findings)
        if connection.execute(_OVERDUE, (stamp(now),)).fetchone():
            from reportupdater.state import revisions

            revisions.let_go(connection, stamp(now))
        oldest = stamp(now - KEPT)
        _let_go(connection, oldest, _LET_GO)
        connection.execute(
            "DELETE FROM runs WHERE started < ?"
            " AND EXISTS (SELECT 1 FROM runs AS later"
            " WHERE later.project = runs.project AND later.id > runs.id)"
            " AND NOT EXISTS (SELECT 1 FROM attempts WHERE run = runs.id)",
            (oldest,),
        )


def _let_go(connection: sqlite3.Connection, oldest: str, most: int) -> None:
    """Remove attempts of runs that began before a moment, as many as is quick: later runs go on."""
    connection.execute(
        "DELETE FROM attempts WHERE (run, series, start) IN ("
        "SELECT run, series, start FROM attempts"
        " WHERE run IN (SELECT id FROM runs WHERE started < ?) LIMIT ?)",
        (oldest, most),
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
    digest: str = ""
    """That of the query that failed."""
    waits: bool = False
    """Whether it failed by itself, and is tried again after a back-off; not where its server did."""


def note(
    connection: sqlite3.Connection, run: int, at: datetime, attempts: Sequence[Attempt]
) -> None:
    """Note attempts, inside the transaction that stores their results.

    For each of them two are let go of that are older than 90 days, if there are any.
    """
    when = stamp(at)
    attempts = [
        one if one.error is None else one._replace(error=storable(one.error)) for one in attempts
    ]
    insert(
        connection,
        "INSERT OR REPLACE INTO attempts"
        " (run, at, series, start, failed, reason, seconds, rows, error) VALUES {rows}",
        [
            (
                one.series,
                one.start,
                one.error is not None,
                one.reason,
                round(one.seconds, 3),
                one.rows,
                one.error,
            )
            for one in attempts
        ],
        run,
        when,
    )
    _sum_up(connection, attempts)
    _note_failing(connection, when, attempts)
    _let_go(connection, stamp(at - KEPT), 2 * len(attempts))


def _sum_up(connection: sqlite3.Connection, attempts: Iterable[Attempt]) -> None:
    sums: dict[int, tuple[int, float]] = {}
    for one in attempts:
        if one.error is None:
            answers, seconds = sums.get(one.series, (0, 0.0))
            sums[one.series] = answers + 1, seconds + round(one.seconds, 3)
    insert(
        connection,
        "INSERT INTO answered VALUES {rows} ON CONFLICT DO UPDATE"
        " SET answers = answers + excluded.answers, seconds = seconds + excluded.seconds",
        [(series, *both) for series, both in sums.items()],
    )


def _note_failing(connection: sqlite3.Connection, when: str, attempts: Iterable[Attempt]) -> None:
    if connection.execute(
        "SELECT 1 FROM failing LIMIT 1"
    ).fetchone():  # nearly always there is none
        connection.executemany(
            "DELETE FROM failing WHERE series = ? AND start = ?",
            [(one.series, one.start) for one in attempts if one.error is None],
        )
    connection.executemany(
        f"INSERT INTO failing VALUES (?1, ?2, 1, ?3, ?3, ?4, iif(?6, {_retry_at('0')}, ''), ?5)"
        " ON CONFLICT DO UPDATE SET last_at = excluded.last_at, error = excluded.error,"
        " digest = excluded.digest,"
        f" retry_at = CASE WHEN ?6 AND digest = ?5 THEN {_retry_at('times')}"
        " ELSE excluded.retry_at END,"
        " times = times + 1",
        [
            (one.series, one.start, when, one.error, one.digest, one.waits)
            for one in attempts
            if one.error is not None
        ],
    )


def _retry_at(times: str) -> str:
    """Return the SQL of when an interval that failed before so often is tried again.

    After an hour, two, and so on up to a day; five minutes less, which an hourly run is not late by.
    """
    hours = f"min(24, 1 << min({times}, 5))"
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', ?3, '+' || {hours} || ' hours', '-5 minutes')"


_RUN = {"started": valid.is_stamp, "ended": valid.is_stamp, "exit_code": valid.is_exit_code}
_SUMMARY = {
    "datapoints_waiting": valid.is_count,
    "errors_in_configuration": valid.is_count,
    "failures": valid.texts,
    "troubles": valid.texts,
}


def is_run(content: object) -> bool:
    """Return whether the outcome of a run is known, as in `last_runs`."""
    return valid.has(content, _RUN, _SUMMARY)


_PASSED_OVER = """(CASE WHEN json_valid(summary) THEN
    json_array_length(summary, '$.skipped') > 0 AND json_array_length(summary, '$.troubles') = 0
    AND json_extract(summary, '$.done') + json_extract(summary, '$.empty')
    + json_extract(summary, '$.failed') + json_extract(summary, '$.errors_in_configuration') = 0
ELSE 0 END IS TRUE)"""


def last_runs(
    connection: sqlite3.Connection, ignored: Ignored | None = None
) -> dict[str, dict[str, Any]]:
    """Return the last ended run of each project: when, its exit code and its summary.

    One that only passed over what another run held is not counted: it has found out nothing.
    """
    found = valid.rows(
        connection,
        "runs",
        (valid.is_name, *_RUN.values(), _is_summary, valid.is_count),
        "SELECT project, started, ended, exit_code, summary, max(id) FROM runs"
        f" WHERE ended IS NOT NULL AND NOT {_PASSED_OVER} GROUP BY project ORDER BY project",
        ignored=ignored,
    )
    return {
        project: {**json.loads(summary), "started": started, "ended": ended, "exit_code": code}
        for project, started, ended, code, summary, _ in found
    }


def _is_summary(value: object) -> bool:
    try:
        return isinstance(value, str) and valid.has(json.loads(value), {}, _SUMMARY)
    except (ValueError, RecursionError):
        return False


class Running(NamedTuple):
    """A run that goes on: the path of its configuration, its process, and since when."""

    config: str
    pid: int
    started: str


def running(
    connection: sqlite3.Connection, folder: Folder | None, ignored: Ignored | None = None
) -> list[Running]:
    """Return the runs that are at work; `folder` is that of the locks.

    A run that was killed has not ended either; its number may be another process's by now.
    """
    found = valid.rows(
        connection,
        "runs",
        (valid.is_count, valid.is_name, valid.is_pid, valid.is_stamp),
        "SELECT id, project, pid, started FROM runs WHERE ended IS NULL ORDER BY id",
        ignored=ignored,
    )
    return [Running(*row) for run, *row in found if alive.is_alive(folder, run)]


class Failing(NamedTuple):
    """An interval that has failed since it last succeeded: how often, and the last error."""

    report: str
    tsv: str
    start: str
    times: int
    at: str
    error: str


_FAILING = (
    *(valid.is_name, valid.is_name, valid.is_text),
    *(valid.is_count, valid.is_stamp, valid.is_text),
)


def failing(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Failing]:
    """Return the intervals that have failed since they last succeeded, each series' oldest first."""
    source = "failing"
    if not schema.has_failing(connection):
        from reportupdater.state.versions import FAILING_BEFORE

        source = f"({FAILING_BEFORE})"
    found = valid.rows(
        connection,
        "failing",
        _FAILING,
        f"SELECT report, tsv, start, times, last_at, error FROM {source} AS failing"
        " JOIN series ON series.id = failing.series ORDER BY tsv, start",
        ignored=ignored,
    )
    return [Failing(*row) for row in found]


def last_of(failing: Sequence[Failing]) -> Failing:
    """Return the interval of a series that failed last: of what was committed together, the newest."""
    return max(failing, key=lambda one: (one.at, one.start))


def last_error(failing: Sequence[Failing]) -> dict[str, Any]:
    """Return how a series fails, as `plan --json` and `status --json` show it."""
    last = last_of(failing) if failing else None
    return {
        "failing": len(failing),
        "last_error": last.error if last else None,
        "last_error_at": last.at if last else None,
        "last_error_interval": last.start if last else None,
        "last_error_times": last.times if last else 0,
    }


def stamp(moment: datetime) -> str:
    """Return a moment as the state spells it: texts of one length, in the order of time."""
    return moment.isoformat(timespec="milliseconds") + "Z"
