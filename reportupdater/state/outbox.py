"""Datapoints that a sink has not acknowledged.

One row for a destination, path and timestamp. A later commit replaces the value and raises the
version; a point is removed only up to the version at which it was sent, so that an old value can
never win over a new one. A point of a sending that failed, which a receiver may yet read, is sent
twice once its value changes: what is left of the failed sending may be read after the new value's
first sending, and not after its second.

Versions count upwards over all points: whatever is put after a batch was read has a higher one than
all of it, so that the batch, whose points lie next to each other, is acknowledged by one statement.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reportupdater.model import Datapoint, SinkSettings
from reportupdater.state import schema, unsent, valid
from reportupdater.state.connection import look
from reportupdater.state.database import State
from reportupdater.state.many import insert
from reportupdater.state.valid import Ignored

_OF_BATCH = "destination = ? AND (key, timestamp) >= (?, ?) AND (key, timestamp) <= (?, ?)"


class Batch(NamedTuple):
    """All pending datapoints of a destination between the first and the last, when it was read."""

    points: list[Datapoint]
    version: int
    """The highest that had been given. A point that has a higher one stays pending."""

    def place(self, destination: str) -> tuple[str, str, int, str, int]:
        """Return where it lies in the outbox, for `_OF_BATCH`."""
        first, last = self.points[0], self.points[-1]
        return destination, first.key, first.timestamp, last.key, last.timestamp


def put(
    connection: sqlite3.Connection, destination: str, series: str, points: Sequence[Datapoint]
) -> None:
    """Enqueue datapoints for a destination, inside the transaction that stores their rows.

    `series` is the path of the TSV that has the rows.
    """
    if not points:
        return
    found = connection.execute("UPDATE outbox_version SET number = number + 1 RETURNING number")
    (version,) = found.fetchone()
    insert(
        connection,
        "INSERT INTO outbox (destination, version, series, key, value, timestamp, revision)"
        " VALUES {rows}"
        " ON CONFLICT DO UPDATE SET"
        " sends = CASE WHEN unacknowledged AND value != excluded.value THEN 2 ELSE sends END,"
        " value = excluded.value, version = excluded.version, series = excluded.series,"
        " revision = iif(revision IS NULL, NULL, excluded.revision)",  # it is to be asked for
        points,
        destination,
        version,
        series,
    )


def known_keys(
    connection: sqlite3.Connection, destination: str, series: int, keys: Iterable[str]
) -> set[str]:
    """Return those of some keys that are known to be a series'."""
    found = connection.execute(
        "SELECT taken.key FROM json_each(?3) AS asked JOIN series_keys AS taken"
        " ON taken.destination = ?1 AND taken.key = asked.value AND taken.series = ?2",
        (destination, series, json.dumps(sorted(keys))),
    )
    return {str(key) for (key,) in found}


def claim_keys(
    connection: sqlite3.Connection, destination: str, series: int, keys: Iterable[str]
) -> dict[str, str]:
    """Note which series has which keys, inside a transaction; return those of others, with their TSVs."""
    texts = json.dumps(sorted(keys))
    connection.execute(
        "INSERT OR IGNORE INTO series_keys SELECT ?, value, ? FROM json_each(?)",
        (destination, series, texts),
    )
    return dict(
        connection.execute(
            "SELECT taken.key, tsv FROM json_each(?3) AS asked JOIN series_keys AS taken"
            " ON taken.destination = ?1 AND taken.key = asked.value AND taken.series != ?2"
            " JOIN series ON series.id = taken.series",
            (destination, series, texts),
        )
    )


def has_other_keys(
    connection: sqlite3.Connection, destination: str, series: int, keys: Iterable[str]
) -> bool:
    """Return whether a series had keys in a destination before it had these."""
    found = connection.execute(
        "SELECT 1 FROM series_keys WHERE series = ?1 AND destination = ?2"
        " AND key NOT IN (SELECT value FROM json_each(?3)) LIMIT 1",
        (series, destination, json.dumps(sorted(keys))),
    )
    return found.fetchone() is not None


def take_keys(
    connection: sqlite3.Connection, destination: str, series: int, keys: Iterable[str]
) -> None:
    """Give keys to a series, since those that had them are gone."""
    connection.executemany(
        "UPDATE series_keys SET series = ? WHERE destination = ? AND key = ?",
        [(series, destination, key) for key in keys],
    )


