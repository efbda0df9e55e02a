"""How a session of a MariaDB or MySQL is set up: its time zone, its time limit, and that it only reads.

One statement asks at login what the server has set, and one changes it with the first query.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

from reportupdater.engines.mysql import errors
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.mysql.kill import IDENTITY

UTC = "+00:00"
"""The zone of a session where the entry names none."""

SERVER = "server"
"""What an entry says for the zone that the server has."""

_LONGEST = 31_536_000.0
"""The most seconds that MariaDB takes as a limit."""

_MOMENTS = {"2015-01-01": 1_420_070_400, "2015-07-01": 1_435_708_800}
"""Midnights of winter and summer, and the seconds since the epoch at which they are in UTC."""

_log = logging.getLogger(__name__)


class Found(NamedTuple):
    """What a server has set for a new session."""

    limit: float = 0.0
    """Seconds that a query may take; 0 where there is no limit."""
    zone: str = ""
    """The name of its time zone; empty for one that is UTC all year."""
    identity: tuple[Any, ...] = ()
    """Which server it is, of several that may answer at an address."""


def found(connection: Any) -> Found:
    """Ask what the server has set. Raises what PyMySQL raises."""
    limit = "@@max_statement_time" if _is_mariadb(connection) else "@@max_execution_time / 1000"
    moments = ", ".join(f"UNIX_TIMESTAMP('{day}')" for day in _MOMENTS)
    rest = f"{IDENTITY}, IF(@@time_zone = 'SYSTEM', @@system_time_zone, @@time_zone), {moments}"
    [row] = _rows(connection, [f"SELECT {limit}, {rest}", f"SELECT 0, {rest}"])
    own, *identity, zone, winter, summer = row
    is_utc = [int(at or 0) for at in (winter, summer)] == list(_MOMENTS.values())
    return Found(float(own), "" if is_utc else str(zone), tuple(identity))


def settings(
    connection: Any, entry: MysqlDatabase, found: Found, *, writes: bool, timeout: float
) -> list[str]:
    """Return the assignments that make a new session what its queries expect."""
    made = [limit(connection, found, timeout)]
    if not writes:
        made.append(f"{_read_only(connection)} = 1")
    zone = entry.time_zone or UTC
    if zone != SERVER:
        made.append(f"time_zone = '{zone}'")
    return made


def limit(connection: Any, found: Found, timeout: float) -> str:
    """Return the assignment that lets the server itself end queries after `timeout` seconds.

    It is for the case that no one is left to stop them. A lower limit of the server's stays.
    """
    seconds = min(max(timeout, 0.001), found.limit or _LONGEST, _LONGEST)  # 0 would mean for ever
    if _is_mariadb(connection):
        return f"max_statement_time = {seconds:.6f}"
    return f"max_execution_time = {min(int(seconds * 1000), 2**32 - 1)}"


def apply(connection: Any, assignments: Sequence[str]) -> None:
    """Assign variables of the session; those that the server does not know are left alone.

    Raises what PyMySQL raises for all else.
    """
    from pymysql.err import MySQLError

    try:
        _rows(connection, ["SET SESSION " + ", ".join(assignments)])
    except MySQLError as error:
        if errors.number(error) != errors.UNKNOWN_VARIABLE:
            raise
        if len(assignments) > 1:
            for assignment in assignments:
                apply(connection, [assignment])
        else:
            _log.debug("the server has no such setting: %s", errors.said(error))


def _rows(connection: Any, statements: Sequence[str]) -> Sequence[Sequence[Any]]:
    """Return what the first of some statements gives that has no variable which the server lacks."""
    from pymysql.cursors import Cursor
    from pymysql.err import MySQLError

    for statement in statements[:-1]:
        try:
            return _rows(connection, [statement])
        except MySQLError as error:
            if errors.number(error) != errors.UNKNOWN_VARIABLE:
                raise
    with closing(connection.cursor(Cursor)) as cursor:
        cursor.execute(statements[-1])
        rows: Sequence[Sequence[Any]] = cursor.fetchall()
        return rows


def _is_mariadb(connection: Any) -> bool:
    return "mariadb" in connection.get_server_info().lower()


def _read_only(connection: Any) -> str:
    """Return the name of the variable behind SET SESSION TRANSACTION READ ONLY."""
    major = connection.get_server_info().partition(".")[0]
    is_new = not _is_mariadb(connection) and major.isdecimal() and int(major) >= 8
    return "transaction_read_only" if is_new else "tx_read_only"
