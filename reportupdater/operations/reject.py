"""Rejecting held results: they are dropped, and what their TSVs lack is computed again."""

from __future__ import annotations

from dataclasses import dataclass

from reportupdater.execution.acquire import acquire
from reportupdater.execution.result import Messages
from reportupdater.operations.held import HeldRequest, is_meant, of_reports, opened
from reportupdater.state import held, status
from reportupdater.state.database import State
from reportupdater.state.held import Held
from reportupdater.state.locks import Locks


@dataclass(frozen=True, slots=True)
class Rejected:
    """What has been dropped, and why a report could not be looked at."""

    results: tuple[Held, ...]
    skipped: Messages
    troubles: Messages
    stopped: None = None

    @property
    def is_good(self) -> bool:
        """Whether all reports that are meant could be looked at."""
        return not (self.skipped or self.troubles)


def reject(request: HeldRequest) -> Rejected:
    """Drop held results. Raises UsageError, StateError."""
    selected = opened(request)
    summary = selected.summary()
    with State(request.output) as state, Locks(state.locks) as locks:
        mine = acquire(selected.project, selected.reports, state, locks, summary)
        members = {
            series.tsv: series for report, series in of_reports(selected, request) if report in mine
        }
        with state.reading() as connection:
            found = [one for one in held.listed(connection) if is_meant(one, members, request)]
        if found and not request.dry_run:
            held.drop(state, found)
            status.write(state)
    result = summary.result(selected.project.config_path, request.output)
    return Rejected(tuple(found), result.skipped, result.troubles)
