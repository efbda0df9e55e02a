"""The state of an output folder: one SQLite file, in which a commit is one transaction.

WAL with `synchronous=FULL`: a transaction that has ended survives the process and the machine.
Several runs may use the file at once; writers wait for each other.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from reportupdater.errors import StateError, Where
from reportupdater.store import files, schema
from reportupdater.store.schema import VERSION

log = logging.getLogger(__name__)

FOLDER = ".reportupdater"
_BUSY_SECONDS = 8.0  # longer than any transaction, and of the ten that an interrupted run has
# The output folder's mode without others' bits: for folders and for files.
_FOLDER_MODE = 0o770
FILE_MODE = 0o660

_MOVE_AWAY = (
    "a file that is damaged may be moved away: the TSVs stay, and what they lack is computed again"
)


def opened(path: Path) -> int:
    """A descriptor of a file of the state; a new one gets the mode of its folder.

    The umask has no say: whoever may write to the folder may take its locks. The group comes from
    the folder's set-group-ID bit. A symbolic link in its place is not followed: whoever may write
    to the folder could let a run overwrite any file of its user's. Raises OSError.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        if path.is_symlink():
            what = "a symbolic link inside the output folder is not followed"
            raise OSError(errno.ELOOP, what, str(path)) from None
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    os.fchmod(descriptor, path.parent.stat().st_mode & FILE_MODE)
    return descriptor


@contextmanager
def look(output: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads and makes nothing; None where there is no state yet.

    Raises StateError, also where nobody may tell whether there is one.
    """
    path = output / FOLDER / "state.sqlite"
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as error:
        what = f"the state cannot be read: {error.strerror}"
        raise StateError(what, where=Where(str(path))) from None
    # A reader too would make SQLite's side files, as files of its own user, and leave them. Without
    # them nobody has written anything that is not in the main one.
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    with explained(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors, as a StateError."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(
            f"the state cannot be used: {error}",
            where=Where(str(path)),
            hint=f"look at the disk's space and the file's mode; {_MOVE_AWAY}",
        ) from None


def made_ready(connection: sqlite3.Connection, path: Path) -> None:
    """Set up a connection to the state, and make its tables where there are none.

    Raises StateError, and sqlite3.Error.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise StateError(
            "the state was written by a newer version of this program",
            where=Where(str(path)),
            hint="use that version, or another output folder",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if version < VERSION:
        if version:
            schema.check_older(connection, version)
        connection.execute("BEGIN IMMEDIATE")
        try:
            schema.make(connection, version)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    schema.check(connection)


class State:
    """The open state of one output folder."""

    def __init__(self, output: Path) -> None:
        """Open or make the state in `output`, which exists. Raises StateError."""
        self.output = output
        self.folder = output / FOLDER
        self.locks = self.folder / "locks"
        self.path = self.folder / "state.sqlite"
        try:
            self._make_folders()
            with self.alone():
                self._connection = self._open()
        except OSError as error:
            raise StateError(
                f"the state cannot be used: {error.strerror}",
                where=Where(str(error.filename or self.folder)),
                hint=files.remedy(error),
            ) from None
        self._series: dict[str, int] = {}

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction: all of it lasts, or nothing. Raises StateError."""
        with explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._series.clear()  # some may have been given in this transaction
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def fleeting(self) -> Iterator[sqlite3.Connection]:
        """A transaction for what is no loss: a power failure may undo it, so no disk is waited for."""
        with explained(self.path):
            self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with self.transaction() as connection:
                    yield connection
            finally:
                self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read from. Raises StateError."""
        with explained(self.path):
            yield self._connection

    def damaged(self, what: str) -> StateError:
        """The error to raise where something in the state is not what was written."""
        told = f"the state is damaged: {what}"
        return StateError(told, where=Where(str(self.path)), hint=_MOVE_AWAY)

    def series_id(self, connection: sqlite3.Connection, tsv: str, report: str) -> int:
        """The number of a series, given when it is first asked for."""
        number = self._series.get(tsv)
        if number is None:
            connection.execute(
                "INSERT OR IGNORE INTO series (tsv, report) VALUES (?, ?)", (tsv, report)
            )
            found = connection.execute("SELECT id FROM series WHERE tsv = ?", (tsv,)).fetchone()
            number = self._series[tsv] = int(found[0])
        return number

    def _make_folders(self) -> None:
        for folder in (self.folder, self.locks):
            if folder.is_symlink():
                raise StateError(
                    "a symbolic link inside the output folder is not followed",
                    where=Where(str(folder)),
                    hint="put the folder itself there",
                )
            if not folder.is_dir():
                files.make_folder(folder)
                above = self.output.stat()
                with suppress(PermissionError):
                    os.chown(folder, -1, above.st_gid)
                # With the bit that gives the group on, to what SQLite makes beside its file too.
                folder.chmod((above.st_mode & _FOLDER_MODE) | stat.S_ISGID)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time makes the state, sets it aside, or writes what all runs share."""
        descriptor = opened(self.locks / ".state")
        try:
            self._wait_for(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _wait_for(self, descriptor: int) -> None:
        deadline = monotonic() + _BUSY_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if monotonic() > deadline:
                    raise StateError(
                        "another process does not let go of the state",
                        where=Where(str(self.locks / ".state")),
                        hint="does a run of this output folder hang? `fuser` tells which",
                    ) from None
                sleep(0.02)

    def _open(self) -> sqlite3.Connection:
        try:
            try:
                return self._connect()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                # SQLite also calls damaged what it could not read. What can be read, and looks
                # damaged once more, is.
                self._read_through()
                return self._connect()
        except sqlite3.OperationalError as error:
            # No permission, no space, locked: nothing is wrong with what the file holds.
            raise StateError(
                f"the state cannot be opened: {error}",
                where=Where(str(self.path)),
                hint="look at the disk's space and the modes of the file and its folder",
            ) from None
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))
            return self._connect()

    def _read_through(self) -> None:
        """Raises OSError where the disk does not give a file of the state back."""
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError), open(f"{self.path}{suffix}", "rb") as file:
                while file.read(1 << 20):
                    pass

    def _connect(self) -> sqlite3.Connection:
        os.close(opened(self.path))  # SQLite gives its side files the mode of the main one
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            made_ready(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, why: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"state.sqlite.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        log.warning(
            "%s: the state is damaged (%s); it was set aside as %s and begun anew."
            " What was not in its TSV yet is computed again; open marks are lost, and datapoints that"
            " were not sent yet (`reportupdater resend` makes them again)",
            self.path,
            why,
            aside.name,
        )
