"""What has become of the files in a project's `.reruns/`: each is one request, and answered once."""

from __future__ import annotations

import enum
import sqlite3

from reportupdater.state.reruns import RerunFile
from reportupdater.state.tables import Tables


class Fate(enum.Enum):
    """What has become of a rerun file, as far as one report goes."""

    FRESH = "fresh"
    """It has come since the state knows the report: the next run takes it up."""
    LEFT = "left"
    """It was there before the state knew the report: no one knows whether it has been answered."""
    DONE = "done"
    """It has been expanded into requests, or is ignored."""


def fate(connection: sqlite3.Connection, file: RerunFile, report: str) -> Fate:
    """Return what has become of a rerun file, as far as one report goes."""
    found = connection.execute(
        "SELECT is_left FROM rerun_files WHERE name = ? AND digest = ? AND report = ?",
        (file.name, file.digest, report),
    ).fetchone()
    if found is not None:
        return Fate.LEFT if found[0] else Fate.DONE
    found = connection.execute(  # as older versions knew them
        "SELECT 1 FROM mark_files WHERE name = ? AND mtime_ns = ? AND report = ?",
        (file.name, file.mtime_ns, report),
    ).fetchone()
    if found is not None:
        return Fate.DONE
    found = connection.execute(
        "SELECT 1 FROM owners WHERE report = ?1 UNION"
        " SELECT 1 FROM reports WHERE report = ?1 AND series",
        (report,),
    ).fetchone()
    return Fate.LEFT if found is None else Fate.FRESH


def leave(state: Tables, file: RerunFile, report: str) -> None:
    """Remember a file as an open request of before this state."""
    with state.transaction() as connection:
        note(connection, file, report, is_left=True)


def ignore(state: Tables, file: RerunFile, report: str) -> None:
    """Remember that a file is no request any more."""
    with state.transaction() as connection:
        note(connection, file, report, is_left=False)


def note(connection: sqlite3.Connection, file: RerunFile, report: str, *, is_left: bool) -> None:
    """Note what has become of a file, inside a transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO rerun_files VALUES (?, ?, ?, ?)",
        (file.name, file.digest, report, is_left),
    )
