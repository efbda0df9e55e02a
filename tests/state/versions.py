"""States as earlier versions of the program wrote them, by the tables that they made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reportupdater.state.database import State

VERSION_1_WITH_VERSIONS = """
CREATE TABLE series (id INTEGER PRIMARY KEY, tsv TEXT NOT NULL UNIQUE, report TEXT NOT NULL);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, start TEXT NOT NULL,
    granularity TEXT NOT NULL, header TEXT NOT NULL, rows TEXT NOT NULL, owner_group TEXT,
    max_data_points INTEGER, checksum INTEGER NOT NULL
);
CREATE INDEX journal_series ON journal (series);
CREATE TABLE marks (
    series INTEGER NOT NULL REFERENCES series, start TEXT NOT NULL, asked TEXT NOT NULL,
    PRIMARY KEY (series, start)
) WITHOUT ROWID;
CREATE TABLE mark_files (
    name TEXT NOT NULL, mtime_ns INTEGER NOT NULL, report TEXT NOT NULL,
    PRIMARY KEY (name, mtime_ns, report)
) WITHOUT ROWID;
CREATE TABLE owners (
    report TEXT PRIMARY KEY, folder TEXT NOT NULL, real_folder TEXT NOT NULL, config TEXT NOT NULL,
    granularity TEXT NOT NULL, dimensions TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE reports (
    report TEXT PRIMARY KEY, config TEXT NOT NULL, owner TEXT, ticket TEXT, description TEXT,
    series INTEGER NOT NULL, last_run TEXT NOT NULL, done INTEGER NOT NULL, empty INTEGER NOT NULL,
    failed INTEGER NOT NULL, error TEXT, error_at TEXT, failures INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE coverage (
    report TEXT NOT NULL, tsv TEXT NOT NULL, granularity TEXT NOT NULL, size INTEGER NOT NULL,
    inode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
    runs TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (report, tsv)
) WITHOUT ROWID;
CREATE TABLE outbox (
    destination TEXT NOT NULL, path TEXT NOT NULL, timestamp INTEGER NOT NULL, value TEXT NOT NULL,
    version INTEGER NOT NULL, owed INTEGER NOT NULL DEFAULT 1, in_doubt INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (destination, path, timestamp)
) WITHOUT ROWID;
CREATE TABLE outbox_version (number INTEGER NOT NULL);
INSERT INTO outbox_version VALUES (0);
CREATE TABLE senders (destination TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE sent_metrics (
    destination TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (destination, path)
) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, project TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
    ended TEXT, exit_code INTEGER, summary TEXT
);
CREATE TABLE attempts (
    series INTEGER NOT NULL REFERENCES series, start TEXT NOT NULL, failed INTEGER NOT NULL,
    at TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs, reason TEXT NOT NULL,
    seconds REAL NOT NULL, rows INTEGER, error TEXT, PRIMARY KEY (series, start, failed, at)
) WITHOUT ROWID;
CREATE INDEX attempts_failed ON attempts (series, start, at) WHERE failed;
PRAGMA user_version = 1;
"""
"""A state of version 1 as the program wrote it last, when it had the table that version 2 brought."""


VERSION_2 = VERSION_1_WITH_VERSIONS + "PRAGMA user_version = 2;"
"""Its tables are the same."""


def made(output: Path, script: str) -> None:
    """Make a state as an earlier program did, beside the folders of the present one."""
    with State(output) as state:
        path = state.path
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(script)
