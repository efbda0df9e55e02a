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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from reportupdater.errors import StateError, Where
from reportupdater.state import alive
from reportupdater.state.connection import explained, is_locked, locked, made_ready
from reportupdater.state.place import (
    FOLDER,
    NAME,
    check_regular,
    descriptors,
    opened,
    private,
    uri,
)
from reportupdater.state.tables import Tables
from reportupdater.tsv import files
from reportupdater.tsv.folder import Folder

T = TypeVar("T")

log = logging.getLogger(__name__)

_STEP_SECONDS = 4.0  # SQLite waits that long for another writer, and looks at no signal meanwhile
_PATIENCE_SECONDS = 60.0
_MOST_AT_WORK = 100


class State(Tables):
    """The open state of one output folder."""

    root: Folder
    home: Folder
    """`.reportupdater` in it."""
    _runs: tuple[int, ...] = ()
    """Descriptors by which runs are shown to be at work."""

    def __init__(self, output: Path, in_hurry: Callable[[], bool] = lambda: False) -> None:
        """Open or make the state in `output`, which exists. Raises StateError.

        Other writers are waited for, for up to a minute; not so long when the run is `in_hurry`.
        """
        self._in_hurry = in_hurry
        try:
            super().__init__(output, root := Folder.at(output))
            self.home, self.locks = self._made_folders(root)
            with self.alone():
                self._connection = self._open()
        except OSError as error:
            raise StateError(
                f"the state cannot be used: {error.strerror}",
                where=Where(str(error.filename or self.folder)),
                hint=files.remedy(error),
            ) from None

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
        """Give a connection inside a transaction: all of it lasts, or nothing.

        Raises StateError.
        """
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
        """Give a transaction for what is no loss: a power failure may undo it, so no disk is waited for."""
        with explained(self.path):
            self._connection.execute("PRAGMA synchronous = NORMAL")
            try:
                with self.transaction() as connection:
                    yield connection
            finally:
                self._connection.execute("PRAGMA synchronous = FULL")

    def _made_folders(self, output: Folder) -> tuple[Folder, Folder]:
        """Return the state's folder and the one of the locks, made where they are missing."""
        above = output.own_stat()
        with ExitStack() as stack:
            # While one process gives a new folder its mode, no other one puts files into it.
            with suppress(PermissionError):  # one may write to a folder that one may not read
                descriptor = output.readable()
                stack.callback(os.close, descriptor)
                self._wait_for(descriptor, str(output))
            home = private(output, FOLDER, above)
            return home, private(home, "locks", above)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time make the state, move it aside, or write what all runs share."""
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
                if not is_locked(error) or self._in_hurry() or past > _PATIENCE_SECONDS:
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
            if is_locked(error):
                raise locked(self.path) from None
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
        check_regular(self.home)
        descriptor = opened(self.home, NAME)
        main = os.fstat(descriptor)
        os.close(descriptor)
        # SQLite knows files by their paths alone. It makes no file here, and is given no statement
        # before it has the file that is meant.
        connection = sqlite3.connect(
            uri(self.home, self.output, "mode=rw"),
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
        found = descriptors(file)
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
            " What was not in its TSV yet is computed again; open rerun requests are lost, and datapoints"
            " that were not sent yet (`reportupdater resend` makes them again)",
            self.path,
            why,
            aside,
        )
