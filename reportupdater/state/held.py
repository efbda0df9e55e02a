"""Results that failed a check, kept until they are accepted, rejected or replaced by a later one.

Of an interval there is one at most. A series whose last results were all held waits after a few: a
wrong check over ten years would keep a copy of everything.
"""

from __future__ import annotations

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.intervals import Granularity
from reportupdater.state import schema, valid
from reportupdater.state.checksum import checksum
from reportupdater.state.journal import Result
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect

MOST_IN_A_ROW = 3
"""After so many, the rest of a series waits until they are accepted or rejected."""


class Held(NamedTuple):
    """A held result, as far as one needs to know of it to decide."""

    report: str
    tsv: str
    start: str
    check: str
    """The name of the check that it failed."""
    why: str
    digest: str
    """That of the query that gave it."""
    at: str
    """When it was held."""


class Kept(NamedTuple):
    """A held result with its rows."""

    held: Held
    result: Result


def hold(
    connection: sqlite3.Connection, results: Iterable[tuple[int, Held, Result]], at: str
) -> None:
    """Keep results, each with its series' number, inside a transaction. A later one replaces one before."""
    for number, held, result in results:
        kept = (
            result.start,
            result.granularity.value,
            dialect.lines([result.header]),
            result.rows,
            result.group,
            result.max_data_points,
        )
        why = (held.check, held.why, held.digest, at)
        connection.execute(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *kept, checksum(held.tsv, *kept), *why),
        )


def count(connection: sqlite3.Connection, series: Iterable[tuple[int, int, str]]) -> None:
    """Note how many of the last results of series were held, with the digest of their query."""
    connection.executemany("INSERT OR REPLACE INTO held_in_a_row VALUES (?, ?, ?)", series)


def published(connection: sqlite3.Connection, intervals: Iterable[tuple[int, str]]) -> None:
    """Forget what is held of intervals, given as series and start, that have a result now."""
    if schema.is_empty(connection, "held") and schema.is_empty(connection, "held_in_a_row"):
        return  # as nearly always
    intervals = list(intervals)
    connection.executemany("DELETE FROM held WHERE series = ? AND start = ?", intervals)
    connection.executemany(
        "DELETE FROM held_in_a_row WHERE series = ?", {(series,) for series, _ in intervals}
    )


def drop(state: Tables, some: Iterable[Held]) -> None:
    """Forget held results as they were listed: one that has been replaced meanwhile stays."""
    with state.transaction() as connection:
        for one in some:
            (number,) = connection.execute(
                "SELECT id FROM series WHERE tsv = ?", (one.tsv,)
            ).fetchone()
            connection.execute(
                "DELETE FROM held WHERE series = ? AND start = ? AND at = ?",
                (number, one.start, one.at),
            )
            connection.execute("DELETE FROM held_in_a_row WHERE series = ?", (number,))


def starts(state: Tables, report: str, granularity: Granularity) -> dict[str, list[str]]:
    """Return the starts of a report's held intervals of a granularity, by TSV."""
    found: dict[str, list[str]] = defaultdict(list)
    with state.reading() as connection:
        for tsv, start in connection.execute(
            "SELECT tsv, start FROM held JOIN series ON series.id = held.series"
            " WHERE report = ? AND granularity = ? ORDER BY tsv, start",
            (report, granularity.value),
        ):
            found[str(tsv)].append(str(start))
    return found


def full(state: Tables, report: str) -> dict[str, str]:
    """Return the TSVs of a report's series that wait for a decision, each with its query's digest."""
    with state.reading() as connection:
        return dict(
            connection.execute(
                "SELECT tsv, digest FROM held_in_a_row JOIN series ON id = series"
                " WHERE report = ? AND times >= ?",
                (report, MOST_IN_A_ROW),
            )
        )


def in_a_row(connection: sqlite3.Connection, tsv: str, digest: str) -> int:
    """Return how many of the last results of a series were held that its query, as it is, gave."""
    found = connection.execute(
        "SELECT times FROM held_in_a_row WHERE digest = ?"
        " AND series = (SELECT id FROM series WHERE tsv = ?)",
        (digest, tsv),
    ).fetchone()
    return int(found[0]) if found else 0


def is_held(connection: sqlite3.Connection, tsv: str, start: str) -> bool:
    """Return whether a result of an interval is held."""
    found = connection.execute(
        "SELECT 1 FROM held WHERE series = (SELECT id FROM series WHERE tsv = ?) AND start = ?",
        (tsv, start),
    )
    return found.fetchone() is not None


_OF_HELD = "report, tsv, start, found_by, why, digest, at"


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Held]:
    """Return all held results, by TSV and start."""
    if not schema.has_held(connection):
        return []
    found = valid.rows(
        connection,
        "held",
        (valid.is_name, valid.is_name, *(valid.is_text,) * 4, valid.is_stamp),
        f"SELECT {_OF_HELD} FROM held JOIN series ON series.id = held.series ORDER BY tsv, start",
        ignored=ignored,
    )
    return [Held(*row) for row in found]


def kept(state: Tables, one: Held) -> Kept | None:
    """Return a held result with its rows; None where it has been replaced since it was listed.

    Raises StateError where it is not what was committed.
    """
    with state.reading() as connection:
        found = connection.execute(
            "SELECT checksum, start, granularity, header, rows, owner_group, max_data_points"
            " FROM held JOIN series ON series.id = held.series"
            " WHERE tsv = ? AND start = ? AND at = ?",
            (one.tsv, one.start, one.at),
        ).fetchone()
    if found is None:
        return None
    check, *values = found
    if check != checksum(one.tsv, *values):
        raise state.damaged(f"a held result of {one.tsv} is not what was committed")
    start, granularity, header, rows, group, max_data_points = values
    try:
        return Kept(
            one,
            Result(
                start,
                Granularity(granularity),
                dialect.parse(header)[0],
                rows,
                group,
                max_data_points,
            ),
        )
    except (ValueError, LookupError, csv.Error) as error:
        raise state.damaged(f"a held result of {one.tsv} cannot be one: {error}") from None
