"""The engine for MariaDB and MySQL, on PyMySQL."""

from __future__ import annotations

import configparser
import contextlib
import logging
import threading
from dataclasses import replace
from typing import Any

from reportupdater.engines import mysql_errors, mysql_setup, sql
from reportupdater.engines.base import CONNECT_TIMEOUT, Session
from reportupdater.engines.calls import Calls
from reportupdater.engines.creds_file import check, damaged
from reportupdater.engines.line import Line
from reportupdater.engines.mediawiki import Mediawiki, Place
from reportupdater.errors import ConnectionFailed, QueryError, ResultError
from reportupdater.model import MysqlDatabase, Query, Server, Table, Task

_Connection = Any
"""PyMySQL's, which is imported late; its stubs lack some of what is used here."""

_KILL_PATIENCE = 1.0
"""Seconds that a cancelled query has to end by itself before its line is cut."""

_KILL_TIMEOUT = 2
"""Seconds for each step of the connection that stops a query."""

_log = logging.getLogger(__name__)


class MysqlEngine:
    """MariaDB and MySQL servers. A wiki is a database there: one connection serves them all."""

    def __init__(self) -> None:
        self._mediawiki = Mediawiki()

    def server(self, task: Task) -> Server:
        """The server of the report's database entry, or of the wiki where that is looked up.

        Raises ReportupdaterError where it cannot be found.
        """
        return Server("mysql", _address(self._place(task)))

    def query(self, task: Task) -> Query:
        """The rendered query, and the database to run it in."""
        return Query(sql.rendered(task), _database(task))

    def session(self, task: Task) -> Session:
        """A session that logs in as the report's database entry says."""
        host, port = self._place(task)
        entry = replace(_entry(task), host=host, port=port)
        return MysqlSession(entry, writes=task.series.report.writes)

    def access(self, task: Task) -> object:
        """The server, the login, and how the session is set up.

        A connection cannot leave its database for none at all.
        """
        entry = _entry(task)
        anywhere = entry.database is None and entry.wiki_dimension is None
        setup = entry.time_zone, task.series.report.writes
        return self._place(task), entry.creds_file, anywhere, setup

    def has_side_effects(self, task: Task) -> bool:
        """Whether the report says so: else its session only reads."""
        return task.series.report.writes

    def _place(self, task: Task) -> Place:
        entry, database = _entry(task), _database(task)
        if entry.shards is None or database is None:
            return _place(entry)
        is_wiki = entry.wiki_dimension is not None
        return self._mediawiki.place(entry.shards, database, is_wiki=is_wiki)


def _entry(task: Task) -> MysqlDatabase:
    entry = task.series.report.database
    if not isinstance(entry, MysqlDatabase):
        raise TypeError(f"report {task.series.report.name} does not run on mysql")
    return entry


def _database(task: Task) -> str | None:
    entry = _entry(task)
    if entry.wiki_dimension is not None:
        return task.series.dimensions[entry.wiki_dimension]
    return entry.database


def _place(entry: MysqlDatabase) -> Place:
    if entry.host is None:
        raise TypeError(f"the server of {entry.name} is still to be looked up")
    return entry.host, entry.port


def _address(place: Place) -> str:
    return f"{place[0]}:{place[1]}"


