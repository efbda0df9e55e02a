"""A lock for each report of an output folder, held for as long as a run works on the report.

`flock`s: the kernel lets go of them when their process ends, however it ends. The files stay, since
removing one while another process waits for it would make two locks of one.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from reportupdater.errors import StateError, Where
from reportupdater.store import files
from reportupdater.store.state import opened

log = logging.getLogger(__name__)

_LONG = timedelta(days=1)


class Locks:
    """The locks that this process holds in one output folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the lock files are; it exists."""
        self._folder = folder
        self._held: dict[str, int] = {}

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._held):
            self.release(name)

    def take(self, report: str, now: datetime) -> bool:
        """Take a report's lock, unless another process holds it. Raises StateError."""
        if report in self._held:
            return True
        path = self._folder / report
        try:
            descriptor = opened(path)
            if not _locked(descriptor):
                return False
        except OSError as error:
            raise StateError(
                f"the lock cannot be taken: {error.strerror}",
                where=Where(str(path)),
                hint=files.remedy(error),
            ) from None
        self._held[report] = descriptor
        with suppress(OSError):  # on a full disk nobody is told who holds it
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {now.isoformat()}\n".encode(), 0)
        return True

    def holds(self, report: str) -> bool:
        """Whether this process holds a report's lock."""
        return report in self._held

    def release(self, report: str) -> None:
        """Let go of a report's lock."""
        os.close(self._held.pop(report))

    def tell_holder(self, report: str, now: datetime) -> str:
        """Log who holds a report, and give it back as words: a warning if it is for over a day."""
        level, told, hint = logging.INFO, "is held by another run", ""
        try:
            pid, _, since = (self._folder / report).read_text().strip().partition(" ")
            if now - datetime.fromisoformat(since) > _LONG:
                level = logging.WARNING
                hint = f" (should it hang: `kill {pid}` ends it, and keeps what it has computed)"
            told += f", process {pid}, since {since}Z"
        except (OSError, ValueError):
            pass  # it has just ended, or just begun
        log.log(level, "%s: %s; passed over%s", report, told, hint)
        return told


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
