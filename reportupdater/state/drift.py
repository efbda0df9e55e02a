"""How often the intervals of a report were computed again, and what changed by that."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import suppress
from typing import NamedTuple

from reportupdater.state import schema, valid
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect
from reportupdater.tsv.header import Header


class Again(NamedTuple):
    """An interval that was computed again, in the last 90 days."""

    start: str
    at: str


class Late(NamedTuple):
    """A result that changed what the same query had given before."""

    tsv: str
    start: str
    number: int
    at: str
    header: Header
    rows: list[tuple[str, ...]]
    """Those before."""
    is_late: bool
    """Whether the same query gave both; else it is here for its rows alone."""


def computed_again(
    connection: sqlite3.Connection, report: str, ignored: Ignored | None = None
) -> list[Again]:
    """Return how often and when the intervals of a report were computed again."""
    if "attempts" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "attempts",
        (valid.is_text, valid.is_stamp),
        "SELECT start, at FROM attempts JOIN series ON series.id = attempts.series"
        " WHERE report = ? AND NOT failed AND reason IN ('rerun', 'lookback')",
        (report,),
        ignored=ignored,
    )
    return [Again(*row) for row in found]


def changed(
    connection: sqlite3.Connection, report: str, ignored: Ignored | None = None
) -> list[Late]:
    """Return the revisions of a report whose former rows are kept, by TSV, start and number."""
    if "revisions" not in schema.tables(connection):
        return []
    found = valid.rows(
        connection,
        "revisions",
        (
            *(valid.is_name, valid.is_text, valid.is_count, valid.is_stamp),
            *(valid.is_text, valid.is_text, valid.is_count),
        ),
        "SELECT tsv, start, number, at, header, rows,"
        " reason IN ('rerun', 'lookback') AND query IS former_query"
        " FROM revisions JOIN series ON series.id = revisions.series"
        " WHERE report = ? AND rows IS NOT NULL ORDER BY tsv, start, number",
        (report,),
        ignored=ignored,
    )
    late: list[Late] = []
    for tsv, start, number, at, header, rows, is_late in found:
        with suppress(csv.Error, IndexError):
            columns = dialect.parse(header)[0] if header else ()
            late.append(Late(tsv, start, number, at, columns, dialect.parse(rows), bool(is_late)))
    return late
