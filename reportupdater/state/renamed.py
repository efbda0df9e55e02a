"""Series of which older results have columns that those of the present query lack: it was changed.

A reader of the old column finds no new values, and one of the new column no old ones.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect


class Renamed(NamedTuple):
    """A series, and the columns that only its older results have."""

    report: str
    tsv: str
    columns: tuple[str, ...]


def note(connection: sqlite3.Connection, series: int, columns: Sequence[str]) -> None:
    """Note the columns of a series, none where all is well, inside a transaction."""
    if columns:
        line = dialect.lines([columns])
        connection.execute("INSERT OR REPLACE INTO renamed VALUES (?, ?)", (series, line))
    elif not schema.is_empty(connection, "renamed"):
        connection.execute("DELETE FROM renamed WHERE series = ?", (series,))


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Renamed]:
    """Return all that is noted, by TSV."""
    if "renamed" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "renamed",
        (valid.is_name, valid.is_name, valid.is_text),
        "SELECT report, tsv, columns FROM renamed JOIN series ON series.id = series ORDER BY tsv",
        ignored=ignored,
    )
    some = []
    for report, tsv, line in found:
        with suppress(csv.Error, IndexError):
            some.append(Renamed(report, tsv, dialect.parse(line)[0]))
    return some
