"""When the newest intervals of series had their last result: of reports with a lookback alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from reportupdater.state import schema, valid
from reportupdater.state.tables import Tables


def note(
    connection: sqlite3.Connection, series: int, starts: Iterable[str], at: str, oldest: str
) -> None:
    """Note that intervals had a result; those that start before the `oldest` are let go of."""
    connection.executemany(
        "INSERT OR REPLACE INTO successes VALUES (?, ?, ?)", [(series, one, at) for one in starts]
    )
    connection.execute("DELETE FROM successes WHERE series = ? AND start < ?", (series, oldest))


def of_report(state: Tables, report: str) -> dict[str, dict[str, datetime]]:
    """Return when the intervals of a report had their last result, by TSV and start."""
    found: dict[str, dict[str, datetime]] = {}
    with state.reading() as connection:
        if "successes" not in schema.tables(connection):
            return found
        for tsv, start, at in valid.rows(
            connection,
            "successes",
            (valid.is_name, valid.is_text, valid.is_stamp),
            "SELECT tsv, start, at FROM successes JOIN series ON series.id = series WHERE report = ?",
            (report,),
        ):
            found.setdefault(tsv, {})[start] = datetime.fromisoformat(at.removesuffix("Z"))
    return found
