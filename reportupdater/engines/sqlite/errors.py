"""What the errors of SQLite mean: which are the query's, which the file's, what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reportupdater.engines.shared.sql import ONE_STATEMENT
from reportupdater.engines.shared.unseen import one_line
from reportupdater.errors import ConnectionFailed, QueryError, ReportupdaterError, ResultError

_WAL = frozenset(
    {
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_CANTLOCK,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_DIRECTORY,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""What keeps a file in WAL mode from being read: files beside it that cannot be made or written."""


def code(error: BaseException) -> int:
    """SQLite's primary error code, 0 where the error is the module's own."""
    return _extended(error) & 0xFF


def of_opening(error: BaseException, path: Path, *, writes: bool) -> ConnectionFailed:
    """Return the error for a file that cannot be opened."""
    if code(error) == sqlite3.SQLITE_BUSY:
        return _locked(path)
    return ConnectionFailed(
        f"cannot open the database file {path}: {one_line(str(error))}",
        hint=_of_file(error, path, writes=writes),
        retry=code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL),
    )


def of_query(error: BaseException, path: Path, *, writes: bool) -> ReportupdaterError:
    """Return the error for a query that failed: a QueryError only if the connection is still good."""
    said = one_line(str(error))
    if code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _locked(path)
    if code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
        hint = _of_file(error, path, writes=writes)
        return ConnectionFailed(f"cannot read {path}: {said}", hint=hint)
    if said.startswith("Could not decode to UTF-8"):
        return ResultError(
            f"the result holds text that is not UTF-8: {said}",
            hint="let the query convert it, for example with hex()",
        )
    return QueryError(said, hint=_of_file(error, path, writes=writes) or _of_text(said))


def _extended(error: BaseException) -> int:
    extended = getattr(error, "sqlite_errorcode", 0)
    return extended if isinstance(extended, int) else 0


def _locked(path: Path) -> ConnectionFailed:
    return ConnectionFailed(
        f"{path} is locked", hint="another program has been writing to it for long"
    )


def _of_file(error: BaseException, path: Path, *, writes: bool) -> str:
    """Return what to do about the state that a file, or its folder, is in."""
    extended = _extended(error)
    if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
        return (
            f"a program ended while it wrote to it, and left {path.name}-journal: let a user who may"
            f" write there open it once, with sqlite3 {path} 'PRAGMA schema_version'"
        )
    if extended in _WAL and not writes:
        return (
            "a file in WAL mode can only be read where its folder may be written to: let the user"
            f" write to {path.parent}, or its owner set PRAGMA journal_mode = DELETE"
        )
    if code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        if writes:
            return f"let the user write to the file and to its folder {path.parent}"
        return "a report whose query writes says `writes: true`"
    return {
        sqlite3.SQLITE_CORRUPT: "the file is damaged: PRAGMA integrity_check shows where",
        sqlite3.SQLITE_NOTADB: "check the database's `path`",
        sqlite3.SQLITE_FULL: "is there room on the file's disk, and for sorting in /tmp, or what"
        " SQLITE_TMPDIR names?",
        sqlite3.SQLITE_PROTOCOL: "other programs open it all the time",
        sqlite3.SQLITE_IOERR: "does its disk fail, or its network file system take no locks?",
    }.get(code(error), "")


def _of_text(said: str) -> str:
    if "one statement at a time" in said:
        return ONE_STATEMENT
    if said.startswith("no such table"):
        return "check the table's name, and which database the report runs on"
    if said.endswith("syntax error"):
        return "`reportupdater try` shows the query as it was asked"
    return ""
