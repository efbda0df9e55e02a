"""What becomes of a task."""

from __future__ import annotations

from typing import NamedTuple

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.validate import Checked, check_text
from reportupdater.model import ServerWarning, Task
from reportupdater.planning.due import Due
from reportupdater.state.journal import Result
from reportupdater.tsv import dialect


class Answer(NamedTuple):
    """A checked result, ready to be committed."""

    task: Task
    result: Result
    rows: int
    """How many the result has; 0 where it is empty, and is stored as one row of empty values."""
    seconds: float
    quoted: frozenset[str] | None = None
    """That of the table: the commit resolves the names of its columns, unless it is None."""
    warnings: tuple[ServerWarning, ...] = ()
    """What the server warned of."""
    digest: str = ""
    """Of the query that gave it; empty for the present one."""
    is_same: bool = False
    """Whether it holds what is stored already: then that stays as it is."""


class Withheld(NamedTuple):
    """A result that failed a check."""

    answer: Answer
    check: str
    why: str

    @property
    def task(self) -> Task:
        """That of the result."""
        return self.answer.task


class Failure(NamedTuple):
    """A task that failed, and why."""

    task: Task
    error: ReportupdaterError
    seconds: float = 0.0


Outcome = Answer | Failure


class Unasked(NamedTuple):
    """What failed of a series without being asked: its server was known to be out of reach."""

    due: Due
    error: ReportupdaterError


class Handover(NamedTuple):
    """What became of tasks: outcomes, what was not asked, and what waits for the next run."""

    outcomes: list[Outcome]
    unasked: list[Unasked]
    given_up: list[Due]

    @staticmethod
    def empty() -> Handover:
        """Return one to add to."""
        return Handover([], [], [])

    def add(self, other: Handover) -> None:
        """Take in what another has."""
        self.outcomes.extend(other.outcomes)
        self.unasked.extend(other.unasked)
        self.given_up.extend(other.given_up)

    @property
    def tasks(self) -> int:
        """How many tasks it is about."""
        unasked = sum(one.due.intervals for one in self.unasked)
        return len(self.outcomes) + unasked + sum(due.intervals for due in self.given_up)


def answer(task: Task, checked: Checked, seconds: float) -> Answer:
    """Return what a task's checked table becomes: text, which takes a tenth of the memory.

    Raises ResultError.
    """
    report = task.series.report
    text = dialect.lines(checked.rows)
    check_text(checked, text)
    result = Result(
        start=task.start,
        granularity=report.granularity,
        header=checked.header,
        rows=text,
        group=report.group,
        max_data_points=report.max_data_points,
    )
    rows = 0 if checked.empty else len(checked.rows)
    return Answer(task, result, rows, seconds, checked.quoted, checked.warnings)
