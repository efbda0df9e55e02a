"""Datapoints that a sink still owes its receiver.

One row for a destination, path and timestamp. A later commit replaces the value and raises the
version; a point is removed only at the version that was sent, so that an old value can never win
over a new one. A point that a receiver may have got in part, from a sending that failed, is owed
twice once its value changes: what is left of the failed sending may be read after the new value's
first sending, and not after its second.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from reportupdater.model import Datapoint
from reportupdater.store.state import State, look


class Owed(NamedTuple):
    """A datapoint of the outbox, at the version that it had when it was read."""

    point: Datapoint
    version: int
    times: int = 1
    """How often it is still to be sent."""


def put(connection: sqlite3.Connection, destination: str, points: Iterable[Datapoint]) -> None:
    """Owe datapoints to a destination, inside the transaction that stores their rows."""
    connection.executemany(
        "INSERT INTO outbox (destination, path, timestamp, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET"
        " owed = CASE WHEN in_doubt AND value != excluded.value THEN 2 ELSE owed END,"
        " value = excluded.value, version = version + 1",
        [(destination, point.path, point.timestamp, point.value) for point in points],
    )


def begin(state: State, destination: str) -> None:
    """Note that this process, and no other, sends to a destination from now on.

    If the last one that did was killed, nobody knows which points it was sending, and which of them
    have been replaced since.
    """
    with state.transaction() as connection:
        fresh = connection.execute("INSERT OR IGNORE INTO senders VALUES (?)", (destination,))
        if not fresh.rowcount:
            connection.execute(
                "UPDATE outbox SET in_doubt = 1, owed = 2 WHERE destination = ?", (destination,)
            )


def end(state: State, destination: str) -> None:
    """Note that this process sends to a destination no more, and has said what is in doubt."""
    with state.transaction() as connection:
        connection.execute("DELETE FROM senders WHERE destination = ?", (destination,))


def batch(state: State, destination: str, most: int) -> list[Owed]:
    """Up to `most` of the datapoints that a destination is owed."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT path, value, timestamp, version, owed FROM outbox WHERE destination = ? LIMIT ?",
            (destination, most),
        ).fetchall()
    return [Owed(Datapoint(path, value, at), *how) for path, value, at, *how in found]


def acknowledge(state: State, destination: str, sent: Sequence[Owed]) -> None:
    """Note that a destination has read datapoints: what was not replaced meanwhile is settled."""
    settled: list[tuple[str, str, int, int]] = []
    again: list[tuple[str, str, int, int]] = []
    for one in sent:
        row = destination, one.point.path, one.point.timestamp, one.version
        (again if one.times > 1 else settled).append(row)
    key = "destination = ? AND path = ? AND timestamp = ? AND version = ?"
    paths = {one.point.path for one in sent}
    with state.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO sent_metrics VALUES (?, ?)",
            [(destination, path) for path in paths],
        )
        connection.executemany(f"DELETE FROM outbox WHERE {key} AND owed = 1", settled)
        connection.executemany(
            f"UPDATE outbox SET owed = 1, in_doubt = 0 WHERE {key} AND owed = 2", again
        )


def doubt(state: State, destination: str, sent: Sequence[Owed]) -> None:
    """Note that nobody knows which of the datapoints a destination has got or will yet get."""
    with state.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET in_doubt = 1,"
            " owed = CASE WHEN version != ? THEN 2 ELSE owed END"  # replaced while it was sent
            " WHERE destination = ? AND path = ? AND timestamp = ?",
            [(one.version, destination, one.point.path, one.point.timestamp) for one in sent],
        )


def waiting(state: State, destination: str, most: int = -1) -> int:
    """How many datapoints a destination is owed; with `most`, nothing above it is counted."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE destination = ? LIMIT ?)",
            (destination, most),
        ).fetchone()
        return int(found[0])


def owed(connection: sqlite3.Connection) -> dict[str, int]:
    """How many datapoints each destination is owed that is owed any."""
    found = connection.execute(
        "SELECT destination, count(*) FROM outbox GROUP BY destination ORDER BY destination"
    )
    return {str(destination): int(count) for destination, count in found}


def sent_metrics(output: Path, destination: str) -> set[str]:
    """The metric paths that a destination has got datapoints of. Makes no state where none is."""
    with look(output) as connection:
        if connection is None:
            return set()
        found = connection.execute(
            "SELECT path FROM sent_metrics WHERE destination = ?", (destination,)
        )
        return {str(path) for (path,) in found}
