"""Sessions with a HiveServer2, on PyHive."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

from reportupdater import background
from reportupdater.connection import Line
from reportupdater.credentials.creds_file import Login
from reportupdater.engines.base import CONNECT_TIMEOUT
from reportupdater.engines.hive import errors
from reportupdater.engines.hive import progress as hive_progress
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.statements import is_setting, statements, use
from reportupdater.engines.hive.table import table
from reportupdater.engines.hive.transport import Transport, login
from reportupdater.engines.shared.calls import Calls
from reportupdater.engines.shared.hiding import Hidden
from reportupdater.errors import (
    ConnectionFailed,
    QueryError,
    QueryTimeout,
    ReportupdaterError,
    ResultError,
)
from reportupdater.model import Query, Table

_Connection = Any
_Cursor = Any
"""PyHive's, which is imported late and has no types."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.5
"""Seconds between two looks at a query; most servers do not answer before there is news."""

_KILL_PATIENCE = 1.0
"""Seconds that a cancelled query has to end by itself before its line is cut."""

_SECOND_STOP = 0.2
"""Seconds between stopping a query and closing its session."""

_KILL_TIMEOUT = 2.0
"""Seconds for each step of the connection that stops a query, and of a farewell."""

_PROBE_TIMEOUT = 1.0
"""Seconds for each question to a server that closes connections."""

_MARGIN = 60.0
"""Seconds beyond a query's deadline, which the caller keeps, after which its line is dead."""

_LONGEST = 31_536_000.0
"""Seconds; no longer time limit is passed to a server."""

_DEFAULT = "default"
"""The database in which every session begins."""

_log = logging.getLogger(__name__)


