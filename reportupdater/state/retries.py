"""Intervals that have failed, and when they are tried again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.state import schema
from reportupdater.state.tables import Tables


class Retry(NamedTuple):
    """An interval that has failed since it last succeeded, and when it is tried again."""

    start: str
    at: str
    """When it failed last."""
    retry_at: str
    """Empty: by the next run."""
    digest: str
    """That of the query that failed last."""
    error: str
    """The last."""


def of_report(state: Tables, report: str) -> dict[str, list[Retry]]:
    """Return the intervals of a report that have failed since they last succeeded, by TSV."""
    found: dict[str, list[Retry]] = {}
    with state.reading() as connection:
        if schema.has_failing(connection):
            for tsv, *row in connection.execute(
                "SELECT tsv, start, last_at, retry_at, digest, error FROM failing"
                " JOIN series ON series.id = failing.series WHERE report = ?",
                (report,),
            ):
                found.setdefault(str(tsv), []).append(Retry(*map(str, row)))
    return found


def retry_now(connection: sqlite3.Connection, intervals: Iterable[tuple[str, str]]) -> None:
    """Let intervals, given as TSV and start, be tried by the next run, however often they failed."""
    connection.executemany(
        "UPDATE failing SET retry_at = ''"
        " WHERE series = (SELECT id FROM series WHERE tsv = ?) AND start = ?",
        intervals,
    )