def drop_replaced(
    connection: sqlite3.Connection,
    intervals: Iterable[tuple[str, int, int]],
    version: int,
) -> None:
    """Remove what is pending for intervals of series that have new results, at every destination.

    An interval is a TSV's path and the seconds in which it starts and ends. What was put above
    `version` is of the new results. Inside the transaction that stores them.
    """
    connection.executemany(
        "DELETE FROM outbox WHERE series = ? AND timestamp >= ? AND timestamp < ? AND version <= ?",
        [(*interval, version) for interval in _joined(intervals)],
    )


def _joined(intervals: Iterable[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """Yield intervals, those of a series as one that follow each other: as nearly all of a backfill do."""
    series, first, past = "", 0, 0
    for tsv, start, end in sorted(intervals):
        if tsv != series or start != past:
            if series:
                yield series, first, past
            series, first = tsv, start
        past = end
    if series:
        yield series, first, past


def version(connection: sqlite3.Connection) -> int:
    """Return the highest version that was given."""
    return int(connection.execute("SELECT number FROM outbox_version").fetchone()[0])


def remove_odd(state: State, destination: str, takes: Callable[[str], bool]) -> int:
    """Remove what can be no datapoint: no receiver would take it, or for something else. How many.

    `takes` says whether a text can be a series key.
    """
    odd_types = " OR ".join(
        f"typeof({name}) != '{kind}'"
        for kind, names in (
            ("text", ("key", "value", "series")),
            ("integer", ("timestamp", "version", "sends", "unacknowledged")),
        )
        for name in names
    )
    odd_types += " OR typeof(revision) NOT IN ('integer', 'null')"
    # A white space or control character ends a value, or a line.
    odd_value = "value GLOB '*[' || char(1) || '- ]*' OR instr(value, char(0))"
    with state.transaction() as connection:
        removed = connection.execute(
            f"DELETE FROM outbox WHERE destination = ? AND ({odd_types} OR {odd_value})",
            (destination,),
        ).rowcount
        keys = connection.execute(
            "SELECT DISTINCT key FROM outbox WHERE destination = ?", (destination,)
        )
        for odd in [key for (key,) in keys if not takes(key)]:
            removed += connection.execute(
                "DELETE FROM outbox WHERE destination = ? AND key = ?", (destination, odd)
            ).rowcount
    return removed


def begin(state: State, destination: str) -> None:
    """Note that this process, and no other, sends to a destination from now on.

    If the last one that did was killed, it is unknown which points it was sending, and which of them
    have been replaced since.
    """
    with state.transaction() as connection:
        fresh = connection.execute("INSERT OR IGNORE INTO senders VALUES (?)", (destination,))
        if not fresh.rowcount:
            connection.execute(
                "UPDATE outbox SET unacknowledged = 1, sends = 2 WHERE destination = ?",
                (destination,),
            )


def end(state: State, destination: str) -> None:
    """Note that this process sends to a destination no more, and has noted what is unacknowledged."""
    with state.transaction() as connection:
        connection.execute("DELETE FROM senders WHERE destination = ?", (destination,))


def batch(state: State, destination: str, most: int) -> Batch:
    """Return up to `most` of the pending datapoints of a destination."""
    with state.reading() as connection:
        # First: what another run commits meanwhile is sent, and stays pending.
        (version,) = connection.execute("SELECT number FROM outbox_version").fetchone()
        found = connection.execute(
            "SELECT json_group_array(json_array(key, value, timestamp, revision)) FROM"
            " (SELECT key, value, timestamp, revision FROM outbox WHERE destination = ?"
            " ORDER BY key, timestamp LIMIT ?)",
            (destination, most),
        ).fetchone()[0]
        return Batch(list(map(Datapoint._make, json.loads(found))), version)


def unnumbered(state: State, destination: str, most: int) -> list[Datapoint]:
    """Return the earliest pending datapoint without a revision of each of some series keys.

    These have up to `most` such datapoints together, unless the first has more.
    """
    with state.reading() as connection:
        found = connection.execute(
            "SELECT key, min(timestamp), count(*) FROM outbox WHERE destination = ?"
            " AND revision IS NULL GROUP BY key ORDER BY key",
            (destination,),
        )
        points: list[Datapoint] = []
        number = 0
        for key, first, count in found:
            number += count
            if points and number > most:
                break
            points.append(Datapoint(key, "", first, None))
        return points


def acknowledge(
    state: State, destination: str, sent: Batch, again: Sequence[Datapoint] = ()
) -> None:
    """Note that a destination has read datapoints: what was not replaced meanwhile is removed.

    Those to be sent `again` stay, with the revision that they have here.
    """
    at_version = f"{_OF_BATCH} AND version <= ?"
    which = *sent.place(destination), sent.version
    paths = {point.key for point in sent.points}
    with state.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO sent_metrics VALUES (?, ?)",
            [(destination, path) for path in paths],
        )
        if again:
            connection.execute("UPDATE outbox_version SET number = number + 1")
            connection.executemany(
                "UPDATE outbox SET revision = ?, version = (SELECT number FROM outbox_version)"
                " WHERE destination = ? AND key = ? AND timestamp = ? AND version <= ?",
                [
                    (one.revision, destination, one.key, one.timestamp, sent.version)
                    for one in again
                ],
            )
        connection.execute(f"DELETE FROM outbox WHERE {at_version} AND sends = 1", which)
        connection.execute(
            f"UPDATE outbox SET sends = 1, unacknowledged = 0 WHERE {at_version}", which
        )


def doubt(state: State, destination: str, sent: Batch) -> None:
    """Note that it is unknown which of the datapoints a destination has read or will yet read.

    One that has come between them meanwhile is taken for one of them, which does no harm.
    """
    with state.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET unacknowledged = 1,"
            " sends = CASE WHEN version > ? THEN 2 ELSE sends END"  # replaced while it was sent
            f" WHERE {_OF_BATCH}",
            (sent.version, *sent.place(destination)),
        )


