"""Rerun requests that are made by command: make them, list them, take them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import UsageError
from reportupdater.execution.acquire import owned
from reportupdater.execution.clock import utcnow
from reportupdater.execution.due import asked_for, covered_for_requests, done_of, withheld_of
from reportupdater.execution.select import Selected, select
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage, parse_moment
from reportupdater.model import Report
from reportupdater.operations.run import Request
from reportupdater.planning.explode import EVERY, Only, explode
from reportupdater.planning.missing import NotRequested, not_requested
from reportupdater.planning.plan import requested, window
from reportupdater.state import rerun_files, reruns
from reportupdater.state.database import State
from reportupdater.state.locks import is_held, last_holder
from reportupdater.state.overlay import Overlay
from reportupdater.state.rerun_files import Fate
from reportupdater.state.reruns import RerunRequest
from reportupdater.tsv.listing import needed


@dataclass(slots=True)
class RequestedOfReport:
    """What became of a request for a range of one report."""

    report: str
    holder: str = ""
    """The process that works on the report at this moment."""
    intervals: int = 0
    series: int = 0
    undone: int = 0
    """Requested ones that are not done: the holder may compute them as they were before the request."""
    passed_over: NotRequested = field(default_factory=NotRequested)
    overlapping: str = ""
    """The start of an interval that could be requested, begins before the range and reaches into it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request; `is_good` says whether all reports that it names could be looked at."""

    reports: tuple[RequestedOfReport, ...]
    troubles: tuple[str, ...]
    is_good: bool
    stopped: None = None


def rerun(request: Request, *, allow_empty: bool = False) -> Asked:
    """Request what is done of a range, to be computed again by the next run.

    With `allow_empty` a result without values may replace values, which else is held.

    Takes no lock: a run in progress goes on, and leaves the requests to the next one. What it has not
    done yet is requested too, since it may have begun before whatever the request is made for. Raises
    UsageError, StateError.
    """
    since, until = request.since, request.until
    if since is None or until is None:
        raise UsageError(
            "--since and --until say what shall be computed again; one of them is missing",
            hint="--until is exclusive; --list shows what is requested",
        )
    if since >= until:
        raise UsageError("the range is empty: --since is not before --until")
    now = request.now or utcnow()
    selected = _selected(request)
    summary = selected.summary()
    result = []
    with State(request.output) as state:
        for report in selected.reports:
            if owned(selected.project, report, state, summary):
                holder = _holder(state, report.name)
                one, starts = _of_report(
                    state, report, request.only, (since, until), now, holder, summary
                )
                reruns.ask(state, report.name, starts, utcnow(), allow_empty=allow_empty)
                result.append(one)
    troubles = tuple(summary.troubles.lines(summary.contacts))
    return Asked(tuple(result), troubles, not (troubles or selected.errors))


def _selected(request: Request) -> Selected:
    selected = select(request)
    needed(request.output)
    return selected


def _of_report(
    state: State,
    report: Report,
    only: Only,
    asked: tuple[datetime, datetime],
    now: datetime,
    holder: str,
    summary: Summary,
) -> tuple[RequestedOfReport, list[tuple[str, str]]]:
    wanted = report.granularity.numbers(*asked)
    one = RequestedOfReport(report.name, holder)
    starts: list[tuple[str, str]] = []
    series = explode(report, only)
    reaching = range(report.granularity.number(asked[0]), wanted.start)
    withheld = withheld_of(state, report)
    for member, done in done_of(state, report, series, summary, withheld).items():
        covered = covered_for_requests(member, done, now)
        if holder:
            allowed = window(report, now, covered)
            coming = range(max(allowed.start, wanted.start), min(allowed.stop, wanted.stop))
            one.undone += max(0, len(coming) - covered.count(coming))
            covered = Coverage.of({*covered, *coming})
        wanted_again = requested(member, covered, wanted, now)
        one.passed_over = one.passed_over.plus(not_requested(report, covered, wanted, now))
        for number in requested(member, covered, reaching, now).numbers:
            one.overlapping = report.granularity.label(report.granularity.start(number))
        one.intervals += len(wanted_again.numbers)
        one.series += bool(wanted_again.numbers)
        starts += wanted_again.starts(member)
    return one, starts


def _holder(state: State, report: str) -> str:
    """Return which process works on a report, as far as that is known.

    Empty where its lock is free.
    """
    if not is_held(state.locks, report):
        return ""
    try:
        pid, _ = last_holder(state.locks, report)
    except (OSError, ValueError):
        return "another process"
    return f"process {pid}"


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Open requests of some reports, and files in `.reruns/` that the next run will take up."""

    requests: tuple[RerunRequest, ...]
    files: tuple[tuple[Path, str, Fate], ...]
    """A file, one of the reports for which it is no request yet, and whether it will be one unasked."""


