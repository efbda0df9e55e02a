"""What the errors of PyMySQL mean: which are the query's, which the connection's, what to do.

The numbers are those of MariaDB's and MySQL's error references; 2000 to 2999 are the client's.
"""

from __future__ import annotations

import re
from pathlib import Path

from reportupdater.engines.shared.sql import ONE_STATEMENT
from reportupdater.engines.shared.unseen import one_line
from reportupdater.errors import (
    ConnectionFailed,
    QueryError,
    QueryTimeout,
    ReportupdaterError,
    ResultError,
)

UNKNOWN_VARIABLE = 1193

_TIMEOUTS = frozenset({1969, 3024})

_FULL = frozenset({1040, 1203, 1226})
_LOST = _FULL | {1053, 1077, 1079, 1080, 1152, 1156, 1158, 1159, 1160, 1161, 1184, 1927, 4031}
"""The server has no room, is going down, or has dropped the connection."""

_LOCKED = {
    1205: "another program holds a lock on a table of the query",
    1213: "another program changes the same rows",
    1412: "another program has changed a table of the query",
}
"""Another program's doing: the query was rolled back, and may be asked again."""

_NEAR = re.compile(r" near '(.+)' at line [0-9]+$")
_COMMENT = r"--[^\n]*\n|#[^\n]*\n|/\*.*?\*/"
_LIMIT = re.compile(r"max_\w+")
_METHOD_HINT = "let the user log in with mysql_native_password, or install what its method needs"
_TLS_HINT = "check the ssl- lines in the creds_file"

_CREDENTIALS = frozenset({1044, 1045, 1698, 1820, 1862, 3118, 4151})
_REFUSED = {
    1049: "check the `database` in the creds_file",
    1129: "the server's administrator unblocks this host with FLUSH HOSTS",
    1130: "the server lets no one log in from this host",
    1251: _METHOD_HINT,
    1275: _METHOD_HINT,
    1524: _METHOD_HINT,
    2026: _TLS_HINT,
    2049: _METHOD_HINT,
    2054: _METHOD_HINT,
    2059: _METHOD_HINT,
    2061: _METHOD_HINT,
    3159: _TLS_HINT,
}
"""The server or the driver will not let this user in; asking again would change nothing."""

_QUERY_HINTS = {
    1044: "the user of the creds_file has no right to that database",
    1046: "give the database its `db`, or name one before each table",
    1049: "check the report's `db`, or the list of wikis",
    1054: "check the column's name",
    1142: "the user of the creds_file has no right to do that to this table",
    1143: "the user of the creds_file has no right to do that to this column",
    1146: "check the table's name, and which database the report runs on",
    1298: "`time_zone` of the database names it",
    1317: "the query was ended on the server by someone else",
    1792: "a report whose query writes says `writes: true`",
}


def number(error: BaseException) -> int | None:
    """Return the error's number, where it is the server's or PyMySQL's and has one."""
    from pymysql.err import MySQLError

    first = error.args[0] if error.args and isinstance(error, MySQLError) else None
    return first if isinstance(first, int) and first else None


def said(error: BaseException) -> str:
    """Return the server's own words, on one line: `(1146) Table 'x.y' doesn't exist`."""
    code = number(error)
    if code is None:
        return one_line(f"{type(error).__name__}: {error}")
    return one_line(f"({code}) {' '.join(map(str, error.args[1:]))}")


def of_login(
    error: Exception, address: str, creds_file: Path | None, *, looked_up: bool = False
) -> ConnectionFailed:
    """Return the error for a connection that could not be made.

    `looked_up`: DNS gave the address.
    """
    # PyMySQL's wrapping of a network error says no more than its cause.
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, OSError):
        return ConnectionFailed(
            f"cannot connect to {address}: {cause.strerror or cause}",
            hint="does a server run there? check "
            + ("the SRV record" if looked_up else "`host` and `port`"),
        )
    what = f"cannot log in on {address}: {said(error)}"
    code = number(error)
    if isinstance(error, RuntimeError):  # a Python package for the login's method is missing
        return ConnectionFailed(what, hint=_METHOD_HINT, retry=False)
    if code in _CREDENTIALS:
        return ConnectionFailed(what, hint=_credentials_hint(creds_file), retry=False)
    if code in _REFUSED:
        return ConnectionFailed(what, hint=_REFUSED[code], retry=False)
    if code is None:
        return ConnectionFailed(what, hint="is that a MariaDB or MySQL server?")
    no_room = code in _FULL
    return ConnectionFailed(what, hint=_limit(error) if no_room else "", no_room=no_room)


def of_query(
    error: Exception, address: str, *, limit: float = 0.0, query: str = ""
) -> ReportupdaterError:
    """Return the error for a query that failed: a QueryError only if the connection is still good.

    `limit` is how many seconds the server gives a query by itself; 0 where it sets no limit.
    """
    code = number(error)
    if isinstance(error, UnicodeDecodeError):
        return ResultError(
            "the result holds text that is not UTF-8",
            hint="let the query convert it, for example with CONVERT() or HEX()",
        )
    if code is None and not _is_of_transport(error):
        return ResultError(
            f"an answer of {address} cannot be read: {said(error)}",
            hint="let the query make text of what is special in it: CAST(… AS CHAR)",
        )
    if code is None or code in _LOST or 2000 <= code < 3000:
        hint = _limit(error) if code in _FULL else ""
        return ConnectionFailed(f"lost the connection to {address}: {said(error)}", hint=hint)
    if code in _LOCKED:
        return QueryError(said(error), hint=_LOCKED[code], retry=True)
    if code in _TIMEOUTS:
        hint = "make the query quicker, or raise its `timeout`"
        if limit:
            hint += f"; the server ends queries after {limit:g} s, whatever `timeout` says"
        return QueryTimeout(said(error), hint=hint)
    hint = ONE_STATEMENT if _is_second(error, query) else _QUERY_HINTS.get(code, "")
    return QueryError(said(error), hint=hint)


def _is_second(error: Exception, query: str) -> bool:
    """Return whether a syntax error is that another statement follows the first."""
    near = _NEAR.search(said(error)) if number(error) == 1064 else None
    if near is None:
        return False
    words = map(re.escape, near[1].split())
    return re.search(rf";(?:\s|{_COMMENT})*" + r"\s+".join(words), query) is not None


def _limit(error: BaseException) -> str:
    """Return the hint that names the limit of connections, or of queries, that was hit."""
    named = _LIMIT.search(said(error))
    name = named[0] if named else "max_connections"
    whose = "the server's" if name == "max_connections" else "the user's"
    hint = f"the limit that was hit is {whose} {name}"
    if name.endswith("_connections"):
        hint += "; a lower `concurrency` of the database asks for fewer connections"
    return hint


def _is_of_transport(error: BaseException) -> bool:
    """Return whether the way to the server failed: whatever else a driver raises is no fault of that way."""
    from pymysql.err import MySQLError

    # PyMySQL's own without a number are those for packets in disorder.
    return isinstance(error, (OSError, EOFError, MySQLError))


def _credentials_hint(creds_file: Path | None) -> str:
    if creds_file is None:
        return "give the database a `creds_file` with user and password"
    return f"check user and password in {creds_file}"
