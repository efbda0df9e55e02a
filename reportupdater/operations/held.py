"""The results that are held, because they failed a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportupdater.checks.registry import NAMES
from reportupdater.errors import UsageError, nearest
from reportupdater.execution.select import Selected, select
from reportupdater.model import Report, Series
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.state import held
from reportupdater.state.connection import look
from reportupdater.state.held import Held
from reportupdater.state.overlay import Overlay
from reportupdater.tsv.dialect import parse
from reportupdater.tsv.listing import needed

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRequest(Request):
    """Which held results are meant: those of a range, of some series, that failed some checks."""

    checks: tuple[str, ...] = ()
    """Names; empty means all."""
    dry_run: bool = False
    force: bool = False
    """Whether to accept what is refused else: outside of what the report keeps, or of another query."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A held result, beside what is stored of its interval."""

    held: Held
    header: Cells
    rows: tuple[Cells, ...]
    stored_header: Cells
    stored: tuple[Cells, ...]


@dataclass(frozen=True, slots=True)
class HeldResults:
    """Those that are held, by TSV and interval."""

    results: tuple[Held, ...]
    is_good: bool = True
    stopped: None = None


def listed(request: HeldRequest) -> HeldResults:
    """Return the results that are held of a project. Nothing is written. Raises UsageError, StateError."""
    selected = opened(request)
    with look(request.output) as connection:
        found = held.listed(connection) if connection else []
    members = {series.tsv: series for _, series in of_reports(selected, request)}
    return HeldResults(tuple(one for one in found if is_meant(one, members, request)))


def shown(request: HeldRequest, results: Sequence[Held]) -> Iterator[Shown]:
    """Yield held results with their rows, and the rows that are stored of their intervals.

    Raises TsvError, OSError, StateError.
    """
    from reportupdater.execution.stored import Old, read

    selected = opened(request)
    members = {series.tsv: series for _, series in of_reports(selected, request)}
    with Overlay(request.output) as state:
        for one in results:
            kept, series = held.kept(state, one), members[one.tsv]
            if kept is None:
                continue
            number = series.report.granularity.labelled(one.start)
            old = Old() if number is None else read(state, series, [number])[number]
            rows = tuple(parse(kept.result.rows))
            yield Shown(one, kept.result.header, rows, old.header, tuple(old.rows))


def opened(request: HeldRequest) -> Selected:
    """Return what is meant of the project. Raises UsageError, also for a check that is not there."""
    for name in request.checks:
        if name not in NAMES:
            raise UsageError(f"there is no check {name!r}", hint=nearest(name, NAMES))
    if request.since and request.until and request.since >= request.until:
        raise UsageError("the range is empty: --since is not before --until")
    selected = select(request)
    needed(request.output)
    return selected


def of_reports(selected: Selected, request: HeldRequest) -> list[tuple[Report, Series]]:
    """Return the series that are meant, each with its report."""
    return [
        (report, series) for report in selected.reports for series in explode(report, request.only)
    ]


def is_meant(one: Held, members: Mapping[str, Series], request: HeldRequest) -> bool:
    """Return whether a held result is one of those that a request is about."""
    series = members.get(one.tsv)
    if series is None or (request.checks and one.check not in request.checks):
        return False
    if request.since is None and request.until is None:
        return True
    number = series.report.granularity.labelled(one.start)
    if number is None:  # of another granularity, which the report once had
        return False
    start = series.report.granularity.start(number)
    return (request.since is None or start >= request.since) and (
        request.until is None or start < request.until
    )
