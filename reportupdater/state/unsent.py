"""Results whose datapoints were not put into the outbox for a sink: `resend` makes them from the rows.

A run from a terminal sends nothing, a wrong column withholds what it should fill. Of each series and
sink the first and the last such interval are kept: what lies between may have been sent, and sending
it once more changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.valid import Ignored


class Unsent(NamedTuple):
    """The first and the last interval of a series that a sink has not been sent."""

    report: str
    tsv: str
    sink: str
    first: str
    last: str


def note(connection: sqlite3.Connection, results: Iterable[tuple[int, str, str]]) -> None:
    """Note results, given as series, sink and start, in the transaction that stores them."""
    connection.executemany(
        "INSERT INTO unsent VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO UPDATE SET"
        " first = min(first, excluded.first), last = max(last, excluded.last)",
        results,
    )


def dated(connection: sqlite3.Connection, tsv: str) -> tuple[int, str, bool]:
    """Return the number of a series, its report, and whether its rows are dated by the hour.

    The report is empty where the series is not known.
    """
    found = connection.execute(
        "SELECT id, series.report, granularity = 'hours' FROM series LEFT JOIN owners USING (report)"
        " WHERE tsv = ?",
        (tsv,),
    ).fetchone()
    return (int(found[0]), str(found[1]), bool(found[2])) if found else (0, "", False)


def label(timestamp: int, *, has_hours: bool) -> str:
    """Return a moment as the rows of a report are dated."""
    text = datetime.fromtimestamp(timestamp, UTC).isoformat()[:19]
    return text if has_hours else text[:10]


def put(
    connection: sqlite3.Connection, series: int, sink: str, first: str | None, past: str | None
) -> None:
    """Forget what is noted of a series and sink if all of it lies in `[first, past)`, which was put.

    None means without end.
    """
    connection.execute(
        "DELETE FROM unsent WHERE series = ? AND sink = ?"
        " AND (?3 IS NULL OR first >= ?3) AND (?4 IS NULL OR last < ?4)",
        (series, sink, first, past),
    )


def lacks(connection: sqlite3.Connection, tsv: str) -> bool:
    """Return whether anything is noted of a series."""
    return not schema.is_empty(connection, "unsent") and (
        connection.execute(
            "SELECT 1 FROM unsent JOIN series ON series.id = series WHERE tsv = ?", (tsv,)
        ).fetchone()
        is not None
    )


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Unsent]:
    """Return all that is noted, by TSV."""
    found = valid.rows(
        connection,
        "unsent",
        (valid.is_name, valid.is_name, *(valid.is_text,) * 3),
        "SELECT report, tsv, sink, first, last FROM unsent JOIN series ON series.id = unsent.series"
        " ORDER BY tsv, sink",
        ignored=ignored,
    )
    return [Unsent(*row) for row in found]


class Lacking(NamedTuple):
    """What a sink lacks of a report: the first and the last interval, and of how many series."""

    sink: str
    first: str
    last: str
    series: int

    @property
    def which(self) -> str:
        """Which values it lacks, in words."""
        when = self.first if self.first == self.last else f"{self.first} to {self.last}"
        return f"of {when}" + ("" if self.series == 1 else f" ({self.series:,} series)")


def lacking(found: Iterable[Unsent]) -> list[Lacking]:
    """Return what the sinks lack of a report, of whose series these are."""
    by_sink: dict[str, Lacking] = {}
    for one in found:
        other = by_sink.get(one.sink, Lacking(one.sink, one.first, one.last, 0))
        first, last = min(one.first, other.first), max(one.last, other.last)
        by_sink[one.sink] = Lacking(one.sink, first, last, other.series + 1)
    return list(by_sink.values())