class HiveSession:
    """One connection, and one session of the server's on it."""

    def __init__(self, entry: HiveDatabase) -> None:
        self._entry = entry
        self._address = f"{entry.host}:{entry.port}"
        self._hidden = Hidden()
        self._line = Line()
        self._calls = Calls(self._stop, self._drop)
        self._transport: Transport | None = None
        self._connection: _Connection | None = None
        self._cursor: _Cursor | None = None
        self._killer: threading.Thread | None = None
        self._database: str | None = None
        self._seconds = 0
        self.progress = ""
        self._has_run = False  # whether the session has answered a query

    @property
    def connected(self) -> bool:
        """Whether there is a session that can be used."""
        return self._connection is not None

    @property
    def connect_timeout(self) -> float:
        """Seconds for the login, and for the session behind it."""
        return CONNECT_TIMEOUT + self._entry.open_session_timeout

    def connect(self) -> None:
        """Log in and open a session. Raises ConnectionFailed."""
        with self._calls:
            self._connect()

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return the last table that a statement of the query gives.

        Raises QueryError, ConnectionFailed or ResultError.
        """
        with self._calls:
            texts = statements(query.text)
            if not texts:
                raise QueryError("the query is empty")
            try:
                result = self._table(texts, query.database, max_rows, timeout)
            except ReportupdaterError as error:
                self._leave(error, several=len(texts) > 1)
                raise
            if len(texts) > 1:
                self.close()  # settings and temporary tables are not for other queries
            return result

    def cancel(self) -> None:
        """Stop the call in progress: the query on the server, then the line."""
        self._calls.cancel()

    def close(self) -> None:
        """Close the session, and let a stop that is under way reach the server."""
        if self._connection is not None and self._transport is not None:
            self._transport.limit(_KILL_TIMEOUT)
            with contextlib.suppress(Exception):
                self._connection.close()
        self._drop()
        if self._killer is not None:
            self._killer.join(_KILL_TIMEOUT)

    def _connect(self) -> None:
        self._drop()
        entry = self._entry
        user = login(entry)
        is_stored = entry.username is None and entry.creds_file is not None
        self._hidden = Hidden(user.username if is_stored else None, user.password)
        self._transport = transport = Transport(
            entry, user, self._line, CONNECT_TIMEOUT, entry.open_session_timeout
        )
        try:
            self._connection = self._opened(transport, user)
        except Exception as error:  # what is no HiveServer2 makes Thrift raise anything
            self._hidden.clean(error)
            self._drop()
            raise self._refused(error, transport) from error
        self._database = _DEFAULT
        self._has_run = False

    def _refused(self, error: Exception, transport: Transport) -> ConnectionFailed:
        """Return the error for a session that could not be opened."""
        entry = self._entry
        if transport.is_open and isinstance(error, TimeoutError):
            return errors.of_opening(self._address, entry.open_session_timeout)
        if errors.is_mute(error) and not self._calls.cancelled:
            with contextlib.closing(self._line):
                spoken = transport.spoken(_PROBE_TIMEOUT)
            if spoken not in (None, transport.speaks):
                return errors.of_mismatch(self._address, entry.auth, entry.transport, spoken)
        return errors.of_login(error, self._address, entry.auth, entry.transport)

    def _table(
        self, texts: Sequence[str], database: str | None, max_rows: int, timeout: float
    ) -> Table:
        try:
            self._prepare(database, timeout)
            result = self._result(texts[0], max_rows)
        except ConnectionFailed as error:
            if not (self._has_run and errors.is_expired(error)):
                raise
            # The server has ended the session while it had nothing to do; nothing has been run.
            _log.debug("%s: the session has expired", self._address)
            self._connect()
            self._prepare(database, timeout)
            result = self._result(texts[0], max_rows)
        for text in texts[1:]:
            result = self._result(text, max_rows) or result
        if result is None:
            raise ResultError(
                "the query gave no table", hint="one of its statements must give rows"
            )
        self._has_run = True
        return result

    def _opened(self, transport: Transport, user: Login) -> _Connection:
        from pyhive.hive import Connection

        # It logs each statement, and at debug level each result.
        logging.getLogger("pyhive").setLevel(logging.WARNING)
        settings = {f"set:hiveconf:{key}": text for key, text in self._entry.settings.items()}
        connection = Connection(
            thrift_transport=transport.thrift, username=user.username, configuration=settings
        )
        execute = connection.client.ExecuteStatement

        def limited(request: Any) -> Any:
            # PyHive cannot ask for it: the server ends a query when its client has gone.
            request.queryTimeout = self._seconds
            return execute(request)

        connection.client.ExecuteStatement = limited
        return connection

    def _prepare(self, database: str | None, timeout: float) -> None:
        self._seconds = math.ceil(min(timeout, _LONGEST))
        if self._transport is not None:
            self._transport.limit(self._seconds + _MARGIN)
        database = database or _DEFAULT
        if database != self._database:
            # Forgotten first: where it fails, it is not known which is the current one.
            self._database = None
            self._result(use(database), 1)
            self._database = database

    def _result(self, text: str, max_rows: int) -> Table | None:
        """Return what a statement gives, None where that is no table. Raises as `run`."""
        if self._connection is None:
            raise ConnectionFailed(f"not connected to {self._address}")
        cursor = self._cursor = self._connection.cursor()
        try:
            _log.debug("%s: running %s", self._address, text)
            self.progress = ""
            cursor.execute(text, async_=True)
            self._check(self._waited(cursor))
            result = (
                None
                if is_setting(text)
                else table(self._connection.client, self._operation, max_rows)
            )
            cursor.close()
        except ResultError as error:
            self._hidden.clean(error)
            raise
        except ReportupdaterError:
            raise
        except Exception as error:
            self._hidden.clean(error)
            _log.debug("%s: %s", self._address, errors.words(error))
            if errors.is_gone(error) and self._lives():
                raise errors.closed_by_others() from error
            if errors.is_timeout(errors.words(error)):
                raise self._timeout() from error
            raise errors.of_query(error, self._address) from error
        return result

    def _lives(self) -> bool:
        """Return whether the server still knows the session: it has not been restarted then."""
        from TCLIService.ttypes import TGetInfoReq, TGetInfoType, TStatusCode

        if self._connection is None or self._transport is None:
            return False
        self._transport.limit(_KILL_TIMEOUT)
        with contextlib.suppress(Exception):
            request = TGetInfoReq(self._connection.sessionHandle, TGetInfoType.CLI_SERVER_NAME)
            answer = self._connection.client.GetInfo(request)
            return bool(answer.status.statusCode == TStatusCode.SUCCESS_STATUS)
        return False

    def _waited(self, cursor: _Cursor) -> Any:
        """Return the status of a statement when it has come to its end."""
        from TCLIService.ttypes import TOperationState as State

        pause = _FIRST_PAUSE
        with_vertices = False
        while not self._calls.cancelled:
            status = cursor.poll(get_progress_update=with_vertices)
            self._log_progress(cursor)
            self._note(status)
            with_vertices = hive_progress.is_on(status)
            going_on = State.INITIALIZED_STATE, State.PENDING_STATE, State.RUNNING_STATE
            if status.operationState not in going_on:
                return status
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        raise ConnectionFailed("cancelled")

    def _note(self, status: Any) -> None:
        """Keep, and log, how far the job of a query is."""
        progress = hive_progress.words(status)
        if progress and progress != self.progress:
            vertices = hive_progress.vertices(status)
            _log.debug("%s: %s", self._address, ": ".join(filter(None, (progress, vertices))))
        self.progress = progress

    def _timeout(self) -> QueryTimeout:
        """Return the error for a query that the server ended at its time limit."""
        return QueryTimeout(
            f"the server stopped it after {self._seconds} s",
            hint="make the query quicker, or raise its `timeout`",
        )

    def _check(self, status: Any) -> None:
        """Raise QueryError or ConnectionFailed unless the statement succeeded."""
        from TCLIService.ttypes import TOperationState as State

        said = self._hidden(status.errorMessage or "")
        # A server that is going down may say FINISHED, and an error.
        if status.operationState == State.FINISHED_STATE and not said:
            return
        _log.debug("%s: %s", self._address, said)
        if status.operationState == State.TIMEDOUT_STATE or errors.is_timeout(said):
            raise self._timeout()
        if not said and status.operationState in (State.CANCELED_STATE, State.CLOSED_STATE):
            raise errors.closed_by_others()
        raise errors.of_server(said or "the server gives no reason", self._address)

    def _log_progress(self, cursor: _Cursor) -> None:
        """Write what the server logs of a query into our log."""
        if _log.isEnabledFor(logging.DEBUG):
            from pyhive.exc import Error

            with contextlib.suppress(Error):  # a server may keep no such logs
                for line in cursor.fetch_logs():
                    _log.debug("%s: %s", self._address, self._hidden(line))

    def _leave(self, error: ReportupdaterError, *, several: bool) -> None:
        """Leave nothing of a query that failed, and no session that is other than it was."""
        if self._calls.cancelled:
            self._see_off()
        elif isinstance(error, ConnectionFailed):
            if self._entry.transport == "http":  # such a server does not notice that we are gone
                self._start_killer()
            self._drop()
        elif several or isinstance(error, ResultError):
            self.close()  # the rest of a result is not waited for
        elif self._cursor is not None:
            try:
                self._cursor.close()  # else the server keeps what failed with the session
            except Exception:  # as ever, with Thrift
                self._drop()

    def _see_off(self) -> None:
        """Let the stop of a cancelled query come through; then its connection is dropped."""
        if self._killer is not None and self._killer.is_alive():
            self._killer.join(_KILL_PATIENCE)
        elif self._operation is None:
            if self._entry.transport == "http":
                self._start_killer()
        elif self._connection is not None and self._transport is not None:
            self._transport.limit(_KILL_TIMEOUT)
            with contextlib.suppress(Exception):
                _end(self._connection.client, self._connection.sessionHandle, self._operation)

    def _drop(self) -> None:
        transport, self._transport = self._transport, None
        self._connection = self._cursor = self._database = None
        if transport is not None:
            with contextlib.suppress(Exception):
                transport.thrift.close()
        self._line.close()

    def _stop(self, call: int) -> None:
        # A call that is still to learn the operation's name will see that it is cancelled.
        if self._operation is not None:
            self._calls.during(call, self._start_killer)
        patience = _KILL_PATIENCE if self._connection is not None else 0.0
        while not self._calls.ended(call, within=patience):
            self._calls.during(call, self._line.cut)
            patience = 0.1

    @property
    def _operation(self) -> Any:
        """What the server calls the statement in work, once it has said so."""
        return getattr(self._cursor, "_operationHandle", None)

    def _start_killer(self) -> None:
        # On a connection of its own: ours waits for news. On a thread of its own: the server may
        # be past answering.
        connection = self._connection
        if connection is not None:
            cookies = dict(self._transport.cookies) if self._transport is not None else {}
            what = connection.sessionHandle, self._operation, cookies
            self._killer = background.started(self._kill, *what)

    def _kill(self, session: Any, operation: Any, cookies: dict[str, str]) -> None:
        try:
            with contextlib.closing(Line()) as line:
                user, seconds = login(self._entry), _KILL_TIMEOUT
                transport = Transport(self._entry, user, line, seconds, seconds, cookies)
                with transport.client() as client:
                    _end(client, session, operation)
        except Exception as error:
            # It may have ended by itself meanwhile; else it does so when its connection is gone.
            self._hidden.clean(error)
            _log.debug("%s: could not stop a query: %s", self._address, errors.words(error))


def _end(client: Any, session: Any, operation: Any) -> None:
    """Stop an operation, if there is one, and close its session."""
    from TCLIService.ttypes import TCancelOperationReq, TCloseSessionReq

    if operation is not None:
        client.CancelOperation(TCancelOperationReq(operation))
        # Closing stops it once more: what had not quite begun may begin in spite of the first.
        time.sleep(_SECOND_STOP)
    client.CloseSession(TCloseSessionReq(session))
