"""Which query gave the results of a series: for each, the intervals that have a result of it.

What is not known, of rows that another program wrote or that are of before this table, is not older.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from reportupdater.intervals import Coverage, Granularity
from reportupdater.state import schema, valid
from reportupdater.state.coverage import covered, spelled
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect
from reportupdater.tsv.header import Header


class Query(NamedTuple):
    """What gave results: the digest of a query, for intervals of a granularity."""

    digest: str
    granularity: Granularity


class Part(NamedTuple):
    """The intervals of a series that have results of one query."""

    intervals: Coverage
    header: Header = ()
    """That of its newest result with rows; empty where there was none."""


Parts = dict[Query, Part]


def of_series(connection: sqlite3.Connection, tsv: str) -> Parts:
    """Return the queries that gave the results of a series."""
    found = connection.execute(
        "SELECT digest, granularity, runs, header FROM computed JOIN queries ON id = query"
        " WHERE series = (SELECT id FROM series WHERE tsv = ?)",
        (tsv,),
    )
    return dict(filter(None, map(_part, found.fetchall())))


def write(connection: sqlite3.Connection, series: int, parts: Iterable[tuple[Query, Part]]) -> None:
    """Write some of the queries of a series, inside a transaction; one without intervals goes."""
    for query, part in parts:
        number = query_id(connection, query)
        if part.intervals:
            header = dialect.lines([part.header]) if part.header else ""
            connection.execute(
                "INSERT OR REPLACE INTO computed VALUES (?, ?, ?, ?)",
                (series, number, spelled(part.intervals), header),
            )
        else:
            connection.execute(
                "DELETE FROM computed WHERE series = ? AND query = ?", (series, number)
            )


def query_id(connection: sqlite3.Connection, query: Query) -> int:
    """Return the number of a query, given when it is first asked for."""
    known = connection.execute("SELECT id FROM queries WHERE digest = ?", query[:1]).fetchone()
    if known is None:
        known = connection.execute(
            "INSERT INTO queries (digest, granularity) VALUES (?, ?) RETURNING id",
            (query.digest, query.granularity.value),
        ).fetchone()
    return int(known[0])


def given_to(parts: Parts, query: Query, numbers: Coverage, header: Header = ()) -> Parts:
    """Return the queries of a series with intervals given to one of them, and taken from the others.

    `header` is that of its newest result with rows, where there is another one now.
    """
    found = {
        other: part._replace(intervals=part.intervals.without(numbers))
        if other.granularity is query.granularity
        else part
        for other, part in parts.items()
        if other != query
    }
    mine = parts.get(query, Part(Coverage()))
    runs = sorted([*mine.intervals.without(numbers).runs, *numbers.runs])
    found[query] = Part(Coverage.joined(runs), header or mine.header)
    return found


def gone(parts: Parts, present: Query) -> list[str]:
    """Return the columns that results of other queries have and those of the present one lack."""
    here = parts.get(present)
    if here is None or not here.header:
        return []
    names: dict[str, None] = {}
    for query, part in parts.items():
        if query != present and query.granularity is present.granularity:
            names.update(dict.fromkeys(part.header[1:]))
    return [name for name in names if name not in here.header]


def older(
    connection: sqlite3.Connection, report: str, digest: str, ignored: Ignored | None = None
) -> dict[str, Parts]:
    """Return the series of a report that have results of other queries than the present one, by TSV."""
    if "computed" not in schema.tables(connection):
        return {}
    found = valid.rows(
        connection,
        "computed",
        (valid.is_name, *(valid.is_text,) * 4),
        "SELECT tsv, digest, granularity, runs, header FROM computed"
        " JOIN queries ON queries.id = query JOIN series ON series.id = series"
        " WHERE series IN (SELECT series FROM computed JOIN queries ON queries.id = query"
        " JOIN series ON series.id = series WHERE report = ?1 AND digest <> ?2) ORDER BY tsv",
        (report, digest),
        ignored=ignored,
    )
    parts: dict[str, Parts] = {}
    for tsv, *row in found:
        one = _part(tuple(row))
        if one is not None:
            parts.setdefault(tsv, {})[one[0]] = one[1]
    return parts


def _part(row: tuple[str, ...]) -> tuple[Query, Part] | None:
    """Return what a row holds; None where it is not what was written."""
    digest, granularity, runs, header = row
    with suppress(ValueError, OverflowError, TypeError, AttributeError):
        unit = Granularity(granularity)
        columns = dialect.parse(header)[0] if header else ()
        return Query(digest, unit), Part(covered(runs, unit), columns)
    return None
