"""Files that must be regular ones: opening a pipe may wait for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def read(path: Path, most: int = -1) -> bytes:
    """Return the content of a regular file, or its first bytes. Raises OSError."""
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        return file.read(most)


def _opened(path: str, flags: int) -> int:
    """Return a descriptor, at once: of a pipe that no one writes to, too."""
    return os.open(path, flags | os.O_NONBLOCK)
