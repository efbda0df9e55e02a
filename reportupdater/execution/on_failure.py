"""`on_failure`: a command of the host settings, run with the summary of a failed run.

Its words are read when they are needed: a good run does not pay for them, and they are found too
where the project itself could not be loaded.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportupdater.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, ReportupdaterError, exit_code
from reportupdater.execution.clock import utcnow
from reportupdater.execution.result import RunResult
from reportupdater.execution.select import Source
from reportupdater.execution.summary import Summary, without_figures
from reportupdater.execution.summary_text import lines
from reportupdater.state.history import stamp
from reportupdater.state.place import FOLDER, NOTIFIED
from reportupdater.terminal.escaping import escaped_line

if TYPE_CHECKING:
    from reportupdater.config.on_failure import OnFailure

log = logging.getLogger(__name__)


@contextmanager
def watching(source: Source, output: Path, summary: Summary, *, is_whole: bool) -> Iterator[Watch]:
    """Run the command when the block ends with exit code 1 or 2, with the summary or the error.

    It is run where something else is wrong than when it was run last, and once when all is well
    again. What the block raises is logged before: the command may take its time. An interrupted run
    is not reported: it was wanted, and the next run continues it.
    """
    watch = Watch(source, output, summary, is_whole=is_whole)
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
    if watch.result and exit_code(watch.result) in (EXIT_OK, EXIT_FAILED, EXIT_USAGE):
        watch.ended(exit_code(watch.result))


class Watch:
    """A run in progress, and its result when it has ended."""

    def __init__(
        self, source: Source, output: Path, summary: Summary, *, is_whole: bool = True
    ) -> None:
        """`summary` is looked at where the run has no result."""
        self.source = source
        self.output = output
        self.summary = summary
        self.result: RunResult | None = None
        self.is_whole = is_whole
        """Whether the run looks at all that is due: else it does not know that all is well."""
        self.started = utcnow()

    def failed(self, code: int, error: str) -> None:
        """Note that the run has no result, for `status`, and run the command."""
        from reportupdater.state import starts

        try:
            starts.note(self.output, self.source.config, self.started, code, error)
        except OSError as why:
            log.debug("%s: the failed start is not noted: %s", self.output, why.strerror)
        self.notify(code, frozenset({without_figures(error)}), error)

    def ended(self, code: int) -> None:
        """Run the command for a run with a result, where there is news."""
        if code != EXIT_OK:
            self.notify(code, self.summary.essence())
        elif (
            self.is_whole
            and self.result
            and not self.result.skipped
            and os.path.isdir(self.output / FOLDER / NOTIFIED)  # else no command has been called
        ):
            from reportupdater.state import notified

            if notified.last(self.output, self.source.config) is not None:
                self.notify(code, frozenset())

    def notify(self, code: int, troubles: frozenset[str], error: str = "") -> None:
        """Run the command, if the host settings have one, and something else is wrong than before.

        What goes wrong with it is logged.
        """
        from reportupdater.config.on_failure import on_failure
        from reportupdater.state import notified

        config = self.source.config
        command = on_failure(self.source.hosts)
        if command is None or not self._is_news(troubles, command):
            return
        from reportupdater.execution import notify  # a good run does without starting programs

        try:
            notify.run_command(command.words, json.dumps(self._values(code, error)))
        except (ReportupdaterError, OSError) as failure:
            from reportupdater.redaction import Redaction

            log.warning(
                "%s: on_failure failed, so this run may have gone unreported: %s",
                command.where,
                Redaction(command.words)(str(failure)),
            )
            return  # the next run tries again
        try:
            if troubles:
                before = None if self.is_whole else notified.last(self.output, config)
                known = troubles | (before.troubles if before else frozenset())
                notified.note(self.output, config, utcnow(), known)
            else:
                notified.forget(self.output, config)
        except OSError as why:
            log.debug("%s: the notification is not noted: %s", self.output, why.strerror)

    def _is_news(self, troubles: frozenset[str], command: OnFailure) -> bool:
        """Return whether the command was not called for the same, or long ago."""
        from reportupdater.state import notified

        before = notified.last(self.output, self.source.config)
        if before is None or not troubles:
            return True
        here = notified.same(troubles)
        if command.repeat is not None and not before.at <= utcnow() < before.at + command.repeat:
            return True
        return not here <= before.troubles if not self.is_whole else here != before.troubles

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
            "recovered": code == EXIT_OK,
            # It is read by people, on whose screen it must not do more.
            "text": "\n".join(map(escaped_line, [*result.configuration, *ending])),
            **result.as_dict(),
        }
