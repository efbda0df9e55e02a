"""What sinks lack because an earlier run did not enqueue it, as a run reports it."""

from __future__ import annotations

from collections.abc import Container, Iterable

from reportupdater.execution.summary import Summary
from reportupdater.model import Report
from reportupdater.state import schema
from reportupdater.state.database import State


def note_unsent(
    state: State, reports: Iterable[Report], sinks: Container[str], summary: Summary
) -> None:
    """Warn of what the sinks lack of reports because an earlier run did not enqueue it."""
    with state.reading() as connection:
        if schema.is_empty(connection, "unsent"):  # as nearly always
            return
        from reportupdater.state import unsent

        lacking = unsent.by_report(unsent.listed(connection))
    for report in reports:
        for one in lacking.get(report.name, ()):
            if one.sink in sinks:
                summary.warnings.add(
                    report.name,
                    f"values {one.which} were not sent to {one.sink}: `reportupdater resend` with"
                    f" `--report {report.name}` sends them",
                )
