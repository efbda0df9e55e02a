"""The state of an output folder: one SQLite file, in which a commit is one transaction.

WAL with `synchronous=FULL`: a transaction that has ended survives the process and the machine.
Several runs may use the file at once; writers wait for each other.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shlex
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from reportupdater.errors import StateError, Where
from reportupdater.state import alive, schema
from reportupdater.state.schema import VERSION
from reportupdater.tsv import access, files
from reportupdater.tsv.folder import LINK, Folder

T = TypeVar("T")

log = logging.getLogger(__name__)

FOLDER = ".reportupdater"
NAME = "state.sqlite"
_STEP_SECONDS = 4.0  # SQLite waits that long for another writer, and looks at no signal meanwhile
_PATIENCE_SECONDS = 60.0
_MOST_AT_WORK = 100
# The output folder's mode without others' bits: for folders and for files.
_FOLDER_MODE = 0o770
FILE_MODE = 0o660
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

_MOVE_AWAY = (
    "a file that is damaged may be moved away: the TSVs stay, and what they lack is computed again"
)


def opened(folder: Folder, name: str) -> int:
    """A descriptor of a file of the state; a new one gets the mode and the group of its folder.

    The umask is ignored: all who may write to the folder may take its locks. Raises OSError; also
    where the file has a second name, since it may then be any file of this user's.
    """
    try:
        descriptor = folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        descriptor = folder.open(name, os.O_RDWR)
        if os.fstat(descriptor).st_nlink > 1:
            os.close(descriptor)
            what = "it has a second name elsewhere (a hard link)"
            raise OSError(errno.EMLINK, what, folder.of(name)) from None
        return descriptor
    above = folder.own_stat()
    access.give(descriptor, above.st_gid, above.st_mode & FILE_MODE)
    return descriptor


def home(output: Path) -> Folder | None:
    """The folder of an output folder's state; None if there is none. Raises OSError."""
    try:
        return Folder.at(output).folder(FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def look(output: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads and makes nothing; None where there is no state yet.

    Raises StateError, also where it cannot be seen whether there is one.
    """
    path = output / FOLDER / NAME
    try:
        folder = home(output)
        if folder is not None:
            _check_regular(folder)
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
    how = "mode=ro" if _has(folder, f"{NAME}-wal") else "mode=ro&immutable=1"
    with explained(path):
        connection = sqlite3.connect(_uri(folder, output, how), uri=True)
        try:
            if not _descriptors(found):
                raise StateError("the state has just been replaced", where=Where(str(path)))
            yield connection
        finally:
            connection.close()


def _check_regular(folder: Folder) -> None:
    """Raise OSError where a name of the state's files is that of something else.

    SQLite would wait for a pipe for ever, and no signal would end it.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        name = f"{NAME}{suffix}"
        with suppress(FileNotFoundError):
            mode = folder.stat(name).st_mode
            if stat.S_ISLNK(mode):
                raise OSError(errno.ELOOP, LINK, folder.of(name))
            if not stat.S_ISREG(mode):
                raise OSError(errno.EEXIST, "not a regular file", folder.of(name))


def _uri(folder: Folder, output: str | os.PathLike[str], how: str) -> str:
    """What SQLite is given to open the state in a folder."""
    above = os.stat(output)
    if above.st_mode & _OTHERS_WRITE or above.st_uid not in (0, os.geteuid()):
        from reportupdater.state import literal  # others could exchange the folder meanwhile

        how += literal.parameter()
    return f"file:{folder.link}/{NAME}?{how}"


def _has(folder: Folder, name: str) -> bool:
    try:
        folder.stat(name)
    except OSError:
        return False
    return True


def _descriptors(file: os.stat_result) -> list[int]:
    """This process' descriptors of a file."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one with which the list was read
            one = os.fstat(int(name))
            if (one.st_dev, one.st_ino) == (file.st_dev, file.st_ino):
                found.append(int(name))
    return found


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """SQLite's errors, as a StateError."""
    try:
        yield
    except sqlite3.Error as error:
        if _is_locked(error):
            raise _locked(path) from None
        raise StateError(
            f"the state cannot be used: {error}",
            where=Where(str(path)),
            hint=f"look at the disk's space and the file's mode; {_MOVE_AWAY}",
        ) from None


def _is_locked(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def _locked(path: Path) -> StateError:
    return StateError(
        "the state is locked by another program",
        where=Where(str(path)),
        hint=f"`fuser -v {shlex.quote(str(path))}` shows which one: end it, or its transaction; what"
        " could not be stored is computed by the next run",
    )


def checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the state, 0 for a new file; one of before the present can become one of it.

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
        schema.check_older(connection)
    return version


def made_ready(connection: sqlite3.Connection, path: Path) -> None:
    """Set up a connection to the state, and make its tables where there are none.

    Raises StateError, and sqlite3.Error.
    """
    version = checked_version(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if version < VERSION:
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

    root: Folder | None
    """The output folder; None where it is not there, of a copy."""
    home: Folder
    """`.reportupdater` in it."""
    _runs: tuple[int, ...] = ()
    """Descriptors by which runs are shown to be at work."""

    def __init__(self, output: Path, in_hurry: Callable[[], bool] = lambda: False) -> None:
        """Open or make the state in `output`, which exists. Raises StateError.

        Other writers are waited for, for up to a minute; not so long when the run is `in_hurry`.
        """
        self.output = output
        self._in_hurry = in_hurry
        self.folder = output / FOLDER
        self.path = self.folder / NAME
        try:
            self.root = Folder.at(output)
            self.home, self.locks = self._made_folders(self.root)
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
        for descriptor in self._runs:
            os.close(descriptor)
        self._runs = ()

    def lock_run(self, first: int) -> int:
        """Show that a run is at work until the state is closed. Raises StateError.

        Returns its number: the `first`, or a later one where runs have that which are at work on a
        state that was moved away.
        """
        try:
            descriptor = opened(self.locks, alive.NAME)
            self._runs = (*self._runs, descriptor)
            for run in range(first, first + _MOST_AT_WORK):
                with suppress(BlockingIOError):
                    alive.lock(descriptor, run)
                    return run
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except OSError as error:
            raise StateError(
                f"the lock of this run cannot be taken: {error.strerror}",
                where=Where(self.locks.of(alive.NAME)),
                hint=files.remedy(error),
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction: all of it lasts, or nothing. Raises StateError."""
        with explained(self.path):
            try:  # a signal may end the block as soon as the transaction has begun
                self._waited_for(lambda: self._connection.execute("BEGIN IMMEDIATE"))
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
        message = f"the state is damaged: {what}"
        return StateError(message, where=Where(str(self.path)), hint=_MOVE_AWAY)

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

    def _made_folders(self, output: Folder) -> tuple[Folder, Folder]:
        """The state's folder and the one of the locks, made where they are missing."""
        above = output.own_stat()
        with ExitStack() as stack:
            # While one process gives a new folder its mode, no other one puts files into it.
            with suppress(PermissionError):  # one may write to a folder that one may not read
                descriptor = output.readable()
                stack.callback(os.close, descriptor)
                self._wait_for(descriptor, str(output))
            home = _private(output, FOLDER, above)
            return home, _private(home, "locks", above)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time makes the state, sets it aside, or writes what all runs share."""
        descriptor = opened(self.locks, ".state")
        try:
            self._wait_for(descriptor, self.locks.of(".state"))
            yield
        finally:
            os.close(descriptor)

    def _waited_for(self, call: Callable[[], T]) -> T:
        """Do what another writer may keep from being done. Raises what SQLite raises."""
        began = monotonic()
        while True:
            try:
                return call()
            except sqlite3.OperationalError as error:
                past = monotonic() - began
                if not _is_locked(error) or self._in_hurry() or past > _PATIENCE_SECONDS:
                    raise
                log.info("%s: waits for another program, which has locked it", self.path)

    def _wait_for(self, descriptor: int, path: str) -> None:
        deadline = monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if self._in_hurry() or monotonic() > deadline:
                    raise StateError(
                        "another process does not let go of the state",
                        where=Where(path),
                        hint="does a run of this output folder hang? `fuser` shows which",
                    ) from None
                sleep(0.02)
            except OSError as error:
                raise OSError(error.errno, error.strerror, path) from None

    def _open(self) -> sqlite3.Connection:
        try:
            try:
                return self._waited_for(self._connect)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                # SQLite also calls damaged what it could not read. What can be read, and looks
                # damaged once more, is.
                self._read_through()
                return self._connect()
        except sqlite3.OperationalError as error:
            # No permission, no space, locked: nothing is wrong with what the file holds.
            if _is_locked(error):
                raise _locked(self.path) from None
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
        for name in (NAME, f"{NAME}-wal"):
            with suppress(FileNotFoundError), open(self.home.open(name, os.O_RDONLY), "rb") as file:
                while file.read(1 << 20):
                    pass

    def _connect(self) -> sqlite3.Connection:
        _check_regular(self.home)
        descriptor = opened(self.home, NAME)
        main = os.fstat(descriptor)
        os.close(descriptor)
        # SQLite knows files by their paths alone. It makes no file here, and is given no statement
        # before it has the file that is meant.
        connection = sqlite3.connect(
            _uri(self.home, self.output, "mode=rw"),
            timeout=_STEP_SECONDS,
            isolation_level=None,
            uri=True,
        )
        try:
            self._check_open(main, NAME)
            made_ready(connection, self.path)
            for suffix in ("-wal", "-shm"):
                name = f"{NAME}{suffix}"
                for side in self._check_open(self.home.stat(name), name):
                    # SQLite has given it the mode of the main one, and its group only as root.
                    if os.fstat(side).st_gid != main.st_gid:
                        with suppress(PermissionError):
                            os.fchown(side, -1, main.st_gid)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_open(self, file: os.stat_result, name: str) -> list[int]:
        """SQLite's descriptors of a file of the state. Raises OSError where it has opened another one."""
        found = _descriptors(file)
        if not found:
            what = "something else has just been put there"
            raise OSError(errno.EEXIST, what, self.home.of(name))
        return found

    def _set_aside(self, why: str) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = f"{NAME}.damaged-{stamp}"
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.home.rename(f"{NAME}{suffix}", f"{aside}{suffix}")
        log.warning(
            "%s: the state is damaged (%s); it was moved aside as %s, and a new one was made."
            " What was not in its TSV yet is computed again; open marks are lost, and datapoints that"
            " were not sent yet (`reportupdater resend` makes them again)",
            self.path,
            why,
            aside,
        )


def _private(above: Folder, name: str, output: os.stat_result) -> Folder:
    """A folder of the state; a new one gets the output folder's group, and its mode without others' bits.

    The set-group-ID bit is the kernel's to give: a folder has it where the one above has it.
    """
    is_new = above.make(name, 0o700)
    try:
        folder = above.folder(name)
    except NotADirectoryError as error:
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), error.filename) from None
    if is_new:
        descriptor = folder.readable()
        try:
            found = os.fstat(descriptor)
            # Another folder of ours may have been put there: its files are not for the group.
            if found.st_uid == os.geteuid() and not folder.entries():
                mode = output.st_mode & _FOLDER_MODE
                access.give(descriptor, output.st_gid, mode | (found.st_mode & stat.S_ISGID))
        finally:
            os.close(descriptor)
    return folder