def listed(request: Request) -> OpenRequests:
    """Return the open requests that a request selects.

    Writes nothing. Raises UsageError, StateError.
    """
    selected = _selected(request)
    project, is_wanted = selected.project, _selection(selected, request)
    files, _ = reruns.read_files(project.folder)
    names = request.reports or project.names
    pairs = [
        (file, name) for file in files for name in names if not file.reports or name in file.reports
    ]
    with Overlay(request.output) as state, state.reading() as connection:
        found = reruns.listed(connection)
        fates = [rerun_files.fate(connection, *pair) for pair in pairs]
    return OpenRequests(
        tuple(one for one in found if is_wanted(one)),
        tuple(
            (project.folder / ".reruns" / file.name, name, fate)
            for (file, name), fate in zip(pairs, fates, strict=True)
            if fate is not Fate.DONE
        ),
    )


class DecidedFile(NamedTuple):
    """What a file requests of a report."""

    path: Path
    report: str
    intervals: int
    dropped: int
    """Intervals that are done, and outside of what the report computes."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files in `.reruns/` of before the state, each for one report."""

    files: tuple[DecidedFile, ...]
    troubles: tuple[str, ...]
    is_good: bool
    stopped: None = None


def decide_files(request: Request, *, accept: bool) -> Files:
    """Accept the files in `.reruns/` that are of before the state as requests, or ignore them.

    Raises UsageError, StateError.
    """
    selected = _selected(request)
    summary = selected.summary()
    files, _ = reruns.read_files(selected.project.folder)
    found = []
    clock = request.clock()
    with State(request.output) as state:
        for report in selected.reports:
            if not owned(selected.project, report, state, summary):
                continue
            series = explode(report)
            withheld = withheld_of(state, report)
            done = done_of(state, report, series, summary, withheld)
            for file in files:
                if file.reports and report.name not in file.reports:
                    continue
                with state.reading() as connection:
                    if rerun_files.fate(connection, file, report.name) is not Fate.LEFT:
                        continue
                starts, dropped = asked_for(file, series, done, clock)
                if accept:
                    reruns.expand(state, file, report.name, starts)
                else:
                    rerun_files.ignore(state, file, report.name)
                path = selected.project.folder / ".reruns" / file.name
                found.append(DecidedFile(path, report.name, len(starts), dropped))
    troubles = tuple(summary.troubles.lines(summary.contacts))
    return Files(tuple(found), troubles, not (troubles or selected.errors))


def cancel(request: Request) -> list[RerunRequest]:
    """Take back the open requests that are selected, and return them. Raises UsageError, StateError."""
    is_wanted = _selection(_selected(request), request)
    with State(request.output) as state:
        with state.reading() as connection:
            found = [one for one in reruns.listed(connection) if is_wanted(one)]
        reruns.drop(state, [(one.tsv, one.start) for one in found])
    return found


def _selection(selected: Selected, request: Request) -> Callable[[RerunRequest], bool]:
    """Return whether a request is in the range, and of the reports and series that a request names."""
    names = set(request.reports or selected.project.names)
    tsvs = _tsvs(selected.reports, request.only)

    def is_wanted(one: RerunRequest) -> bool:
        return (
            one.report in names
            and (tsvs is None or one.tsv in tsvs)
            and _is_within(one.start, request.since, request.until)
        )

    return is_wanted


def _is_within(start: str, since: datetime | None, until: datetime | None) -> bool:
    """Return whether a request is in a range; what is no date is where no range is given."""
    if since is None and until is None:
        return True
    try:
        moment = parse_moment(start)
    except ValueError:
        return False
    return (since is None or moment >= since) and (until is None or moment < until)


def _tsvs(reports: Iterable[Report], only: Only) -> set[str] | None:
    """Return the TSVs of the series that are wanted; None for all, also of values that are gone."""
    if only == EVERY:
        return None
    return {series.tsv for report in reports for series in explode(report, only)}
