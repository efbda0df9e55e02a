"""What becomes of a task."""

from __future__ import annotations

from dataclasses import dataclass

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.check import Checked
from reportupdater.model import Task
from reportupdater.sinks.datapoints import Made


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A checked result, ready to be committed."""

    task: Task
    result: Checked
    seconds: float
    made: Made | None = None
    """The datapoints of the result; None where none are sent."""


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """A task that failed, and why."""

    task: Task
    error: ReportupdaterError
    seconds: float = 0.0
    asked: bool = True
    """False where the server was known to be out of reach, so that nobody asked it."""


Outcome = Answer | Failure
