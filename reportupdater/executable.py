"""What keeps a file from being run that may not be."""

from __future__ import annotations

import os
from pathlib import Path


def hint(program: Path) -> str:
    """Return what to do so that it may be: its mode forbids it, or its file system does."""
    try:
        mode = program.stat().st_mode
        forbidden = os.statvfs(program).f_flag & os.ST_NOEXEC
    except OSError:
        mode, forbidden = 0, 0
    if mode & 0o111 and forbidden:
        return "its file system is mounted with noexec: put the project on another one"
    import shlex  # only to say so

    return f"chmod +x {shlex.quote(str(program))}"
