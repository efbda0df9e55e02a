"""States of older versions: what makes the next version of each."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing

from reportupdater import spelling
from reportupdater.state.schema import (
    BEFORE,
    HISTORY,
    SCHEMA,
    VERSION,
    columns,
    execute,
    statement,
    tables,
)

FAILING_BEFORE = """
SELECT series, start, count(*) AS times, max(at) AS last_at, error  -- the error of the last
FROM attempts AS bad WHERE failed AND NOT EXISTS (
    SELECT 1 FROM attempts AS good WHERE good.series = bad.series AND good.start = bad.start
    AND good.failed = 0 AND good.at > bad.at
) GROUP BY series, start
"""
"""What `failing` holds, of a state of before it had that table."""


def _to_2(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS outbox_version (number INTEGER NOT NULL)")
    highest = connection.execute(
        "SELECT max(coalesce((SELECT max(version) FROM outbox), 0),"
        " coalesce((SELECT max(number) FROM outbox_version), 0))"
    ).fetchone()
    connection.execute("DELETE FROM outbox_version")
    connection.execute("INSERT INTO outbox_version VALUES (?)", highest)


def _to_3(connection: sqlite3.Connection) -> None:
    """Begin attempts anew. Those of before are summed up by `upgrade.sum_up`, a part at a time."""
    if "failing" in tables(connection):
        return
    failing = connection.execute(FAILING_BEFORE).fetchall()
    connection.execute(f"ALTER TABLE attempts RENAME TO {BEFORE}")
    execute(connection, HISTORY)
    of_it = f"FROM {BEFORE} WHERE series = ?1 AND start = ?2 AND"
    connection.executemany(
        "INSERT INTO failing (series, start, times, first_at, last_at, error)"
        f" SELECT ?1, ?2, ?3, min(at), ?4, ?5 {of_it} failed"
        f" AND at >= coalesce((SELECT max(at) {of_it} NOT failed), '')",
        failing,
    )


def _to_4(connection: sqlite3.Connection) -> None:
    """Give datapoints their series, and destinations, which were `host:port`, as URLs."""
    if ("outbox", "series") not in columns(connection):
        for table, further in (("outbox", ", '', 0"), ("sent_metrics", "")):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
            connection.execute(statement(table))
            connection.execute(f"INSERT INTO {table} SELECT *{further} FROM {table}_before")
            connection.execute(f"DROP TABLE {table}_before")
    for table in ("outbox", "senders", "sent_metrics"):
        found = connection.execute(
            f"SELECT DISTINCT destination FROM {table} WHERE destination NOT LIKE '%://%'"
        ).fetchall()
        connection.executemany(
            f"UPDATE OR REPLACE {table} SET destination = ? WHERE destination = ?",
            [(_url(destination), destination) for (destination,) in found],
        )


def _to_5(connection: sqlite3.Connection) -> None:
    """Find datapoints by their series, and note which are still to be made."""
    there = tables(connection)
    connection.execute("CREATE INDEX IF NOT EXISTS outbox_series ON outbox (series, timestamp)")
    if "unsent" not in there:
        connection.execute(statement("unsent"))


def _to_6(connection: sqlite3.Connection) -> None:
    """Keep held results, a moment of the next try of failing intervals, and one name of each receiver."""
    there = tables(connection)
    for table in ("held", "held_in_a_row", "emptied", "series_keys", "rerun_files"):
        if table not in there:
            connection.execute(statement(table))
    connection.execute(
        "CREATE INDEX IF NOT EXISTS series_keys_series ON series_keys (series, destination)"
    )
    if ("marks", "allow_empty") not in columns(connection):
        connection.execute("ALTER TABLE marks ADD COLUMN allow_empty INTEGER NOT NULL DEFAULT 0")
    for column in ("retry_at", "digest"):
        if ("failing", column) not in columns(connection):
            connection.execute(f"ALTER TABLE failing ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    _join_receivers(connection)


def _join_receivers(connection: sqlite3.Connection) -> None:
    """Give what is pending for one receiver under several names its one name: the newest value wins."""
    found = connection.execute(
        "SELECT destination FROM outbox UNION SELECT destination FROM sent_metrics"
        " UNION SELECT destination FROM senders"
    ).fetchall()
    for (old,) in found:
        new = _joined(old)
        if new == old:
            continue
        # Which of two values is on its way is not known: what is left is sent twice.
        connection.execute(
            "INSERT INTO outbox (destination, key, timestamp, value, version, sends, unacknowledged,"
            " series) SELECT ?1, key, timestamp, value, version, sends, unacknowledged, series"
            " FROM outbox WHERE destination = ?2 ON CONFLICT DO UPDATE SET sends = 2,"
            " unacknowledged = 1, value = iif(excluded.version > version, excluded.value, value),"
            " series = iif(excluded.version > version, excluded.series, series),"
            " version = max(excluded.version, version)",
            (new, old),
        )
        connection.execute("DELETE FROM outbox WHERE destination = ?", (old,))
        for table in ("senders", "sent_metrics"):
            connection.execute(
                f"UPDATE OR REPLACE {table} SET destination = ? WHERE destination = ?", (new, old)
            )


def _joined(destination: str) -> str:
    """Return a destination with the one spelling of its host."""
    scheme, separator, place = destination.partition("://")
    name, colon, port = place.rpartition(":")
    if not (separator and colon):
        return destination
    host = spelling.host(name)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _url(place: str) -> str:
    host, _, port = place.rpartition(":")
    return f"graphite://[{host}]:{port}" if ":" in host else f"graphite://{place}"


def _to_7(connection: sqlite3.Connection) -> None:
    """Keep which query gave which result, and former results; and name the datapoints that are emptied.

    Of before that is not known.
    """
    if ("emptied", "points") not in columns(connection):
        connection.execute("ALTER TABLE emptied RENAME TO emptied_before")
        connection.execute(statement("emptied"))
        connection.execute(
            "INSERT INTO emptied SELECT series, start, 'graphite', '' FROM emptied_before"
        )
        connection.execute("DROP TABLE emptied_before")
    there = tables(connection)
    for table in ("queries", "computed", "revisions", "renamed", "successes", "waits"):
        if table not in there:
            connection.execute(statement(table))
    connection.execute(
        "CREATE INDEX IF NOT EXISTS revisions_kept_until ON revisions (kept_until)"
        " WHERE rows IS NOT NULL"
    )


def _to_8(connection: sqlite3.Connection) -> None:
    """Number the revisions of datapoints, for sinks that need that."""
    if ("outbox", "revision") not in columns(connection):
        connection.execute("ALTER TABLE outbox ADD COLUMN revision INTEGER DEFAULT 0")
    connection.execute(
        "CREATE INDEX IF NOT EXISTS outbox_unnumbered ON outbox (destination, key, timestamp)"
        " WHERE revision IS NULL"
    )
    there = tables(connection)
    for table in ("numbered", "last_revisions"):
        if table not in there:
            connection.execute(statement(table))


UPGRADES = {1: _to_2, 2: _to_3, 3: _to_4, 4: _to_5, 5: _to_6, 6: _to_7, 7: _to_8}
"""Version → what makes the next one of it, whichever of its tables are there already."""


def make(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables as they are now of those of a version, inside a transaction; 0 is a new file."""
    if version:
        for step in range(version, VERSION):
            UPGRADES[step](connection)
    else:
        execute(connection, SCHEMA)
    connection.execute(f"PRAGMA user_version = {VERSION}")


