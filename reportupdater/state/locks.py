"""A lock for each report of an output folder, held for as long as a run works on the report.

`flock`s: the kernel lets go of them when their process ends, however it ends. The files stay, since
removing one while another process waits for it would make two locks of one.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol

from reportupdater.errors import StateError, Where
from reportupdater.state.place import home, opened
from reportupdater.state.valid import is_pid
from reportupdater.tsv import files
from reportupdater.tsv.folder import Folder

log = logging.getLogger(__name__)

_LONG = timedelta(days=1)
_FEW = 100
_BESIDE = 1_000
"""Descriptors beside the locks: of connections, scripts, TSVs that are made durable together."""

_PATIENCE = 1.5
"""Seconds that a run waits for locks that others hold, for all of them together.

A run of another project holds one for a moment while it merges what is left in the journal, and a user who
looks whether it is held for less.
"""
_STEP = 0.02
_NO_LOCK = frozenset({errno.ELOOP, errno.EEXIST, errno.EISDIR, errno.EMLINK})
_LONGEST = 200
"""Characters of a lock's file that are looked at."""


class NoLock(StateError):
    """Something else has the name of a lock: a link, a pipe, a folder. It concerns one report."""


class Acquires(Protocol):
    """What selecting the reports to work on needs of locks."""

    broken: dict[str, NoLock]
    """The reports whose locks `take_all` has found to be none."""

    def make_room(self, reports: int) -> None:
        """Let this process open as many files as so many locks and the work on the reports need."""

    def take_all(self, reports: Iterable[str], now: datetime) -> set[str]:
        """Take the locks of some reports, and return which."""

    def log_holder(self, report: str, now: datetime) -> str:
        """Log who holds a report's lock, and return it as words."""


class Locks:
    """The locks that this process holds in one output folder."""

    patience = _PATIENCE

    def __init__(self, folder: Folder) -> None:
        """`folder` is where the lock files are."""
        self._folder = folder
        self._held: dict[str, int] = {}
        self.broken: dict[str, NoLock] = {}
        """The reports whose locks `take_all` has found to be none."""

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._held):
            self.release(name)

    def take(self, report: str, now: datetime) -> bool:
        """Take a report's lock, unless another process holds it. Raises NoLock, StateError."""
        if report in self._held:
            return True
        try:
            descriptor = opened(self._folder, report)
            if not _locked(descriptor):
                return False
        except OSError as error:
            kind = NoLock if error.errno in _NO_LOCK else StateError
            raise kind(
                f"the lock cannot be taken: {error.strerror}",
                where=Where(self._folder.of(report)),
                hint=files.remedy(error),
            ) from None
        self._held[report] = descriptor
        with suppress(OSError):  # on a full disk its holder stays unknown
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {now.isoformat()}\n".encode(), 0)
        return True

    def make_room(self, reports: int) -> None:
        """Let this process open as many files as so many locks and the work on the reports need."""
        if reports < _FEW:
            return  # every system lets a process open that many
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = (
            reports + _BESIDE if hard == resource.RLIM_INFINITY else min(reports + _BESIDE, hard)
        )
        # What a run starts gets the same limit: it is raised no further than it must be.
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def take_all(self, reports: Iterable[str], now: datetime) -> set[str]:
        """Take the locks of some reports, and return which; wait a little for those that others hold.

        Those whose locks are none are `broken` then. Raises StateError.
        """
        left = set(reports)
        taken = self._taken(left, now)
        deadline = monotonic() + self.patience
        while (left := left - taken - self.broken.keys()) and monotonic() < deadline:
            sleep(_STEP)
            taken |= self._taken(left, now)
        return taken

    def _taken(self, reports: Iterable[str], now: datetime) -> set[str]:
        taken = set()
        for report in reports:
            try:
                if self.take(report, now):
                    taken.add(report)
            except NoLock as error:
                self.broken[report] = error
        return taken

    def holds(self, report: str) -> bool:
        """Return whether this process holds a report's lock."""
        return report in self._held

    def release(self, report: str) -> None:
        """Let go of a report's lock."""
        os.close(self._held.pop(report))

    def holder(self, report: str) -> str:
        """Return who holds a report's lock, as ", process 1, since …,".

        Empty where that is not known.
        """
        try:
            pid, since = last_holder(self._folder, report)
        except (OSError, ValueError):
            return ""
        return f", process {pid}, since {since.isoformat()}Z,"

    def log_holder(self, report: str, now: datetime) -> str:
        """Log who holds a report's lock, and return it as words."""
        return log_holder(self._folder, report, now)


