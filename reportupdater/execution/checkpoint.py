"""Checkpoints: what is committed is merged into the TSVs, and then forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from reportupdater.errors import ReportupdaterError, StateError, told
from reportupdater.execution.clock import utcnow
from reportupdater.observe.summary import Summary
from reportupdater.store import journal
from reportupdater.store.locks import Locks
from reportupdater.store.state import State


def merge_leftovers(state: State, locks: Locks, summary: Summary) -> None:
    """Merge what earlier runs committed, whatever has become of their projects since."""
    for report in journal.reports(state):
        held = locks.holds(report)
        if held or locks.take(report, utcnow()):
            merge(state, report, list(journal.waiting(state, report)), summary)
            if not held:
                locks.release(report)


def merge(state: State, report: str, paths: Iterable[str], summary: Summary) -> None:
    """Merge what is committed of some TSVs of a report whose lock is held.

    What cannot be merged stays in the journal, counts as done, and is tried again by every run.
    """
    merged = []
    for path in paths:
        try:
            merged.append((path, journal.checkpoint(state, path)))
        except StateError:
            raise
        except (ReportupdaterError, OSError) as error:
            summary.troubles.add(
                report,
                f"{path} cannot be written: {told(error)}; what was computed is kept, and written"
                " by the first run that can",
            )
    if merged:
        journal.forget(state, merged)