def remove(connection: sqlite3.Connection, destination: str, points: Iterable[Datapoint]) -> None:
    """Remove pending datapoints."""
    connection.executemany(
        "DELETE FROM outbox WHERE destination = ? AND key = ? AND timestamp = ?",
        [(destination, point.key, point.timestamp) for point in points],
    )


def note_unsent(
    connection: sqlite3.Connection, destination: str, sink: str, points: Iterable[Datapoint]
) -> list[str]:
    """Note that a sink will not take pending datapoints; return the report of each, if it is known."""
    reports: list[str] = []
    noted: dict[str, tuple[int, str, bool]] = {}
    results: list[tuple[int, str, str]] = []
    for point in points:
        found = connection.execute(
            "SELECT series FROM outbox WHERE destination = ? AND key = ? AND timestamp = ?",
            (destination, point.key, point.timestamp),
        ).fetchone()
        tsv = str(found[0]) if found else ""
        if tsv not in noted:
            noted[tsv] = unsent.dated(connection, tsv)
        number, report, has_hours = noted[tsv]
        reports.append(report)
        if report:
            results.append((number, sink, unsent.label(point.timestamp, has_hours=has_hours)))
    unsent.note(connection, results)
    return reports


def waiting(state: State, destination: str, most: int = -1) -> int:
    """Count the pending datapoints of a destination; with `most`, up to that many."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE destination = ? LIMIT ?)",
            (destination, most),
        ).fetchone()
        return int(found[0])


def destinations(connection: sqlite3.Connection) -> list[str]:
    """Return the destinations that have datapoints, pending or sent."""
    found = connection.execute(
        "SELECT destination FROM outbox UNION SELECT destination FROM sent_metrics"
        " UNION SELECT destination FROM series_keys ORDER BY destination"
    )
    return [str(destination) for (destination,) in found]


def any_waiting(state: State, sinks: Iterable[SinkSettings]) -> bool:
    """Return whether any of some sinks' destinations has pending datapoints."""
    return any(waiting(state, str(settings.destination), most=1) for settings in sinks)


def pending(connection: sqlite3.Connection, ignored: Ignored | None = None) -> dict[str, int]:
    """Return the number of pending datapoints of each destination that has any."""
    query = "SELECT destination, count(*) FROM outbox GROUP BY destination ORDER BY destination"
    checks = (valid.is_text, valid.is_count)
    return dict(valid.rows(connection, "outbox", checks, query, ignored=ignored))


def sent_metrics(output: Path, destination: str) -> set[str]:
    """Return the metric paths that a destination has got datapoints of.

    Makes no state where none is.
    """
    with look(output) as connection:
        if connection is None:
            return set()
        found = connection.execute(  # by place: an older version called the second column `path`
            "SELECT * FROM sent_metrics WHERE destination IN (?, ?)",
            (destination, destination.partition("://")[2]),
        )
        return {str(key) for _, key in found}


def keys_of_others(output: Path, destination: str, config: str) -> set[str]:
    """Return the series keys at a destination of series that another configuration last wrote."""
    with look(output) as connection:
        if connection is None or not schema.has_held(connection):
            return set()
        found = connection.execute(
            "SELECT key FROM series_keys JOIN series ON series.id = series_keys.series"
            " JOIN owners USING (report) WHERE destination = ? AND config != ?",
            (destination, config),
        )
        return {str(key) for (key,) in found}
