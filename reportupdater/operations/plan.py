"""What a run would do now, how long that would take, and why the rest is not due."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution import older
from reportupdater.execution.acquire import acquire
from reportupdater.execution.clock import check_clock
from reportupdater.execution.due import Stock, take_stock
from reportupdater.execution.older import Older
from reportupdater.execution.select import select
from reportupdater.execution.summary import Summary
from reportupdater.model import Project, Reason, Report, Series
from reportupdater.operations.run import Request
from reportupdater.planning.due import Due
from reportupdater.planning.plan import Clock
from reportupdater.planning.rest import Rest, rest
from reportupdater.planning.schedule import Next, next_due, next_tick
from reportupdater.state import durations, history, reruns, waits
from reportupdater.state.durations import History
from reportupdater.state.history import Failing
from reportupdater.state.locks import Onlooker, folder_of
from reportupdater.state.overlay import Overlay
from reportupdater.state.reruns import RerunFile
from reportupdater.state.tables import Tables
from reportupdater.state.waits import Wait
from reportupdater.terminal.log import log_problems
from reportupdater.tsv import files
from reportupdater.tsv.rows import coverage


class Stretch(NamedTuple):
    """Neighbouring intervals that are due for the same reason; starts of the first and the last."""

    reason: Reason
    first: str
    last: str
    intervals: int


class SeriesPlan(NamedTuple):
    """What a run would do of a series."""

    series: Series
    due: tuple[Stretch, ...]
    intervals: int
    """How many intervals are due."""
    rest: tuple[Rest, ...]
    seconds: float | None
    """How long the due ones will take, one after the other; None where nothing is known."""
    failing: tuple[Failing, ...]
    """The due intervals that have failed since they last succeeded, or were never done."""
    trouble: str = ""
    """Why its TSV cannot be read; then nothing is due."""


class ReportPlan(NamedTuple):
    """What a run would do of a report; of one that is passed over `series` are not known."""

    report: Report
    series: tuple[SeriesPlan, ...] = ()
    held: str = ""
    """Who holds it, if another run does."""
    trouble: str = ""
    """Why a run would not touch it."""
    next_tick: datetime | None = None
    next_due: Next | None = None
    older: Older | None = None
    """Its results that an older query gave."""
    waits: tuple[Wait, ...] = ()
    """Its due intervals that were not ready when they were asked about last."""

    @property
    def intervals(self) -> int:
        """How many intervals are due."""
        return sum(one.intervals for one in self.series)

    @property
    def seconds(self) -> float | None:
        """How long they will take, one after the other; None where nothing is known."""
        return total(one.seconds for one in self.series if one.intervals)


class Plan(NamedTuple):
    """What a run would do of a project."""

    config_path: Path
    output: Path
    now: datetime
    reports: tuple[ReportPlan, ...]
    invalid: int
    """Errors in the configuration; they have been reported."""

    @property
    def intervals(self) -> int:
        """How many intervals are due."""
        return sum(report.intervals for report in self.reports)

    @property
    def seconds(self) -> float | None:
        """How long they will take, one after the other; None where nothing is known."""
        return total(report.seconds for report in self.reports if report.intervals)

    @property
    def stopped(self) -> None:
        """A plan is not stopped by a signal: it ends at once."""

    @property
    def is_good(self) -> bool:
        """Whether every report is valid, and every TSV can be read."""
        troubles = (r.trouble or any(one.trouble for one in r.series) for r in self.reports)
        return not self.invalid and not any(troubles)


def total(parts: Iterable[float | None]) -> float | None:
    """Return a sum, where every part of it is known."""
    seconds = 0.0
    for part in parts:
        if part is None:
            return None
        seconds += part
    return seconds


def plan(request: Request) -> Plan:
    """Return what `run` would do with the same request, at this moment.

    It takes stock with the code of a run, on a state that is only read. Nothing is run, made, locked
    or written. Raises UsageError, StateError.
    """
    clock = request.clock()
    selected = select(request)
    selected.check_any()
    project = selected.project
    _check_output(request.output)
    with Overlay(request.output) as state:
        clock = request.over_by(clock, check_clock(state))
        locks = Onlooker(folder_of(request.output))
        rerun_files, problems = reruns.read_files(project.folder)
        log_problems(problems)
        with state.reading() as connection:
            failing: dict[str, list[Failing]] = {}
            for one in history.failing(connection):
                failing.setdefault(one.tsv, []).append(one)
        found = [
            _report(state, locks, project, report, rerun_files, failing, request, clock)
            for report in selected.reports
        ]
    return Plan(project.config_path, request.output, clock.now, tuple(found), len(selected.errors))


def _report(
    state: Tables,
    locks: Onlooker,
    project: Project,
    report: Report,
    rerun_files: Sequence[RerunFile],
    failing: Mapping[str, Sequence[Failing]],
    request: Request,
    clock: Clock,
) -> ReportPlan:
    summary = Summary()
    if not acquire(project, [report], state, locks, summary):
        held = locks.held.get(report.name, "")
        trouble = "; ".join(summary.troubles).removeprefix(f"{report.name}: ")
        return ReportPlan(report, held=held, trouble=trouble)
    histories = durations.of_report(state, report.name)
    of_all = durations.expected(histories.values())
    series: list[SeriesPlan] = []
    stocks = take_stock(state, report, rerun_files, clock, summary, request.only)
    with state.reading() as connection:
        done = {stock.due.series.tsv: stock.done for stock in stocks}
        changed = older.by_tsv(connection, report, done)
        waiting = [
            one
            for stock in stocks
            for one in (waits.listed(connection, report.name) if report.ready else ())
            if one.tsv == stock.due.series.tsv and _is_due(one, stock.due)
        ]
    for stock in stocks:
        tsv = stock.due.series.tsv
        mean = durations.expected([histories.get(tsv, History())])
        still = _still(failing.get(tsv, ()), stock.due)
        series.append(_series(state, stock, still, of_all if mean is None else mean, clock))
    ahead = next_tick(report, clock.now), next_due(report, clock.now)
    return ReportPlan(
        report, tuple(series), "", "", *ahead, older.summed(report, changed), tuple(waiting)
    )


def _is_due(one: Wait, due: Due) -> bool:
    number = due.series.report.granularity.labelled(one.start)
    return number is not None and number in due.numbers


def _series(
    state: Tables, stock: Stock, failing: tuple[Failing, ...], mean: float | None, clock: Clock
) -> SeriesPlan:
    done, due = stock
    series, count = due.series, due.intervals
    if done is None:
        trouble = _trouble(state, series)
        return SeriesPlan(series, (), 0, (), None, (), trouble)
    return SeriesPlan(
        series,
        tuple(_stretches(due)),
        count,
        tuple(rest(series, done, due, clock)),
        None if mean is None else count * mean,
        failing,
    )


def _check_output(output: Path) -> None:
    """Raise UsageError for what is there and no folder, or may not be looked at."""
    why = "it is no folder"
    try:
        os.lstat(output)
        if os.path.isdir(output):
            return
    except FileNotFoundError:
        return  # the first run makes it
    except OSError as error:
        why = error.strerror or str(error)
    raise UsageError(f"{output} cannot be the output folder: {why}")


def _trouble(state: Tables, series: Series) -> str:
    """Return why a TSV cannot be read, in the words of a run."""
    try:
        coverage(files.place(state.root, series.tsv), series.report.granularity)
    except (TsvError, OSError) as error:
        return error_text(error)
    return "it could not be read a moment ago"


def _still(failing: Sequence[Failing], due: Due) -> tuple[Failing, ...]:
    """Return those of the failing intervals of a series that are due, now or after their back-off."""
    if not failing:
        return ()
    granularity = due.series.report.granularity
    numbers, waiting = due.numbers, due.waiting
    still = []
    for one in failing:
        with suppress(ValueError):  # of another granularity, which the report once had
            label, number = granularity.place(one.start)
            if label == one.start and (number in numbers or number in waiting):
                still.append(one)
    return tuple(still)


def _stretches(due: Due) -> Iterator[Stretch]:
    report = due.series.report
    for first, past, reason in due.stretches:
        ((start, last, count),) = labelled(report, [(first, past)])
        yield Stretch(reason, start, last, count)


def labelled(report: Report, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str, int]]:
    """Yield runs of numbers as the starts of the first and the last interval, and how many they are."""
    granularity = report.granularity
    for first, past in runs:
        starts = granularity.start(first), granularity.start(past - 1)
        yield granularity.label(starts[0]), granularity.label(starts[1]), past - first
