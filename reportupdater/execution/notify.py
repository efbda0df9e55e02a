"""Run the `on_failure` command with the run's summary on its standard input, under a time-out."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from reportupdater.engines.shared.process import Programs
from reportupdater.errors import NO_THREAD, NO_THREAD_HINT, ConnectionFailed, ReportupdaterError
from reportupdater.execution.stop import Stop
from reportupdater.redaction import Redaction

log = logging.getLogger(__name__)

SECONDS = 60.0
"""How long the command may take."""


def run_command(words: Sequence[str], text: str) -> None:
    """Run a command that reads `text`. Raises ReportupdaterError where it fails, OSError."""
    programs = Programs("the command")
    with tempfile.TemporaryFile() as given, programs.output() as output:
        given.write(text.encode() + b"\n")
        given.seek(0)
        with _limited(programs) as why, programs.calls:
            ended = programs.run(words, output, given)
        if why:
            raise ReportupdaterError(why[0])
        said = f": {ended.said[-1]}" if ended.said else ""
        if ended.status:
            raise ReportupdaterError(f"it {ended.ending}{said}", hint=ended.hint)
        log.debug("on_failure has run%s", Redaction(words)(said))


@contextmanager
def _limited(programs: Programs) -> Iterator[list[str]]:
    """Stop what is called within when it is late, or when a signal comes; gives the reason, if any.

    The exit code stays as it was: the run has ended before.
    """
    why: list[str] = []
    done = threading.Event()
    deadline = monotonic() + SECONDS

    def watch(stop: Stop) -> None:
        while not done.wait(0.05):
            if stop.requested or monotonic() > deadline:
                late = f"it was stopped after {SECONDS:.0f} s"
                why.append("it was stopped by a signal" if stop.requested else late)
                programs.calls.cancel()
                return

    with Stop() as stop:
        watcher = threading.Thread(target=watch, args=(stop,), name="on_failure", daemon=True)
        try:
            watcher.start()
        except RuntimeError:
            raise ReportupdaterError(NO_THREAD, hint=NO_THREAD_HINT) from None
        try:
            yield why
        except ConnectionFailed:
            if not why:
                raise
        finally:
            done.set()
            watcher.join()
