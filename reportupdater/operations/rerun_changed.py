"""What an older query of a report gave: have it computed again, or take it as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from reportupdater.execution import older
from reportupdater.execution.acquire import owned
from reportupdater.execution.clock import utcnow
from reportupdater.execution.digest import query_digest
from reportupdater.execution.due import done_of, withheld_of
from reportupdater.execution.select import select
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage
from reportupdater.model import Report, Series
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.planning.plan import requested
from reportupdater.state import computed, renamed, reruns
from reportupdater.state.computed import Query
from reportupdater.state.database import State
from reportupdater.tsv.listing import needed


class ChangedReport(NamedTuple):
    """What an older query of a report gave: intervals, and of how many series."""

    report: str
    intervals: int
    series: int
    dropped: int
    """Intervals that lie outside of what the report computes."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What was found of some reports; those of which the present query gave all are not there."""

    reports: tuple[ChangedReport, ...]
    troubles: tuple[str, ...]
    is_good: bool
    stopped: None = None


def rerun_changed(request: Request, *, dismiss: bool = False, allow_empty: bool = False) -> Changed:
    """Request what an older query gave, or with `dismiss` take it for what the present one gives.

    Takes no lock, as `rerun` does not. Raises UsageError, StateError.
    """
    selected = select(request)
    needed(request.output)
    summary = selected.summary()
    found = []
    with State(request.output) as state:
        for report in selected.reports:
            if not owned(selected.project, report, state, summary):
                continue
            changed = _changed(state, report, request, summary)
            if not changed:
                continue
            starts: list[tuple[str, str]] = []
            dropped = 0
            for series, numbers in changed.items():
                if dismiss:
                    _dismiss(state, series, numbers)
                whole = range(numbers.runs[0][0], numbers.runs[-1][1])
                wanted = requested(series, numbers, whole, request.now or utcnow())
                dropped += wanted.dropped
                starts += wanted.starts(series)
            if dismiss:
                count, dropped = sum(map(len, changed.values())), 0
            else:
                count = len(starts)
                reruns.ask(state, report.name, starts, utcnow(), allow_empty=allow_empty)
            found.append(ChangedReport(report.name, count, len(changed), dropped))
    troubles = tuple(summary.troubles.lines(summary.contacts))
    return Changed(tuple(found), troubles, not (troubles or selected.errors))


def _changed(
    state: State, report: Report, request: Request, summary: Summary
) -> dict[Series, Coverage]:
    """Return the done intervals of a report that an older query gave, of those that are meant."""
    members = explode(report, request.only)
    done = done_of(state, report, members, summary, withheld_of(state, report))
    with state.reading() as connection:
        found = older.by_tsv(connection, report, {one.tsv: done[one] for one in members})
    number, past = report.granularity.ceiling, 1 << 40
    meant = range(
        number(request.since) if request.since else 0,
        number(request.until) if request.until else past,
    )
    narrowed = {one: found.get(one.tsv, Coverage()).within(meant) for one in members}
    return {one: numbers for one, numbers in narrowed.items() if numbers}


def _dismiss(state: State, series: Series, numbers: Coverage) -> None:
    report = series.report
    present = Query(query_digest(report), report.granularity)
    with state.transaction() as connection:
        number = state.series_id(connection, series.tsv, report.name)
        parts = computed.given_to(computed.of_series(connection, series.tsv), present, numbers)
        computed.write(connection, number, parts.items())
        left = {query: part for query, part in parts.items() if part.intervals}
        renamed.note(connection, number, computed.gone(left, present))
