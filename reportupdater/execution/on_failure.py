"""`on_failure`: a command of the host settings, run with the summary of a failed run.

Its words are read when they are needed: a good run does not pay for them, and they are found too
where the project itself could not be loaded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportupdater.config.host import on_failure
from reportupdater.errors import EXIT_FAILED, EXIT_USAGE, ReportupdaterError, exit_code
from reportupdater.execution.clock import utcnow
from reportupdater.execution.result import RunResult
from reportupdater.execution.select import Source
from reportupdater.execution.summary import Summary
from reportupdater.execution.summary_text import lines
from reportupdater.state.history import stamp
from reportupdater.terminal.escaping import escaped_line

log = logging.getLogger(__name__)


@contextmanager
def watching(source: Source, output: Path, summary: Summary) -> Iterator[Watch]:
    """Run the command when the block ends with exit code 1 or 2, with the summary or the error.

    What the block raises is logged before: the command may take its time. An interrupted run is
    not reported: it was wanted, and the next run continues it.
    """
    watch = Watch(source, output, summary)
    try:
        yield watch
    except ReportupdaterError as error:
        logging.getLogger("reportupdater").error("%s", error)
        error.is_logged = True
        watch.failed(error.exit_code, str(error))
        raise
    except Exception as bug:
        watch.failed(EXIT_FAILED, f"a bug of this program: {bug!r}")
        raise
    if watch.result and exit_code(watch.result) in (EXIT_FAILED, EXIT_USAGE):
        watch.notify(exit_code(watch.result))


class Watch:
    """A run in progress, and its result when it has ended."""

    def __init__(self, source: Source, output: Path, summary: Summary) -> None:
        """`summary` is looked at where the run has no result."""
        self.source = source
        self.output = output
        self.summary = summary
        self.result: RunResult | None = None
        self.started = utcnow()

    def failed(self, code: int, error: str) -> None:
        """Note that the run has no result, for `status`, and run the command."""
        from reportupdater.state import starts

        try:
            starts.note(self.output, self.source.config, self.started, code, error)
        except OSError as why:
            log.debug("%s: the failed start is not noted: %s", self.output, why.strerror)
        self.notify(code, error)

    def notify(self, code: int, error: str = "") -> None:
        """Run the command, if the host settings have one. What goes wrong with it is logged."""
        command = on_failure(self.source.hosts)
        if command is None:
            return
        from reportupdater.execution import notify  # a good run does without starting programs

        try:
            notify.run_command(command.value, json.dumps(self._values(code, error)))
        except (ReportupdaterError, OSError) as failure:
            from reportupdater.redaction import Redaction

            log.warning(
                "%s: on_failure failed, so this run may have gone unreported: %s",
                command.where,
                Redaction(command.value)(str(failure)),
            )

    def _values(self, code: int, error: str) -> dict[str, Any]:
        config, output = self.source.config.absolute(), self.output.absolute()
        result = self.result or self.summary.result(config, output)
        ending = [error] if error else lines(result, f"{config} into {output}")
        return {
            "version": 1,
            "project": str(config),
            "output": str(output),
            "started": stamp(self.started),
            "ended": stamp(utcnow()),
            "exit_code": code,
            "error": error,
            # It is read by people, on whose screen it must not do more.
            "text": "\n".join(map(escaped_line, [*result.configuration, *ending])),
            **result.as_dict(),
        }
