"""Published results that later ones have replaced: when, why, by which query, and the former rows.

Former rows are kept for as long as the report says; the number of the last revision is for ever.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect
from reportupdater.tsv.header import Header

_LET_GO = 2_000
"""Revisions whose rows one run lets go of."""


class Replaced(NamedTuple):
    """The rows that a result replaces: none where those of its interval were deleted by hand."""

    series: int
    start: str
    header: Header
    rows: list[tuple[str, ...]]
    reason: str
    run: int | None
    """The number of the run that gave the new result; None for an accepted one."""
    query: int
    """The number of the query that gave it."""
    former_query: int | None
    """That of the one that gave the rows before; None where it is not known."""
    kept_until: str


class Revision(NamedTuple):
    """The n-th published result of an interval, and the rows of the one before."""

    start: str
    number: int
    at: str
    reason: str
    run: int | None
    digest: str
    """That of the query that gave it; empty where that is not known."""
    header: Header | None
    """None where the former rows are kept no longer."""
    rows: tuple[tuple[str, ...], ...]


def note(connection: sqlite3.Connection, some: Iterable[Replaced], at: str) -> None:
    """Keep what results replace, inside the transaction that stores them."""
    connection.executemany(
        "INSERT INTO revisions VALUES (?1, ?2, (SELECT coalesce(max(number), 1) + 1 FROM revisions"
        " WHERE series = ?1 AND start = ?2), ?10, ?5, ?6, ?7, ?8, ?9, ?3, ?4)",
        [
            (
                *(one.series, one.start),
                dialect.lines([one.header]) if one.header else "",
                dialect.lines(one.rows),
                *(one.reason, one.run, one.query, one.former_query, one.kept_until, at),
            )
            for one in some
        ],
    )


def let_go(connection: sqlite3.Connection, now: str) -> None:
    """Let go of former rows that were kept long enough, as many as is quick."""
    found = connection.execute(
        "SELECT series, start, number FROM revisions"
        " WHERE rows IS NOT NULL AND kept_until < ? LIMIT ?",
        (now, _LET_GO),
    ).fetchall()
    for one in found:
        connection.execute(
            "UPDATE revisions SET header = NULL, rows = NULL"
            " WHERE series = ? AND start = ? AND number = ?",
            one,
        )
        connection.execute(  # the highest number stays
            "DELETE FROM revisions WHERE series = ?1 AND start = ?2 AND number < ?3"
            " AND rows IS NULL",
            one,
        )


def of_series(
    connection: sqlite3.Connection,
    tsv: str,
    start: str | None = None,
    ignored: Ignored | None = None,
) -> list[Revision]:
    """Return the revisions of a series, or of one of its intervals, by start and number."""
    if "revisions" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "revisions",
        (
            *(valid.is_text, valid.is_count, valid.is_stamp, valid.is_text),
            *(valid.or_none(valid.is_count), valid.is_text),
            *(valid.or_none(valid.is_text), valid.or_none(valid.is_text)),
        ),
        "SELECT start, number, at, reason, run, coalesce(digest, ''), header, rows FROM revisions"
        " JOIN series ON series.id = revisions.series LEFT JOIN queries ON queries.id = query"
        " WHERE tsv = ?1 AND (?2 IS NULL OR start = ?2) ORDER BY start, number",
        (tsv, start),
        ignored=ignored,
    )
    return [
        Revision(begin, number, at, reason, run, digest, *_table(header, rows))
        for begin, number, at, reason, run, digest, header, rows in found
    ]


def _table(
    header: str | None, rows: str | None
) -> tuple[Header | None, tuple[tuple[str, ...], ...]]:
    if header is None or rows is None:
        return None, ()
    try:
        return (dialect.parse(header)[0] if header else ()), tuple(dialect.parse(rows))
    except (csv.Error, IndexError):
        return None, ()
