"""How far a run is, for what shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from reportupdater.model import Task


class Doing(NamedTuple):
    """A task in work, since when on the monotonic clock, and how far its server says that it is."""

    task: Task
    since: float
    progress: str = ""


class Progress(Protocol):
    """Takes how far a run is."""

    def show(self, ended: int, failed: int, doing: Sequence[Doing]) -> None:
        """`ended` of all tasks, `failed` of these, and the tasks in work."""


ProgressOver = Callable[[int], AbstractContextManager[Progress]]
"""Given how many tasks there are, what shows them."""


class _Silent:
    def show(self, ended: int, failed: int, doing: Sequence[Doing]) -> None:
        pass


@contextmanager
def silent(total: int) -> Iterator[Progress]:
    """Show nothing."""
    yield _Silent()
