"""`on_failure`: a command of the host settings, run with the summary of a failed run.

Its words are read when they are needed: a good run does not pay for them, and they are found too
where the project itself could not be loaded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reportupdater.config.host import on_failure
from reportupdater.errors import EXIT_FAILED, EXIT_USAGE, ReportupdaterError
from reportupdater.execution.clock import utcnow
from reportupdater.execution.summary import Summary
from reportupdater.state.history import stamp
from reportupdater.terminal.escaping import escaped_line

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """The summary of a run, and the command that gets it.

    An interrupted run is not reported: it was wanted, and the next run continues it.
    """

    config: Path
    output: Path
    host_files: Sequence[Path]
    summary: Summary
    """Of the run; it is looked at when the run has ended."""
    started: datetime = field(default_factory=utcnow)

    def over(self, run: Callable[[], int]) -> int:
        """Run, then run the command if that ends with exit code 1 or 2; return the exit code.

        What the run raises is logged before: the command may take its time.
        """
        error = ""
        try:
            exit_code = run()
        except ReportupdaterError as raised:
            error, exit_code = str(raised), raised.exit_code
            logging.getLogger("reportupdater").error("%s", error)
        except Exception as bug:
            self._notify(EXIT_FAILED, f"a bug of this program: {bug!r}")
            raise
        if exit_code in (EXIT_FAILED, EXIT_USAGE):
            self._notify(exit_code, error)
        return exit_code

    def _notify(self, exit_code: int, error: str) -> None:
        command = on_failure(self.host_files)
        if command is None:
            return
        from reportupdater.execution import notify  # a good run does without starting programs

        try:
            notify.run_command(command.value, json.dumps(self._values(exit_code, error)))
        except (ReportupdaterError, OSError) as failure:
            from reportupdater.redaction import Redaction

            log.warning(
                "%s: on_failure failed, so this run may have gone unreported: %s",
                command.where,
                Redaction(command.value)(str(failure)),
            )

    def _values(self, exit_code: int, error: str) -> dict[str, Any]:
        config, output = self.config.absolute(), self.output.absolute()
        ending = [error] if error else self.summary.lines(f"{config} into {output}")
        return {
            "version": 1,
            "project": str(config),
            "output": str(output),
            "started": stamp(self.started),
            "ended": stamp(utcnow()),
            "exit_code": exit_code,
            "error": error,
            # It is read by people, on whose screen it must not do more.
            "text": "\n".join(map(escaped_line, [*self.summary.configuration, *ending])),
            **self.summary.as_dict(),
        }
