"""The progress bar of a run on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from reportupdater.execution.progress import Doing, Progress, silent
from reportupdater.terminal.escaping import escaped_line


@contextmanager
def progress(total: int) -> Iterator[Progress]:
    """Show a bar over `total` tasks on standard error while it is a terminal; else nothing."""
    with _bar(total) if total and sys.stderr.isatty() else silent(total) as shown:
        yield shown


@contextmanager
def _bar(total: int) -> Iterator[Progress]:
    from rich import progress as rich_progress
    from rich.console import Console

    class Bar:
        def __init__(self, shown: rich_progress.Progress) -> None:
            self._shown = shown
            self._task = shown.add_task("", total=total, doing="")

        def show(self, ended: int, failed: int, doing: Sequence[Doing]) -> None:
            text = f"{failed} failed  " if failed else ""
            if doing:
                task, since, progress = min(doing, key=lambda one: one.since)
                text += f"{task.series} {task.start} {monotonic() - since:.0f} s"
                text += f", {progress}" if progress else ""
                text += f" (+{len(doing) - 1})" if len(doing) > 1 else ""
            self._shown.update(self._task, completed=ended, doing=escaped_line(text))

    with rich_progress.Progress(
        rich_progress.BarColumn(bar_width=20),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[doing]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
    ) as shown:
        yield Bar(shown)
