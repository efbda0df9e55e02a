"""Printing what a command has found."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable

from reportupdater.errors import ReportupdaterError


def put(lines: Iterable[str]) -> None:
    """Print lines to standard output, all of them or an error.

    Ends the program where whoever reads them, `head` say, has seen enough. Raises
    ReportupdaterError.
    """
    try:
        print("\n".join(lines), flush=True)
    except OSError as error:
        # What is left in the buffer would be tried, and told, again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(128 + signal.SIGPIPE) from None
        raise ReportupdaterError(f"the output cannot be written: {error.strerror}") from None