class MysqlSession:
    """One connection to one server. It only reads, unless it `writes`."""

    connect_timeout = CONNECT_TIMEOUT

    def __init__(self, entry: MysqlDatabase, *, writes: bool = False) -> None:
        self._entry = entry
        self._writes = writes
        self._found = mysql_setup.Found()
        self._place = _place(entry)
        self._address = _address(self._place)
        self._line = Line()
        self._calls = Calls(self._stop, self._drop)
        self._connection: _Connection | None = None
        self._thread_id: int | None = None
        self._killer: threading.Thread | None = None
        self._database: str | None = None
        self._timeout: float | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection that can be used."""
        return self._connection is not None

    def connect(self) -> None:
        """Log in. Raises ConnectionFailed."""
        with self._calls:
            self._drop()
            connection = _unconnected(self._entry, None)
            try:
                sock = self._line.open(*self._place, CONNECT_TIMEOUT)
                connection.connect(sock)
                self._found = mysql_setup.found(connection)
            except Exception as error:  # what is no MySQL server makes PyMySQL raise anything
                self._line.close()
                raise mysql_errors.of_login(
                    error,
                    self._address,
                    self._entry.creds_file,
                    looked_up=self._entry.shards is not None,
                ) from error
            self._thread_id = connection.thread_id()
            self._connection = connection

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """The query's table. Raises QueryError, ConnectionFailed or ResultError."""
        with self._calls:
            connection = self._connection
            if connection is None:
                raise ConnectionFailed(f"not connected to {self._address}")
            try:
                self._prepare(connection, query.database, timeout)
                cursor = connection.cursor()
                cursor.execute(query.text)
                table = sql.table(cursor, max_rows)
                while cursor.nextset():  # a procedure's; close() itself would leave a second table
                    while cursor.fetchmany(sql.CHUNK):
                        pass
                cursor.close()
            except ResultError:
                self._drop()  # the rest of the result is not waited for
                raise
            except Exception as error:  # packets that make no sense make PyMySQL raise anything
                limit = self._found.limit if self._found.limit < timeout else 0.0
                failure = mysql_errors.of_query(error, self._address, limit=limit)
                if not isinstance(failure, QueryError):
                    self._drop()
                raise failure from error
            return table

    def cancel(self) -> None:
        """Stop the call in progress: the query on the server, then the line."""
        self._calls.cancel()

    def close(self) -> None:
        """Log out, and let a stop that is under way reach the server."""
        self._drop()
        if self._killer is not None:
            self._killer.join(_KILL_TIMEOUT)

    def _prepare(self, connection: _Connection, database: str | None, timeout: float) -> None:
        if self._timeout is None:
            made = mysql_setup.settings(
                connection, self._entry, self._found, writes=self._writes, timeout=timeout
            )
            mysql_setup.apply(connection, made)
        elif timeout != self._timeout:
            mysql_setup.apply(connection, [mysql_setup.limit(connection, self._found, timeout)])
        self._timeout = timeout
        if database is not None and database != self._database:
            # Forgotten first: where it fails, it is not known which is the current one.
            self._database = None
            connection.select_db(database)
            self._database = database

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._thread_id = self._database = self._timeout = None
        if connection is not None:
            # An unfinished result reads on when it is deleted, and on a closed connection that
            # ends in a traceback on standard error.
            if connection._result is not None:
                connection._result.unbuffered_active = False
            with contextlib.suppress(Exception):
                connection.close()
        self._line.close()

    def _stop(self, call: int) -> None:
        patience = 0.0
        thread_id = self._thread_id
        if thread_id is not None and not self._calls.ended(call, within=0):
            # On a thread of its own: the server may be past answering.
            self._killer = threading.Thread(target=self._kill, args=(thread_id,), daemon=True)
            self._killer.start()
            patience = _KILL_PATIENCE
        while not self._calls.ended(call, within=patience):
            self._calls.during(call, self._line.cut)
            patience = 0.1

    def _kill(self, thread_id: int) -> None:
        try:
            connection = _unconnected(self._entry, _KILL_TIMEOUT)
            with contextlib.closing(Line()) as line:
                connection.connect(line.open(*self._place, _KILL_TIMEOUT))
                with contextlib.closing(connection), connection.cursor() as cursor:
                    cursor.execute(f"KILL QUERY {thread_id:d}")
        except Exception as error:
            # The query may also have ended by itself meanwhile. Else the server's own limit does it.
            _log.debug(
                "could not stop query %d on %s: %s",
                thread_id,
                self._address,
                mysql_errors.said(error),
            )


def _unconnected(entry: MysqlDatabase, timeout: int | None) -> _Connection:
    """A connection not yet made. Raises ConnectionFailed for an unusable creds_file."""
    from pymysql.cursors import SSCursor

    from reportupdater.engines.mysql_driver import QuickConnection

    creds_file = entry.creds_file
    if creds_file is not None:
        check(creds_file)  # PyMySQL takes a missing one for an empty one
    try:
        return QuickConnection(
            host=entry.host,
            port=entry.port,
            read_default_file=None if creds_file is None else str(creds_file),
            charset="utf8mb4",
            autocommit=True,
            cursorclass=SSCursor,
            read_timeout=timeout,
            write_timeout=timeout,
            program_name="reportupdater",
            defer_connect=True,
        )
    except (configparser.Error, AttributeError, OSError, ValueError) as error:
        # Not its text: configparser quotes lines of the file, and a password may stand there.
        if creds_file is None:
            raise
        raise damaged(creds_file, error) from None
