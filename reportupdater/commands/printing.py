"""Printing: the one place that writes to standard output, and what argparse has to say."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from reportupdater.errors import ReportupdaterError
from reportupdater.terminal.escaping import Red, escaped, escaped_json, escaped_line

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE
"""What a shell shows of a program that SIGPIPE has ended."""


class Shown(NamedTuple):
    """What a command ends with that has only shown something."""

    is_good: bool = True
    stopped: int | None = None


_RED = "\x1b[31m"
_PLAIN = "\x1b[0m"


def put(*lines: str) -> None:
    """Print lines to standard output, escaped. Raises as `_write` does."""
    _write("".join([f"{_as_line(line)}\n" for line in lines]))


def put_text(text: str) -> None:
    """Print a text of several lines, escaped on a terminal, elsewhere as it is. Raises as `_write` does."""
    text = text.rstrip("\r\n") + "\n"
    _write(escaped(text.replace("\r\n", "\n")) if sys.stdout.isatty() else text)


def put_json(value: Any) -> None:
    """Print a value as JSON. Raises as `_write` does."""
    from reportupdater.terminal.indented import indented  # a run prints no JSON

    _write(escaped_json(indented(value)) + "\n")


def _as_line(line: str) -> str:
    text = escaped_line(line)
    return f"{_RED}{text}{_PLAIN}" if isinstance(line, Red) else text


def _write(text: str) -> None:
    """Write to standard output, all of it or an error.

    End the program where the reader, such as `head`, has closed its end. Raises ReportupdaterError.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would be tried, and reported, again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(EXIT_BROKEN_PIPE) from None
        raise ReportupdaterError(f"the output cannot be written: {error.strerror}") from None


class Parser(argparse.ArgumentParser):
    """A parser whose help and errors are printed like everything else."""

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if message and file is sys.stdout:
            _write(escaped(message))
        else:
            super()._print_message(escaped(message), file)
