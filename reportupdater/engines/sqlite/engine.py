"""The engine for SQLite files, which are read, unless a report says that it writes."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from pathlib import Path

from reportupdater.engines.base import CONNECT_TIMEOUT, Session
from reportupdater.engines.shared import regular, sql
from reportupdater.engines.shared.calls import Calls
from reportupdater.engines.sqlite import errors
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.errors import (
    ConnectionFailed,
    QueryError,
    ResultError,
)
from reportupdater.model import Query, Server, Table, Task

_BUSY_TIMEOUT = 10.0
"""Seconds to wait for a program that holds the file locked."""

_BUSY_STEP = 0.5
"""Seconds of it that SQLite waits at once: it cannot be interrupted there."""

_ERRORS = (sqlite3.Error, sqlite3.Warning, ValueError)
"""More than one statement is a Warning in Python 3.11; a query with a NUL is a ValueError."""


class SqliteEngine:
    """Files on this host; each is a server of its own."""

    def server(self, task: Task) -> Server:
        """Return the file."""
        return Server("sqlite", str(_path(task)))

    def query(self, task: Task) -> Query:
        """Return the rendered query."""
        return Query(sql.rendered(task))

    def session(self, task: Task) -> Session:
        """Return a session on the report's file."""
        return SqliteSession(_path(task), writes=task.series.report.writes)

    def access(self, task: Task) -> object:
        """Return the file, and whether it may be written to."""
        return _path(task), task.series.report.writes

    def has_side_effects(self, task: Task) -> bool:
        """Return whether the report says so: else the file is opened for reading alone."""
        return task.series.report.writes


def _path(task: Task) -> Path:
    entry = task.series.report.database
    if not isinstance(entry, SqliteDatabase):
        raise TypeError(f"report {task.series.report.name} does not run on sqlite")
    return entry.path


class SqliteSession:
    """One connection to one file. It only reads, unless it `writes`."""

    connect_timeout = CONNECT_TIMEOUT
    progress = ""

    def __init__(self, path: Path, *, writes: bool = False) -> None:
        self._path = path
        self._writes = writes
        self._calls = Calls(self._stop, self._drop)
        self._lock = threading.Lock()  # no interrupt may meet a connection that is being closed
        self._connection: sqlite3.Connection | None = None

    @property
    def connected(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def connect(self) -> None:
        """Open the file. Raises ConnectionFailed."""
        with self._calls:
            self._drop()
            _check_readable(self._path)
            try:
                self._connection = connection = _opened(self._path, writes=self._writes)
                self._execute(connection, "PRAGMA schema_version").close()
            except _ERRORS as error:
                self._drop()
                raise errors.of_opening(error, self._path, writes=self._writes) from error

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return the query's table. Raises QueryError, ConnectionFailed or ResultError."""
        with self._calls:
            connection = self._connection
            if connection is None:
                raise ConnectionFailed(f"{self._path} is not open")
            try:
                cursor = self._execute(connection, query.text)
                table = sql.table(cursor, max_rows)
                cursor.close()
            except ResultError:
                self._drop()  # what the statement did to the connection is not known
                raise
            except _ERRORS as error:
                failure = errors.of_query(error, self._path, writes=self._writes)
                if not isinstance(failure, QueryError):
                    self._drop()
                raise failure from error
            return table

    def cancel(self) -> None:
        """Interrupt the call in progress."""
        self._calls.cancel()

    def close(self) -> None:
        """Close the file."""
        self._drop()

    def _execute(self, connection: sqlite3.Connection, text: str) -> sqlite3.Cursor:
        deadline = time.monotonic() + _BUSY_TIMEOUT
        while True:
            try:
                return connection.execute(text)
            except sqlite3.OperationalError as error:
                # The lock is taken by the first step, so no part of the query has run.
                waited = time.monotonic() >= deadline
                if waited or self._calls.cancelled or errors.code(error) != sqlite3.SQLITE_BUSY:
                    raise

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def _stop(self, call: int) -> None:
        # Again and again: an interrupt just before the query begins has no effect.
        while not self._calls.ended(call, within=0.05):
            self._calls.during(call, self._interrupt)

    def _interrupt(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()


def _opened(path: Path, *, writes: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'rw' if writes else 'ro'}",
        uri=True,
        timeout=_BUSY_STEP,
        isolation_level=None,
        check_same_thread=False,  # for interrupt()
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # other files might be written to
    return connection


def _check_readable(path: Path) -> None:
    # SQLite says the same few words for whatever keeps it from opening a file.
    try:
        regular.read(path, 1)
    except OSError as error:
        raise ConnectionFailed(
            f"cannot open the database file {path}: {error.strerror}",
            hint="check the database's `path`; it is relative to the project",
            retry=False,
        ) from None
