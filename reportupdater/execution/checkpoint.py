"""Checkpoints: what is committed is merged into the TSVs, and then forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reportupdater.errors import ReportupdaterError, StateError, error_text, sentence
from reportupdater.execution.clock import utcnow
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.state import journal
from reportupdater.state.database import State
from reportupdater.state.journal import Merged
from reportupdater.state.locks import Locks, NoLock
from reportupdater.tsv import files, names, replacing

_TOGETHER = 64
"""TSVs that are made durable together."""


def merge_leftovers(
    state: State, locks: Locks, summary: Summary, stop: Stop, now: datetime | None = None
) -> None:
    """Merge what earlier runs committed, whatever has become of their projects since.

    A stop does not wait for it: what is not merged stays in the journal.
    """
    for report in journal.reports(state):
        if stop.requested:
            return
        if not names.is_report(report):
            summary.troubles.add(
                report,
                f"the state holds results of {report!r}, which is no name of a report: they are written"
                " nowhere",
            )
            continue
        held = locks.holds(report)
        try:
            taken = held or locks.take(report, utcnow())
        except NoLock as error:
            summary.troubles.add(report, str(error))
            continue
        if taken:
            with stop.abandoning():
                merge(state, report, list(journal.waiting(state, report)), summary, now)
            if not held:
                locks.release(report)


def merge(
    state: State,
    report: str,
    paths: Sequence[str],
    summary: Summary,
    now: datetime | None = None,
) -> None:
    """Merge what is committed of some TSVs of a report whose lock is held.

    Nothing is trimmed by what is not over at `now`, which is by the machine's clock where it is None.
    What cannot be merged stays in the journal, counts as done, and is tried again by every run.
    """
    moment = now or utcnow()
    for at in range(0, len(paths), _TOGETHER):
        merged: list[Merged] = []
        for path in paths[at : at + _TOGETHER]:
            try:
                one = journal.merge(state, path, moment)
            except StateError:
                raise
            except (ReportupdaterError, OSError) as error:
                _note(summary, report, path, error)
            else:
                merged += [one] if one else []
        failed = replacing.make_durable([one.file for one in merged])
        for one in merged:
            if one.file in failed:
                _note(summary, report, one.tsv, failed[one.file])
        durable = [one for one in merged if one.file not in failed]
        if durable:
            journal.forget(state, durable)


def _note(summary: Summary, report: str, path: str, error: Exception) -> None:
    hint = files.remedy(error) if isinstance(error, OSError) else ""
    why = sentence(error_text(error), None, hint)
    summary.troubles.add(
        report,
        f"{path} cannot be written: {why}; what was computed is kept, and written by the first run"
        " that can",
    )