def log_holder(folder: Folder, report: str, now: datetime) -> str:
    """Log who holds a report's lock, and return it as words: a warning if it is for over a day."""
    level, message, hint = logging.INFO, "is held by another run", ""
    try:
        pid, since = last_holder(folder, report)
    except (OSError, ValueError):
        pass  # it has just ended, or just begun
    else:
        if now - since > _LONG:
            level = logging.WARNING
            hint = f" (should it hang: `kill {pid}` ends it, and keeps what it has computed)"
        message += f", process {pid}, since {since.isoformat()}Z"
    log.log(level, "%s: %s; passed over%s", report, message, hint)
    return message


def _locked(descriptor: int) -> bool:
    """Lock an open file, and close it where that cannot be: False if another process has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    except OSError:
        os.close(descriptor)
        raise
    return True


class Onlooker:
    """Finds out which locks a run could take, and takes none but for the moment of asking.

    A run that begins in that moment waits for longer.
    """

    def __init__(self, folder: Folder | None) -> None:
        """`folder` is where the lock files are; None if there is none, or none may be looked at."""
        self._folder = folder
        self.broken: dict[str, NoLock] = {}
        self.held: dict[str, str] = {}
        """The reports that were found to be held, each with its holder."""

    def make_room(self, reports: int) -> None:
        """Do nothing: no lock stays open."""

    def take_all(self, reports: Iterable[str], now: datetime) -> set[str]:
        """Return those of the reports whose locks a run could take now."""
        return {report for report in reports if not is_held(self._folder, report)}

    def log_holder(self, report: str, now: datetime) -> str:
        """Log who holds a report's lock, and keep the words in `held`."""
        if self._folder is not None:
            self.held[report] = log_holder(self._folder, report, now)
        return self.held.get(report, "")


def folder_of(output: Path) -> Folder | None:
    """Return where the locks of an output folder are.

    None if there is none, or none may be looked at.
    """
    try:
        folder = home(output)
        return folder.folder("locks") if folder else None
    except OSError:
        return None


def is_held(folder: Folder | None, report: str) -> bool:
    """Return whether a process holds a report's lock, be it in another container."""
    try:
        if folder is None:
            return False
        descriptor = folder.open(report, os.O_RDONLY)
    except OSError:  # no one has ever held it, or it may not be looked at
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # two who ask do not see each other
    except OSError as error:
        return isinstance(error, BlockingIOError)
    finally:
        os.close(descriptor)
    return False


def last_holder(folder: Folder, report: str) -> tuple[str, datetime]:
    """Return the process that took a report's lock last, and when; it may have let go of it since.

    Raises OSError where it was never taken, ValueError where it has just been taken, or where the
    file holds anything else: its text goes into the command that a message advises.
    """
    pid, _, since = _content(folder, report).strip().partition(" ")
    moment = datetime.fromisoformat(since)
    if not (pid.isascii() and pid.isdecimal() and is_pid(int(pid))) or moment.tzinfo is not None:
        raise ValueError("it names no process and no moment")
    return pid, moment


def _content(folder: Folder, report: str) -> str:
    with open(folder.open(report, os.O_RDONLY), encoding="utf-8") as file:
        return file.read(_LONGEST)
