"""The engine for MariaDB and MySQL, on PyMySQL."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import replace
from typing import Any

from reportupdater import background
from reportupdater.connection import Line
from reportupdater.engines.base import CONNECT_TIMEOUT, Session
from reportupdater.engines.mysql import errors, kill, values
from reportupdater.engines.mysql import setup as mysql_setup
from reportupdater.engines.mysql import warnings as mysql_warnings
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.mysql.kill import KILL_TIMEOUT, Running
from reportupdater.engines.mysql.login import address, log_in
from reportupdater.engines.mysql.mediawiki import Mediawiki
from reportupdater.engines.shared import sql
from reportupdater.engines.shared.calls import Calls
from reportupdater.errors import ConnectionFailed, QueryError, ResultError
from reportupdater.model import Meaning, Query, Server, ServerWarning, Table, Task

_Connection = Any
"""PyMySQL's, which is imported late; its stubs lack some of what is used here."""

_KILL_PATIENCE = 1.0
"""Seconds that a cancelled query has to end by itself before its line is cut."""

_log = logging.getLogger(__name__)


class MysqlEngine:
    """MariaDB and MySQL servers. A wiki is a database there: one connection serves them all."""

    def __init__(self) -> None:
        self._mediawiki = Mediawiki()

    def server(self, task: Task) -> Server:
        """Return the server of the report's database entry, or of the wiki where that is looked up.

        Raises ReportupdaterError where it cannot be found.
        """
        return Server("mysql", address(self._placed(task)))

    def query(self, task: Task) -> Query:
        """Return the rendered query, and the database to run it in."""
        return Query(sql.rendered(task), _database(task))

    def session(self, task: Task) -> Session:
        """Return a session that logs in as the report's database entry says."""
        return MysqlSession(self._placed(task), writes=task.series.report.writes)

    def access(self, task: Task) -> object:
        """Return the server, the login, and how the session is set up.

        A connection cannot leave its database for none at all.
        """
        entry = _entry(task)
        anywhere = entry.database is None and entry.wiki_dimension is None
        setup = entry.time_zone, task.series.report.writes
        return address(self._placed(task)), entry.creds_file, anywhere, setup

    def has_side_effects(self, task: Task) -> bool:
        """Return whether the report says so: else its session only reads."""
        return task.series.report.writes

    def _placed(self, task: Task) -> MysqlDatabase:
        """Return the entry, with the server where that is looked up."""
        entry, database = _entry(task), _database(task)
        if entry.shards is None or database is None:
            return entry
        is_wiki = entry.wiki_dimension is not None
        host, port = self._mediawiki.place(entry.shards, database, is_wiki=is_wiki)
        return replace(entry, host=host, port=port)


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


class MysqlSession:
    """One connection to one server. It only reads, unless it `writes`."""

    connect_timeout = CONNECT_TIMEOUT
    progress = ""

    def __init__(self, entry: MysqlDatabase, *, writes: bool = False) -> None:
        self._entry = entry
        self._writes = writes
        self._found = mysql_setup.Found()
        self._zone: tuple[ServerWarning, ...] = ()  # where no one chose between it and UTC
        self._address = address(entry)
        self._line = Line()
        self._calls = Calls(self._stop, self._drop)
        self._connection: _Connection | None = None
        self._running: Running | None = None
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
            try:
                connection, peer = log_in(self._entry, self._line, CONNECT_TIMEOUT)
                self._found = mysql_setup.found(connection)
            except ConnectionFailed:
                self._line.close()
                raise
            except Exception as error:  # what is no MySQL server makes PyMySQL raise anything
                self._line.close()
                raise errors.of_login(
                    error,
                    self._address,
                    self._entry.creds_file,
                    looked_up=self._entry.shards is not None,
                ) from error
            zone = self._found.zone if self._entry.time_zone is None else ""
            self._zone = (ServerWarning(0, zone, Meaning.ZONE),) if zone else ()
            self._running = Running(connection.thread_id(), self._found.identity, peer)
            self._connection = connection

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return the query's table. Raises QueryError, ConnectionFailed or ResultError."""
        with self._calls:
            connection = self._connection
            if connection is None:
                raise ConnectionFailed(f"not connected to {self._address}")
            try:
                self._prepare(connection, query.database, timeout)
                cursor = connection.cursor()
                cursor.execute(query.text)
                values.fit(connection._result)
                table = sql.table(cursor, max_rows)
                warned = cursor.warning_count
                while cursor.nextset():  # a procedure's; close() itself would leave a second table
                    while cursor.fetchmany(sql.CHUNK):
                        pass
                    warned = max(warned, cursor.warning_count)
                cursor.close()
                warnings = mysql_warnings.collected(connection, warned) if warned else ()
            except ResultError as error:
                connection.hidden.clean(error)
                self._drop()  # the rest of the result is not waited for
                raise
            except Exception as error:  # packets that make no sense make PyMySQL raise anything
                connection.hidden.clean(error)
                limit = self._found.limit if self._found.limit < timeout else 0.0
                failure = errors.of_query(error, self._address, limit=limit, query=query.text)
                if not isinstance(failure, QueryError):
                    self._drop()
                raise failure from error
            warnings += self._zone
            return table._replace(warnings=warnings) if warnings else table

    def cancel(self) -> None:
        """Stop the call in progress: the query on the server, then the line."""
        self._calls.cancel()

    def close(self) -> None:
        """Log out, and let a stop that is under way reach the server."""
        self._drop()
        if self._killer is not None:
            self._killer.join(KILL_TIMEOUT)

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
        self._running = self._database = self._timeout = None
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
        running = self._running
        if running is not None and not self._calls.ended(call, within=0):
            # On a thread of its own: the server may be past answering.
            self._killer = background.started(self._kill, running)
            patience = _KILL_PATIENCE
        while not self._calls.ended(call, within=patience):
            self._calls.during(call, self._line.cut)
            patience = 0.1

    def _kill(self, running: Running) -> None:
        kill.kill(self._entry, running)
