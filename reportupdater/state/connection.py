"""SQLite connections to the state: made ready, and their errors explained."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reportupdater.errors import StateError, Where
from reportupdater.state import schema
from reportupdater.state.place import FOLDER, NAME, check_regular, descriptors, has, home, uri
from reportupdater.state.schema import VERSION
from reportupdater.tsv import files

MOVE_AWAY = (
    "a file that is damaged may be moved away: the TSVs stay, and what they lack is computed again"
)


@contextmanager
def look(output: Path) -> Iterator[sqlite3.Connection | None]:
    """Give a connection that only reads and makes nothing; None where there is no state yet.

    Raises StateError, also where it cannot be seen whether there is one.
    """
    path = output / FOLDER / NAME
    try:
        folder = home(output)
        if folder is not None:
            check_regular(folder)
        found = folder.stat(NAME) if folder else None
    except FileNotFoundError:
        folder = found = None
    except OSError as error:
        what = f"the state cannot be read: {error.strerror}"
        raise StateError(what, where=Where(str(path)), hint=files.unreadable(error)) from None
    if folder is None or found is None:
        yield None
        return
    # A reader too would make SQLite's side files, as files of its own user, and leave them. Without
    # them there is nothing that is not in the main one.
    how = "mode=ro" if has(folder, f"{NAME}-wal") else "mode=ro&immutable=1"
    with explained(path):
        connection = sqlite3.connect(uri(folder, output, how), uri=True)
        try:
            if not descriptors(found):
                raise StateError("the state has just been replaced", where=Where(str(path)))
            yield connection
        finally:
            connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as a StateError."""
    try:
        yield
    except sqlite3.Error as error:
        if is_locked(error):
            raise locked(path) from None
        raise StateError(
            f"the state cannot be used: {error}",
            where=Where(str(path)),
            hint=f"look at the disk's space and the file's mode; {MOVE_AWAY}",
        ) from None


def is_locked(error: sqlite3.Error) -> bool:
    """Return whether another program has the file locked."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def locked(path: Path) -> StateError:
    """Return the error for a file that another program has locked."""
    import shlex  # only to say so

    return StateError(
        "the state is locked by another program",
        where=Where(str(path)),
        hint=f"`fuser -v {shlex.quote(str(path))}` shows which one: end it, or its transaction; what"
        " could not be stored is computed by the next run",
    )


def checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the state, 0 for a new file; one of before the present can become one of it.

    Raises StateError, and sqlite3.Error.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise StateError(
            "the state was written by a newer version of this program",
            where=Where(str(path)),
            hint="use that version, or another output folder",
        )
    if 0 < version < VERSION:
        from reportupdater.state import versions  # nearly every state is of the present one

        versions.check_older(connection)
    return version


def made_ready(connection: sqlite3.Connection, path: Path) -> None:
    """Set up a connection to the state, and make its tables where there are none.

    Raises StateError, and sqlite3.Error.
    """
    version = checked_version(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if version < VERSION:
        from reportupdater.state import versions

        connection.execute("BEGIN IMMEDIATE")
        try:
            versions.make(connection, version)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    schema.check(connection)
