"""What becomes of a task."""

from __future__ import annotations

from typing import NamedTuple

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.check import Checked
from reportupdater.model import ServerWarning, Task
from reportupdater.store import tsv
from reportupdater.store.journal import Result


class Answer(NamedTuple):
    """A checked result, ready to be committed."""

    task: Task
    result: Result
    rows: int
    """How many the result has; 0 where it is empty, and one row of empty values stands for it."""
    seconds: float
    quoted: frozenset[str] | None = None
    """That of the table: what its columns are called is settled by the commit, unless it is None."""
    warnings: tuple[ServerWarning, ...] = ()
    """What the server warned of."""


class Failure(NamedTuple):
    """A task that failed, and why."""

    task: Task
    error: ReportupdaterError
    seconds: float = 0.0
    asked: bool = True
    """False where the server was known to be out of reach, so that nobody asked it."""


Outcome = Answer | Failure


def answer(task: Task, checked: Checked, seconds: float) -> Answer:
    """What a task's checked table becomes: text, which takes a tenth of the memory."""
    report = task.series.report
    result = Result(
        start=task.start,
        granularity=report.granularity,
        header=checked.header,
        rows=tsv.lines(checked.rows),
        group=report.group,
        max_data_points=report.max_data_points,
    )
    rows = 0 if checked.empty else len(checked.rows)
    return Answer(task, result, rows, seconds, checked.quoted, checked.warnings)
