"""The result of a run as text, and as lines of the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from reportupdater.execution.result import RunResult
from reportupdater.terminal.wording import count

log = logging.getLogger(__name__)


HELD = "`reportupdater held` shows what is held; `accept` publishes it, `reject` drops it"
"""What to do about held results."""


def lines(result: RunResult, title: str) -> list[str]:
    """Return the text, the counts first."""
    return [line for line, _ in _lines(result, title)]


def _lines(result: RunResult, title: str) -> Iterator[tuple[str, bool]]:
    """Yield each line of the text, and whether it is a warning."""
    counts = f"{result.done:,} done, {result.empty:,} empty, {result.failed.total:,} failed"
    if result.troubles:
        counts += f", {result.troubles.total:,} wrong"
    if result.held:
        counts += f", {result.held.total:,} held"
    if result.not_ready:
        counts += f", {result.not_ready.total:,} not ready"
    if result.configuration:
        counts += f", {count(len(result.configuration), 'error')} in the configuration"
    if result.stopped is not None:
        counts = f"interrupted, {counts}"
    elif not (result.done or result.empty or result.skipped or result.not_ready or result.has_news):
        counts = "nothing is due"
        if result.open_held:
            counts += f", {count(result.open_held, 'result')} held before"
    if result.enqueued:
        counts = f"{count(result.enqueued, 'datapoint')} made again"
    yield f"{title}: {counts}", False
    for word, messages in (
        ("failed", result.failed),
        ("wrong", result.troubles),
        ("held", result.held),
        ("warning", result.warnings),
        ("skipped", result.skipped),
        ("not sent", result.not_sent),
    ):
        for line in messages.lines:
            yield f"  {word}: {line}", messages is result.warnings
    if result.held:
        yield f"  {HELD}", False
    if result.waiting:
        yield f"  waiting: {count(result.waiting, 'datapoint')}: {result.waiting_why}", False


def log_result(result: RunResult, title: str) -> None:
    """Log the text: a good run's at info, but for its warnings; a bad one's at error."""
    level = logging.ERROR if result.has_news else logging.INFO
    for line, is_warning in _lines(result, title):
        if is_warning and not result.has_news:
            # Where the line with the title is not shown, this one names the run.
            alone = not log.isEnabledFor(level)
            log.warning("%s", f"{title}: {line.strip()}" if alone else line)
        else:
            log.log(level, "%s", line)
    for line in result.not_ready.lines:
        log.info("  not ready: %s", line)
    for line in result.remarks.lines:
        log.info("  the server warned: %s", line)
