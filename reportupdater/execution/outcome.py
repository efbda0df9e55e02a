"""What becomes of a task."""

from __future__ import annotations

from typing import NamedTuple

from reportupdater.errors import ReportupdaterError
from reportupdater.execution.check import Checked
from reportupdater.model import Task
from reportupdater.sinks.datapoints import Made


class Answer(NamedTuple):
    """A checked result, ready to be committed."""

    task: Task
    result: Checked
    seconds: float
    made: Made | None = None
    """The datapoints of the result; None where none are sent."""


class Failure(NamedTuple):
    """A task that failed, and why."""

    task: Task
    error: ReportupdaterError
    seconds: float = 0.0
    asked: bool = True
    """False where the server was known to be out of reach, so that nobody asked it."""


Outcome = Answer | Failure
