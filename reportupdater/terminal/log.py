"""Logging: to standard error, silent at the default level unless something is wrong."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from typing import TextIO

from reportupdater.errors import Problem, Severity
from reportupdater.terminal.escaping import escaped

LEVELS = ("debug", "info", "warning", "error", "critical")

_OF_SEVERITY = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.NOTICE: logging.INFO,
}


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at the moment: a progress bar puts itself in between."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # a plain attribute in the base class
        return sys.stderr


class _Formatter(logging.Formatter):
    """Writes what steers a terminal as an escape, and indents all lines of an entry but its first.

    So no server, script or file can write an entry of its own.
    """

    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record)).replace("\n", "\n  ")


def set_up(level: str) -> None:
    """Send the log to standard error, from `level` up, with UTC times."""
    handler = _Handler()
    formatter = _Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def log_problems(problems: Iterable[Problem]) -> None:
    """Log problems, each at the level of its severity."""
    log = logging.getLogger("reportupdater")
    for problem in problems:
        log.log(_OF_SEVERITY[problem.severity], "%s", problem)
