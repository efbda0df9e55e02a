"""What earlier runs have left unresolved, as a run reports it: what sinks lack, and what is held."""

from __future__ import annotations

from collections.abc import Container, Iterable

from reportupdater.execution.summary import Summary
from reportupdater.model import Report
from reportupdater.planning.explode import explode
from reportupdater.state import schema
from reportupdater.state.database import State
from reportupdater.terminal.wording import count


def note_unsent(
    state: State, reports: Iterable[Report], sinks: Container[str], summary: Summary
) -> None:
    """Warn of what the sinks lack of reports because an earlier run did not enqueue it."""
    with state.reading() as connection:
        if schema.is_empty(connection, "unsent"):  # as nearly always
            return
        from reportupdater.state import unsent

        found = unsent.listed(connection)
    for report in reports:
        # What has left the configuration is not sent, and could not be.
        tsvs = {series.tsv for series in explode(report)}
        wanted = [
            one
            for one in found
            if one.tsv in tsvs and one.sink in sinks and one.sink in report.outputs
        ]
        for one in unsent.lacking(wanted):
            summary.warnings.add(
                report.name,
                f"values {one.which} were not sent to {one.sink}: `reportupdater resend` with"
                f" `--report {report.name}` sends them",
            )


def note_renamed(state: State, reports: Iterable[Report], summary: Summary) -> None:
    """Warn of columns that only older results have: the query was changed since."""
    with state.reading() as connection:
        if schema.is_empty(connection, "renamed"):  # as nearly always
            return
        from reportupdater.state import renamed

        found = renamed.listed(connection)
    for report in reports:
        tsvs = {series.tsv for series in explode(report)}
        some = [one for one in found if one.tsv in tsvs]
        if some:
            columns = ", ".join(dict.fromkeys(name for one in some for name in one.columns))
            summary.warnings.add(
                report.name,
                f"in {count(len(some), 'TSV')} only results of an older query have {columns}:"
                f" `reportupdater rerun` with `--report {report.name} --changed` computes them again,"
                " and with `--dismiss` takes them as they are",
            )


def note_held(state: State, reports: Iterable[Report], summary: Summary) -> None:
    """Count the results of reports that are held, also those of earlier runs."""
    with state.reading() as connection:
        if schema.is_empty(connection, "held"):  # as nearly always
            return
        from reportupdater.state import held

        found = held.listed(connection)
    tsvs = {series.tsv for report in reports for series in explode(report)}
    summary.open_held = sum(one.tsv in tsvs for one in found)
