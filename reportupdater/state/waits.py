"""Intervals that wait for their data: since when they were asked about, and for what they wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored


class Wait(NamedTuple):
    """An interval of a series that is not ready."""

    tsv: str
    start: str
    since: str
    """When it was asked about first."""
    at: str
    """When it was asked about last."""
    why: str


def since(state: Tables, report: str) -> dict[tuple[str, str], str]:
    """Return since when the intervals of a report wait, by TSV and start."""
    with state.reading() as connection:
        return {(one.tsv, one.start): one.since for one in listed(connection, report)}


def write(
    state: Tables,
    report: str,
    ready: Iterable[tuple[str, str]],
    waits: Mapping[tuple[str, str], str],
    at: str,
) -> None:
    """Write which intervals, by TSV and start, wait for what; those that are `ready` wait no more.

    Those of which it is not known, or that were not asked about, wait as before.
    """
    known = since(state, report)
    if not (known or waits):
        return
    with state.fleeting() as connection:
        connection.executemany(
            "DELETE FROM waits WHERE series = (SELECT id FROM series WHERE tsv = ?) AND start = ?",
            [one for one in ready if one in known],
        )
        connection.executemany(
            "INSERT OR REPLACE INTO waits VALUES (?, ?, ?, ?, ?)",
            [
                (
                    state.series_id(connection, tsv, report),
                    start,
                    known.get((tsv, start), at),
                    at,
                    why,
                )
                for (tsv, start), why in waits.items()
            ],
        )


def listed(
    connection: sqlite3.Connection, report: str | None = None, ignored: Ignored | None = None
) -> list[Wait]:
    """Return the intervals that wait, of a report or of all, by TSV and start."""
    if "waits" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "waits",
        (valid.is_name, valid.is_text, valid.is_stamp, valid.is_stamp, valid.is_text),
        "SELECT tsv, start, since, at, why FROM waits JOIN series ON series.id = series"
        " WHERE ?1 IS NULL OR report = ?1 ORDER BY tsv, start",
        (report,),
        ignored=ignored,
    )
    return [Wait(*row) for row in found]
