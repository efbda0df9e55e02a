"""What is held of reports when a run ends."""

from __future__ import annotations

from collections.abc import Iterable

from reportupdater.execution.summary import Summary
from reportupdater.model import Report
from reportupdater.planning.explode import explode
from reportupdater.state import schema
from reportupdater.state.database import State


def note_held(state: State, reports: Iterable[Report], summary: Summary) -> None:
    """Count the results of reports that are held, also those of earlier runs."""
    with state.reading() as connection:
        if schema.is_empty(connection, "held"):  # as nearly always
            return
        from reportupdater.state import held

        found = held.listed(connection)
    tsvs = {series.tsv for report in reports for series in explode(report)}
    summary.open_held = sum(one.tsv in tsvs for one in found)
