"""Intervals that a rerun left without values, while the sinks still have the former ones.

No sink of today takes values away: someone has to delete them there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored


class Emptied(NamedTuple):
    """An interval of a series."""

    report: str
    tsv: str
    start: str


def note(connection: sqlite3.Connection, intervals: Iterable[tuple[int, str]]) -> None:
    """Note intervals, given as series and start, that have lost their values, inside a transaction."""
    connection.executemany("INSERT OR IGNORE INTO emptied VALUES (?, ?)", intervals)


def drop(connection: sqlite3.Connection, intervals: Iterable[tuple[int, str]]) -> None:
    """Forget intervals, given as series and start, that have values again, inside a transaction."""
    connection.executemany("DELETE FROM emptied WHERE series = ? AND start = ?", intervals)


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Emptied]:
    """Return all of them, by TSV and start."""
    if "emptied" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "emptied",
        (valid.is_name, valid.is_name, valid.is_text),
        "SELECT report, tsv, start FROM emptied JOIN series ON series.id = emptied.series"
        " ORDER BY tsv, start",
        ignored=ignored,
    )
    return [Emptied(*row) for row in found]


def forget(state: Tables, report: str) -> None:
    """Forget those of a report: the sinks have them no more."""
    with state.transaction() as connection:
        connection.execute(
            "DELETE FROM emptied WHERE series IN (SELECT id FROM series WHERE report = ?)",
            (report,),
        )
