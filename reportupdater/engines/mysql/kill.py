"""Stopping a query of a MySQL or MariaDB server, and of no other that answers in its name."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, NamedTuple

from reportupdater.connection import Line
from reportupdater.engines.mysql import errors
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.mysql.login import Peer, address, log_in

KILL_TIMEOUT = 2
"""Seconds for each step of the connection that stops a query."""

IDENTITY = "@@hostname, @@port, @@server_id"
"""What identifies a server among others behind the same address."""

_log = logging.getLogger(__name__)


class Running(NamedTuple):
    """A connection as its server knows it: its number means nothing to any other server."""

    thread_id: int
    identity: tuple[Any, ...]
    peer: Peer


def identity(connection: Any) -> tuple[Any, ...]:
    """Return which server a connection leads to. Raises what PyMySQL raises."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {IDENTITY}")
        return tuple(cursor.fetchone())


def kill(entry: MysqlDatabase, running: Running) -> None:
    """Stop what a connection runs, if its server can be reached once more. Never raises."""
    try:
        with contextlib.closing(Line()) as line:
            connection, _ = log_in(
                entry, line, KILL_TIMEOUT, timeout=KILL_TIMEOUT, peer=running.peer
            )
            with contextlib.closing(connection):
                if identity(connection) != running.identity:
                    _log.debug(
                        "query %d on %s is not stopped: another server may answer there now",
                        running.thread_id,
                        address(entry),
                    )
                    return
                with connection.cursor() as cursor:
                    cursor.execute(f"KILL QUERY {running.thread_id:d}")
    except Exception as error:
        # The query may also have ended by itself meanwhile. Else the server's own limit does it.
        _log.debug(
            "could not stop query %d on %s: %s",
            running.thread_id,
            address(entry),
            errors.said(error),
        )
