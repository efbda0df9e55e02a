"""The tables of the state."""

from __future__ import annotations

import sqlite3
from contextlib import closing

VERSION = 8

_WITHOUT_HISTORY = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    tsv TEXT NOT NULL UNIQUE,      -- its path, relative to the output folder
    report TEXT NOT NULL
);
CREATE TABLE journal (             -- committed results that are not in their TSV yet
    id INTEGER PRIMARY KEY,        -- a later result of an interval has the higher one
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,           -- of the interval, as the first column spells it
    granularity TEXT NOT NULL,
    header TEXT NOT NULL,          -- a line of TSV
    rows TEXT NOT NULL,            -- lines of TSV
    owner_group TEXT,
    max_data_points INTEGER,
    checksum INTEGER NOT NULL      -- of the TSV's path and all from `start` on
);
CREATE INDEX journal_series ON journal (series);
CREATE TABLE held (                -- results that failed a check: in no TSV and sink until accepted
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    granularity TEXT NOT NULL,
    header TEXT NOT NULL,
    rows TEXT NOT NULL,            -- lines of TSV
    owner_group TEXT,
    max_data_points INTEGER,
    checksum INTEGER NOT NULL,     -- as that of the journal
    found_by TEXT NOT NULL,        -- the name of the check
    why TEXT NOT NULL,
    digest TEXT NOT NULL,          -- of the query that gave it
    at TEXT NOT NULL,
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE held_in_a_row (       -- series whose last results were held, with none published since
    series INTEGER PRIMARY KEY REFERENCES series,
    times INTEGER NOT NULL,
    digest TEXT NOT NULL           -- of the query that gave them
);
CREATE TABLE emptied (             -- datapoints that rows give no more, and a sink still has
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,           -- of the interval
    sink TEXT NOT NULL,
    points TEXT NOT NULL,          -- JSON: keys and timestamps; empty: all of the interval
    PRIMARY KEY (series, start, sink)
) WITHOUT ROWID;
CREATE TABLE queries (             -- queries that gave results
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    granularity TEXT NOT NULL      -- of the intervals that `computed` numbers
);
CREATE TABLE computed (            -- which intervals of a series have results of which query
    series INTEGER NOT NULL REFERENCES series,
    query INTEGER NOT NULL REFERENCES queries,
    runs TEXT NOT NULL,            -- as those of coverage
    header TEXT NOT NULL,          -- a line of TSV: of its newest result with rows
    PRIMARY KEY (series, query)
) WITHOUT ROWID;
CREATE TABLE revisions (           -- published results that later ones have replaced
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    number INTEGER NOT NULL,       -- of the later one: an interval's second result is 2
    at TEXT NOT NULL,              -- when it was published
    reason TEXT NOT NULL,
    run INTEGER,                   -- none for an accepted one
    query INTEGER REFERENCES queries,          -- that gave the later one
    former_query INTEGER REFERENCES queries,   -- and the one before, where that is known
    kept_until TEXT NOT NULL,
    header TEXT,                   -- of the former rows; none of what is kept no longer
    rows TEXT,
    PRIMARY KEY (series, start, number)
) WITHOUT ROWID;
CREATE INDEX revisions_kept_until ON revisions (kept_until) WHERE rows IS NOT NULL;
CREATE TABLE renamed (             -- series with older results that have columns which newer ones lack
    series INTEGER PRIMARY KEY REFERENCES series,
    columns TEXT NOT NULL          -- a line of TSV
);
CREATE TABLE successes (           -- of the newest intervals of series with a lookback
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    at TEXT NOT NULL,              -- of the last result
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE waits (               -- intervals whose data are not complete
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    since TEXT NOT NULL,           -- when they were asked about first
    at TEXT NOT NULL,              -- and last
    why TEXT NOT NULL,
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE marks (               -- rerun requests: intervals that are done, to be computed again
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    asked TEXT NOT NULL,           -- when; empty for a file in .reruns/
    allow_empty INTEGER NOT NULL DEFAULT 0,    -- a result without values may replace values
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE mark_files (          -- files in a project's .reruns/ that are expanded into requests
    name TEXT NOT NULL,            -- without its folder: a project that is moved stays the same
    mtime_ns INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (name, mtime_ns, report)
) WITHOUT ROWID;
CREATE TABLE rerun_files (         -- what has become of a project's files in .reruns/
    name TEXT NOT NULL,            -- as that of mark_files, which older versions wrote
    digest TEXT NOT NULL,          -- of its content
    report TEXT NOT NULL,
    is_left INTEGER NOT NULL,      -- 0: expanded, or ignored; 1: an open request, of before this state
    PRIMARY KEY (name, digest, report)
) WITHOUT ROWID;
CREATE TABLE owners (              -- who last wrote the TSVs of a report, and how
    report TEXT PRIMARY KEY,
    folder TEXT NOT NULL,          -- the project's, as it was named
    real_folder TEXT NOT NULL,     -- without symbolic links
    config TEXT NOT NULL,
    granularity TEXT NOT NULL,
    dimensions TEXT NOT NULL       -- names, joined by commas
) WITHOUT ROWID;
CREATE TABLE reports (             -- what the last run found out about each report
    report TEXT PRIMARY KEY,
    config TEXT NOT NULL,          -- the configuration that has it
    owner TEXT,
    ticket TEXT,
    description TEXT,
    series INTEGER NOT NULL,       -- how many it has
    last_run TEXT NOT NULL,        -- when that run ended
    done INTEGER NOT NULL,         -- intervals, in that run
    empty INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    error TEXT,                    -- of the last run that had one, unless a whole run had none since
    error_at TEXT,
    failures INTEGER NOT NULL      -- runs in a row that had one
) WITHOUT ROWID;
CREATE TABLE coverage (            -- what is done in a TSV, as long as the file is as it was
    report TEXT NOT NULL,
    tsv TEXT NOT NULL,
    granularity TEXT NOT NULL,     -- with which it was read
    size INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    runs TEXT NOT NULL,            -- of intervals' numbers: first, past, first, past, ...
    checksum INTEGER NOT NULL,     -- of all from `tsv` on
    PRIMARY KEY (report, tsv)
) WITHOUT ROWID;
CREATE TABLE outbox (              -- datapoints that are still to be sent
    destination TEXT NOT NULL,     -- a URL
    key TEXT NOT NULL,             -- of the series in the sink
    timestamp INTEGER NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,      -- higher than that of all that was put before
    sends INTEGER NOT NULL DEFAULT 1,          -- how many times it is still to be sent
    unacknowledged INTEGER NOT NULL DEFAULT 0, -- a sending failed that may have reached its end
    series TEXT NOT NULL DEFAULT '',           -- the TSV that it comes from; empty: not known
    revision INTEGER DEFAULT 0,                -- of its value; NULL: the destination is to be asked
    PRIMARY KEY (destination, key, timestamp)
) WITHOUT ROWID;
CREATE INDEX outbox_series ON outbox (series, timestamp);
CREATE INDEX outbox_unnumbered ON outbox (destination, key, timestamp) WHERE revision IS NULL;
CREATE TABLE numbered (            -- the series keys of sinks that number revisions; kept for ever
    id INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    since INTEGER NOT NULL,        -- what the destination had of it before this moment is not known
    newest INTEGER NOT NULL,       -- the latest moment that has a revision
    UNIQUE (destination, key)
);
CREATE TABLE last_revisions (      -- of moments up to the newest: the last revision, unless it is 0
    key INTEGER NOT NULL REFERENCES numbered,
    timestamp INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (key, timestamp)
) WITHOUT ROWID;
CREATE TABLE unsent (              -- series with results whose datapoints were not put for a sink
    series INTEGER NOT NULL REFERENCES series,
    sink TEXT NOT NULL,
    first TEXT NOT NULL,           -- starts of the first and the last such interval
    last TEXT NOT NULL,
    PRIMARY KEY (series, sink)
) WITHOUT ROWID;
CREATE TABLE outbox_version (      -- one row: the highest version that was given
    number INTEGER NOT NULL
);
INSERT INTO outbox_version VALUES (0);
CREATE TABLE senders (             -- destinations to which a process sends, or sent when killed
    destination TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE sent_metrics (        -- the series keys that a destination has got datapoints of
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (destination, key)
) WITHOUT ROWID;
CREATE TABLE series_keys (         -- which series has the datapoints of a key in a sink
    destination TEXT NOT NULL,
    key TEXT NOT NULL,
    series INTEGER NOT NULL REFERENCES series,
    PRIMARY KEY (destination, key)
) WITHOUT ROWID;
CREATE INDEX series_keys_series ON series_keys (series, destination);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,         -- the path of its configuration
    pid INTEGER NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    exit_code INTEGER,
    summary TEXT                   -- JSON
);
"""

HISTORY = """
CREATE INDEX runs_started ON runs (started);
CREATE INDEX runs_project ON runs (project);
CREATE INDEX series_report ON series (report);
CREATE TABLE attempts (            -- of the runs of the last 90 days
    run INTEGER NOT NULL REFERENCES runs,
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    failed INTEGER NOT NULL,
    at TEXT NOT NULL,              -- when it was committed
    reason TEXT NOT NULL,
    seconds REAL NOT NULL,
    rows INTEGER,                  -- 0: the result was empty
    error TEXT,
    PRIMARY KEY (run, series, start)
) WITHOUT ROWID;
CREATE TABLE answered (            -- the answers of a series, however old: their sums
    series INTEGER PRIMARY KEY REFERENCES series,
    answers INTEGER NOT NULL,
    seconds REAL NOT NULL
);
CREATE TABLE failing (             -- the intervals that have failed since they last succeeded
    series INTEGER NOT NULL REFERENCES series,
    start TEXT NOT NULL,
    times INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    error TEXT NOT NULL,           -- the last
    retry_at TEXT NOT NULL DEFAULT '',         -- not tried before; empty: by the next run
    digest TEXT NOT NULL DEFAULT '',           -- of the query that failed last
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
"""

SCHEMA = _WITHOUT_HISTORY + HISTORY


def statement(table: str) -> str:
    """Return the statement that makes a table."""
    return next(one for one in SCHEMA.split(";\n") if f"CREATE TABLE {table} " in one)


BEFORE = "attempts_before"
"""The attempts of a state of before version 3, as long as they are not all summed up."""


def execute(connection: sqlite3.Connection, script: str) -> None:
    """Run the statements of a script inside the transaction that is open."""
    for statement in script.split(";\n"):  # `executescript` would end the transaction
        connection.execute(statement)


_PLANNED_WITH = (
    "series",
    "marks",
    "mark_files",
    "rerun_files",
    "coverage",
    "owners",
    "answered",
    "failing",
)


def lay_over(connection: sqlite3.Connection) -> None:
    """Lay copies of the tables that planning writes into, in memory, over those that are only read.

    The attempts are none of them: there may be millions.
    """
    there = tables(connection)
    for table in _PLANNED_WITH:
        if table in there:
            _lay_over(connection, table)
            # An older version's may have fewer columns.
            found = connection.execute("SELECT name FROM pragma_table_info(?, 'main')", (table,))
            names = ", ".join(name for (name,) in found)
            connection.execute(
                f"INSERT INTO temp.{table} ({names}) SELECT {names} FROM main.{table}"
            )
    for table in _lacking(connection) - {*_PLANNED_WITH}.intersection(there):
        _lay_over(connection, table)
    connection.execute("CREATE INDEX temp.series_of_report ON series (report)")


def _lacking(connection: sqlite3.Connection) -> set[str]:
    """Return the tables that an older version had not, or had without some of their columns."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return set()
    with closing(sqlite3.connect(":memory:")) as present:
        present.executescript(SCHEMA)
        return {table for table, _ in columns(present) - columns(connection)}


def _lay_over(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(statement(table).replace("CREATE TABLE", "CREATE TEMP TABLE", 1))


_HANDED_ON = ("series", "journal", "held", "marks", "outbox")
"""The tables of what one run leaves for the next; each is nearly always small or empty."""
_NEEDED = frozenset(part.partition(" ")[0] for part in SCHEMA.split("CREATE TABLE ")[1:])


def columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return each table and column that is there."""
    return set(
        connection.execute(
            "SELECT found.name, columns.name FROM sqlite_master AS found,"
            " pragma_table_info(found.name) AS columns WHERE found.type = 'table'"
        )
    )


def tables(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables that are there."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in found}


def check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where what runs hand on to each other does not hang together.

    SQLite itself notices only what is no page of any table, and only when it comes across it.
    """
    if not tables(connection) >= _NEEDED:
        raise sqlite3.DatabaseError("it lacks tables")
    for table in _HANDED_ON:
        said = connection.execute(f"PRAGMA integrity_check({table})").fetchone()[0]
        if said != "ok":
            raise sqlite3.DatabaseError(f"{table}: {said}")
    for table in ("journal", "held", "marks"):
        if connection.execute(f"PRAGMA foreign_key_check({table})").fetchone():
            raise sqlite3.DatabaseError(f"{table} is of series that are not there")
    sound = connection.execute(
        "SELECT count(*) = 1 AND typeof(max(number)) = 'integer'"
        " AND max(number) >= (SELECT coalesce(max(version), 0) FROM outbox) FROM outbox_version"
    ).fetchone()[0]
    if not sound:
        raise sqlite3.DatabaseError("outbox_version is not the highest version of the outbox")


def has_failing(connection: sqlite3.Connection) -> bool:
    """Return whether the table `failing` is there; it is not where an older version wrote last."""
    return "failing" in tables(connection)


def is_empty(connection: sqlite3.Connection, table: str) -> bool:
    """Return whether a table has no row."""
    return connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None


def has_unsent(connection: sqlite3.Connection) -> bool:
    """Whether the table `unsent` is there; it is not where an older version wrote last."""
    return "unsent" in tables(connection)


def has_held(connection: sqlite3.Connection) -> bool:
    """Return whether the table `held` is there; it is not where an older version wrote last."""
    return "held" in tables(connection)


def is_summed_up(connection: sqlite3.Connection) -> bool:
    """Return whether all attempts of before version 3 are."""
    return BEFORE not in tables(connection)
