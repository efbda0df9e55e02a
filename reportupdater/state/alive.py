"""Which runs are at work: each holds a byte of one file locked for its life, the byte of its number.

The kernel lets go of it when the process ends, however it ends, and shows it to each process that can
reach the file, also in another container, where the number of a process means nothing. Asking takes no
lock.
"""

from __future__ import annotations

import fcntl
import os
import struct

from reportupdater.tsv.folder import Folder

NAME = ".runs"
_LOCK = "hhqqi0q"
"""`struct flock`: type, from where, start, length, process."""


def lock(descriptor: int, run: int) -> None:
    """Lock the byte of a run, as long as the file stays open. Raises OSError."""
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _of(fcntl.F_WRLCK, run))


def is_alive(folder: Folder | None, run: int) -> bool:
    """Return whether a run is at work.

    Where the locks of an output folder cannot be looked at, none is.
    """
    try:
        if folder is None:
            return False
        descriptor = folder.open(NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _of(fcntl.F_WRLCK, run))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return bool(struct.unpack(_LOCK, answer)[0] != fcntl.F_UNLCK)


def _of(kind: int, run: int) -> bytes:
    return struct.pack(_LOCK, kind, os.SEEK_SET, run, 1, 0)
