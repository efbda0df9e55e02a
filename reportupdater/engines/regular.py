"""Files that must be regular ones: opening a pipe may wait for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read(path: Path, most: int = -1) -> bytes:
    """Return the content of a regular file, or its first bytes. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(most)
