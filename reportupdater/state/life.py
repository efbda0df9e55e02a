"""What the state knows of one interval of a series."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from reportupdater.state import schema, valid


class Tried(NamedTuple):
    """An attempt at an interval, of a run of the last 90 days."""

    at: str
    run: int
    reason: str
    seconds: float
    rows: int | None
    """0 where the result was empty, None where it failed."""
    error: str | None


def attempts(connection: sqlite3.Connection, tsv: str, start: str) -> list[Tried]:
    """Return the attempts at an interval, oldest first."""
    if not schema.is_summed_up(connection) and "attempts" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "attempts",
        (
            *(valid.is_stamp, valid.is_count, valid.is_text, valid.is_seconds),
            *(valid.or_none(valid.is_count), valid.or_none(valid.is_text)),
        ),
        # By runs, of which there are few: an index by interval would cost each attempt.
        "SELECT at, run, reason, seconds, rows, error FROM runs CROSS JOIN attempts"
        " ON attempts.run = runs.id"
        " AND attempts.series = (SELECT id FROM series WHERE tsv = ?) AND attempts.start = ?"
        " ORDER BY at, run",
        (tsv, start),
    )
    return [Tried(*row) for row in found]


class Sent(NamedTuple):
    """What is known of a datapoint."""

    pending: str | None
    """The value that is still to be sent."""
    was_acknowledged: bool
    """Whether the destination has got datapoints of its key."""


def sent(connection: sqlite3.Connection, destination: str, key: str, timestamp: int) -> Sent:
    """Return what is known of a datapoint."""
    pending = connection.execute(
        "SELECT value FROM outbox WHERE destination = ? AND key = ? AND timestamp = ?",
        (destination, key, timestamp),
    ).fetchone()
    known = connection.execute(
        "SELECT 1 FROM sent_metrics WHERE destination = ? AND key = ?", (destination, key)
    ).fetchone()
    return Sent(str(pending[0]) if pending else None, known is not None)


def is_unsent(connection: sqlite3.Connection, tsv: str, sink: str, start: str) -> bool:
    """Return whether the datapoints of an interval were not put for a sink, as far as is known."""
    if not schema.has_unsent(connection):
        return False
    found = connection.execute(
        "SELECT 1 FROM unsent JOIN series ON series.id = series"
        " WHERE tsv = ? AND sink = ? AND first <= ? AND last >= ?",
        (tsv, sink, start, start),
    )
    return found.fetchone() is not None
