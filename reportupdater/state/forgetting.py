"""Forgetting what the state has of series, of a report, or of a destination."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reportupdater.state.tables import Tables

_OF_SERIES = (
    *("journal", "held", "held_in_a_row", "marks", "unsent", "attempts", "answered", "failing"),
    *("emptied", "computed", "revisions", "renamed", "successes", "waits"),
    "series_keys",
)
"""Tables with rows of a series, which its number names."""


class Sent(NamedTuple):
    """A key under which a sink may have datapoints of a series."""

    destination: str
    key: str


def known_series(connection: sqlite3.Connection, report: str) -> list[str]:
    """Return the TSVs of a report that the state knows."""
    found = connection.execute("SELECT tsv FROM series WHERE report = ? ORDER BY tsv", (report,))
    return [str(tsv) for (tsv,) in found]


def keys_of(connection: sqlite3.Connection, tsvs: Sequence[str]) -> list[Sent]:
    """Return the keys of series in the sinks."""
    found: list[Sent] = []
    for tsv in tsvs:
        found += [
            Sent(*map(str, row))
            for row in connection.execute(
                "SELECT destination, key FROM series_keys JOIN series ON series.id = series_keys.series"
                " WHERE tsv = ? ORDER BY destination, key",
                (tsv,),
            )
        ]
    return found


def forget_series(state: Tables, tsvs: Iterable[str]) -> int:
    """Forget series; return how many datapoints of theirs were pending."""
    pending = 0
    with state.transaction() as connection:
        for tsv in tsvs:
            pending += connection.execute("DELETE FROM outbox WHERE series = ?", (tsv,)).rowcount
            connection.execute("DELETE FROM coverage WHERE tsv = ?", (tsv,))
            row = connection.execute("SELECT id FROM series WHERE tsv = ?", (tsv,)).fetchone()
            if row is None:
                continue
            for table in _OF_SERIES:
                connection.execute(f"DELETE FROM {table} WHERE series = ?", row)
            connection.execute("DELETE FROM series WHERE id = ?", row)
    return pending


def forget_report(state: Tables, report: str) -> None:
    """Forget what is known of a report beside its series."""
    with state.transaction() as connection:
        for table in ("owners", "reports", "mark_files", "rerun_files", "coverage"):
            connection.execute(f"DELETE FROM {table} WHERE report = ?", (report,))


def forget_destination(state: Tables, destination: str) -> int:
    """Forget a destination; return how many datapoints were pending for it."""
    with state.transaction() as connection:
        pending = connection.execute(
            "DELETE FROM outbox WHERE destination = ?", (destination,)
        ).rowcount
        for table in ("senders", "sent_metrics", "series_keys"):
            connection.execute(f"DELETE FROM {table} WHERE destination = ?", (destination,))
    return pending