_MADE_LATER = frozenset(
    (
        "outbox_version",
        "answered",
        "failing",
        "unsent",
        "held",
        "held_in_a_row",
        "emptied",
        "series_keys",
        "rerun_files",
        "queries",
        "computed",
        "revisions",
        "renamed",
        "successes",
        "waits",
        "numbered",
        "last_revisions",
    )
)
"""The tables that the first version had not."""


def check_older(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where a state of an older version cannot become one of the present."""
    with closing(sqlite3.connect(":memory:")) as present:
        present.executescript(SCHEMA)
        wanted = columns(present)
    found = columns(connection) | _ADDED
    by_place = Counter(table for table, _ in found if table in _BY_PLACE)
    needed = {one for one in wanted if one[0] not in _MADE_LATER | _BY_PLACE.keys()}
    if not needed <= found or by_place < _BY_PLACE:
        raise sqlite3.DatabaseError("it lacks tables or columns")


_BY_PLACE = Counter({"outbox": 7, "sent_metrics": 2})
"""Tables that version 4 makes anew of all columns that they had, in their order: how many these are."""


_ADDED = {("marks", "allow_empty")}
"""Columns that were added to a table which the first version had."""


def attempts_not_summed_up(connection: sqlite3.Connection) -> tuple[bool, str]:
    """Whether there are sums of attempts, and the table of attempts that are not in them, if any is."""
    there = tables(connection)
    if "answered" not in there:
        return False, "attempts"
    return True, BEFORE if BEFORE in there else ""
