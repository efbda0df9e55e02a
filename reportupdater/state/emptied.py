"""Datapoints that the stored rows gave once and give no more, while the sinks still have them.

No sink of today takes values away: someone has to delete them there. Of each interval and sink the
points are kept, or that they are not known.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored

Point = tuple[str, int]
"""A series key of a sink, and a moment in seconds since the epoch."""


class Place(NamedTuple):
    """An interval of a series, which its number names, and a sink."""

    series: int
    start: str
    sink: str


class Change(NamedTuple):
    """What a result does to the datapoints of an interval: those that are gone, and those that it gives."""

    lost: Collection[Point]
    given: Collection[Point]
    is_unknown: bool = False
    """Whether the interval had values once, and no one knows which."""


class Emptied(NamedTuple):
    """An interval of a series of which a sink has datapoints that it should not have."""

    report: str
    tsv: str
    start: str
    sink: str
    points: tuple[Point, ...]
    """Empty where they are not known."""


def note(connection: sqlite3.Connection, changes: Mapping[Place, Change]) -> None:
    """Note what results do to the datapoints of intervals, inside the transaction that stores them."""
    if schema.is_empty(connection, "emptied"):  # as nearly always
        changes = {place: one for place, one in changes.items() if one.lost or one.is_unknown}
    for place, change in changes.items():
        found = connection.execute(
            "SELECT points FROM emptied WHERE series = ? AND start = ? AND sink = ?", place
        ).fetchone()
        before = _points(found[0]) if found else ()
        points = {*before, *change.lost}.difference(change.given)
        is_unknown = change.is_unknown or (found is not None and not before and not change.given)
        if points or is_unknown:
            text = json.dumps(sorted(points)) if points else ""
            connection.execute("INSERT OR REPLACE INTO emptied VALUES (?, ?, ?, ?)", (*place, text))
        elif found:
            connection.execute(
                "DELETE FROM emptied WHERE series = ? AND start = ? AND sink = ?", place
            )


def given(
    connection: sqlite3.Connection, series: int, sink: str, points: Collection[Point]
) -> None:
    """Forget points of a series that a sink is sent again, whatever their intervals."""
    found = connection.execute(
        "SELECT start FROM emptied WHERE series = ? AND sink = ?", (series, sink)
    ).fetchall()
    note(connection, {Place(series, start, sink): Change((), points) for (start,) in found})


def points(connection: sqlite3.Connection, series: int, sink: str) -> set[Point]:
    """Return the points of a series that a sink should not have, as far as they are known."""
    found = connection.execute(
        "SELECT points FROM emptied WHERE series = ? AND sink = ?", (series, sink)
    )
    return {point for (text,) in found for point in _points(text)}


def are_gone(connection: sqlite3.Connection, sink: str, gone: set[Point]) -> None:
    """Forget points that a sink does not show any more, whatever their series."""
    found = connection.execute(
        "SELECT series, start, points FROM emptied WHERE sink = ?", (sink,)
    ).fetchall()
    theirs = {
        Place(series, start, sink): gone.intersection(_points(text))
        for series, start, text in found
    }
    note(connection, {place: Change((), points) for place, points in theirs.items() if points})


def intervals(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return the intervals that are noted, as TSV and start."""
    if schema.is_empty(connection, "emptied"):  # as nearly always
        return set()
    return set(
        connection.execute("SELECT tsv, start FROM emptied JOIN series ON series.id = series")
    )


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Emptied]:
    """Return all that is noted, by TSV and start."""
    if ("emptied", "points") not in schema.columns(connection):
        return []
    found = valid.rows(
        connection,
        "emptied",
        (valid.is_name, valid.is_name, *(valid.is_text,) * 3),
        "SELECT report, tsv, start, sink, points FROM emptied"
        " JOIN series ON series.id = emptied.series ORDER BY tsv, start, sink",
        ignored=ignored,
    )
    return [
        Emptied(report, tsv, start, sink, _points(points))
        for report, tsv, start, sink, points in found
    ]


def forget(state: Tables, report: str) -> None:
    """Forget what is noted of a report: the sinks have it no more."""
    with state.transaction() as connection:
        connection.execute(
            "DELETE FROM emptied WHERE series IN (SELECT id FROM series WHERE report = ?)",
            (report,),
        )


def _points(text: str) -> tuple[Point, ...]:
    try:
        found = json.loads(text) if text else []
        return tuple((str(key), int(moment)) for key, moment in found)
    except (ValueError, TypeError, RecursionError):
        return ()
