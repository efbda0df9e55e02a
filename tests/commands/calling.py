"""Commands called as a person calls them, with and without a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.helpers import ENVIRONMENT

COMMAND = (sys.executable, "-m", "reportupdater")


class Said(NamedTuple):
    """What a command wrote."""

    out: str
    err: str


def call(
    *arguments: str | Path,
    code: int = 0,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Said:
    """Call a command, expect this exit code; what it wrote."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=ENVIRONMENT | dict(environment or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return Said(done.stdout, done.stderr)


def on_terminal(
    columns: int, *arguments: str | Path, code: int = 0, with_errors: bool = False
) -> str:
    """Call a command on a terminal of this width, expect this exit code; what it shows.

    Standard error is shown only on demand: a progress bar stands there.
    """
    outer, inner = pty.openpty()
    try:
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=ENVIRONMENT | {"TERM": "xterm"},
            stdin=inner,
            stdout=inner,
            stderr=inner if with_errors else subprocess.DEVNULL,
        )
        os.close(inner)
        shown = b""
        with suppress(OSError):  # that is how the other end says that it is closed
            while part := os.read(outer, 65536):
                shown += part
        assert process.wait(60) == code
    finally:
        os.close(outer)
    return shown.decode().replace("\r\n", "\n")
