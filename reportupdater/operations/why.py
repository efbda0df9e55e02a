"""The life of one interval: why it is as it is, and what to do next. Nothing is written."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.checks.base import CheckResult, Rows
from reportupdater.engines import registry
from reportupdater.errors import ReportupdaterError, TsvError, UsageError, error_text
from reportupdater.execution.checking import Checking
from reportupdater.execution.clock import check_clock, utcnow
from reportupdater.execution.digest import query_digest
from reportupdater.execution.due import Stock, take_stock
from reportupdater.execution.points import result_points
from reportupdater.execution.select import Selected, Source, select
from reportupdater.execution.stored import Old, Stored, read
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage, over
from reportupdater.model import Reason, Report, Series, Task
from reportupdater.planning.explode import explode
from reportupdater.planning.plan import Clock, window
from reportupdater.planning.rest import Why, rest
from reportupdater.state import computed, held, life, reruns, retries, revisions, waits
from reportupdater.state.held import Held
from reportupdater.state.journal import Result
from reportupdater.state.life import Tried
from reportupdater.state.overlay import Overlay
from reportupdater.state.retries import Retry
from reportupdater.state.revisions import Revision
from reportupdater.state.waits import Wait
from reportupdater.tsv import dialect
from reportupdater.tsv.listing import needed


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyRequest(Source):
    """Of which interval the life is wanted; of several series the first that `only` allows."""

    output: Path
    report: str
    date: datetime | None = None
    """The interval around it; None for the newest, and the first that is missing."""
    now: datetime = field(default_factory=utcnow)
    query: bool = False
    """Whether its query is rendered."""


class Point(NamedTuple):
    """A datapoint that the rows of an interval give, and what has become of it."""

    sink: str
    destination: str
    key: str
    value: str
    timestamp: int
    state: str
    """`acknowledged`, `pending`, `unsent`, or `not sent` where its destination never got its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """All that is known of an interval."""

    series: Series
    start: str
    end: str
    due: str
    """Why it is due; empty where it is not."""
    rest: str
    """Why it is not due; empty where it is."""
    attempts: tuple[Tried, ...]
    retry: Retry | None
    wait: Wait | None
    """For what it waited when it was asked about last."""
    held: Held | None
    stored: Old
    trouble: str
    """Why its TSV cannot be read."""
    revisions: tuple[Revision, ...]
    digest: str
    """Of the query that gave it, as far as that is known."""
    is_older: bool
    """Whether that is not the present query."""
    checks: tuple[CheckResult, ...]
    points: tuple[Point, ...]
    next: str
    """The one thing to do next; empty where there is none."""
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Lives:
    """The intervals that were asked for."""

    lives: tuple[Life, ...]
    is_good: bool = True
    stopped: None = None


NOT_DUE = {
    Why.DONE: "it is done",
    Why.HELD: "its result failed a check and is held",
    Why.FULL: "its series waits: three results in a row are held",
    Why.MAX_DATA_POINTS: "it is older than `max_data_points` keeps",
    Why.BACK_OFF: "it has failed, and is tried again later",
    Why.BACKFILL: "a later run takes it, by `backfill`",
    Why.SCHEDULE: "its report's schedule has not ticked since",
    Why.LAG: "its `lag` has not passed",
    Why.RANGE: "it lies outside of what was asked for",
}
"""Why an interval that is over is not due, in words."""


def why(request: WhyRequest) -> Lives:
    """Return the life of an interval. Raises UsageError, StateError."""
    selected = select(request)
    needed(request.output)
    report = next((one for one in selected.reports if one.name == request.report), None)
    if report is None:
        selected.check_any()
        raise UsageError(f"report {request.report!r} is not valid: `check` says what is wrong")
    series = explode(report, request.only)[0]
    with Overlay(request.output) as state:
        clock = Clock(request.now, latest=min(check_clock(state), request.now))
        files, _ = reruns.read_files(selected.project.folder)
        summary = Summary()
        stocks = take_stock(state, report, files, clock, summary, request.only)
        stock = next(one for one in stocks if one.due.series.tsv == series.tsv)
        look = _Look(state, selected, request, stock, clock)
        return Lives(tuple(look.at(number) for number in _numbers(report, stock, request)))


def _numbers(report: Report, stock: Stock, request: WhyRequest) -> list[int]:
    """Return the intervals that are meant."""
    granularity = report.granularity
    if request.date is not None:
        return [granularity.number(request.date)]
    allowed = window(report, request.now, stock.done)
    if not allowed:
        raise UsageError("no interval is over yet", hint="--date names another one")
    missing = (stock.done or Coverage()).missing(allowed.start, allowed.stop)
    first = [missing.runs[0][0]] if missing else []
    return list(dict.fromkeys([*first, allowed[-1]]))


class _Look:
    """A look at intervals of one series."""

    def __init__(
        self, state: Overlay, selected: Selected, request: WhyRequest, stock: Stock, clock: Clock
    ) -> None:
        self._state = state
        self._project = selected.project
        self._request = request
        self._stock = stock
        self._clock = clock
        self._series = stock.due.series
        self._report = self._series.report

    def at(self, number: int) -> Life:
        """Return the life of an interval."""
        granularity, report = self._report.granularity, self._report
        interval = granularity.interval(number)
        task = Task(self._series, interval, Reason.RERUN)
        start, tsv = task.start, self._series.tsv
        stored, trouble = Old(), ""
        try:
            stored = read(self._state, self._series, [number])[number]
        except (TsvError, OSError) as error:
            trouble = error_text(error)
        with self._state.reading() as connection:
            tried = life.attempts(connection, tsv, start)
            found_held = next(
                (one for one in held.listed(connection) if (one.tsv, one.start) == (tsv, start)),
                None,
            )
            former = revisions.of_series(connection, tsv, start)
            parts = computed.of_series(connection, tsv)
            waiting = [
                one
                for one in waits.listed(connection, report.name)
                if (one.tsv, one.start) == (tsv, start)
            ]
            points = self._points(connection, start, stored)
        failing = retries.of_report(self._state, report.name).get(tsv, [])
        retry = next((one for one in failing if one.start == start), None)
        digest = next(
            (
                query.digest
                for query, part in parts.items()
                if query.granularity is granularity and number in part.intervals
            ),
            "",
        )
        due, not_due = self._due(number)
        checks: tuple[CheckResult, ...] = ()
        if stored.rows and report.declared:
            rows = Rows(stored.header, stored.rows if stored.has_values else [])
            checking = Checking(self._state, Stored(self._state))
            checks = tuple(one for _, one in checking.results(task, rows))
        found = Life(
            series=self._series,
            start=start,
            end=task.end,
            due=due,
            rest=not_due,
            attempts=tuple(tried),
            retry=retry,
            wait=waiting[0] if waiting and due and report.ready else None,
            held=found_held,
            stored=stored,
            trouble=trouble,
            revisions=tuple(former),
            digest=digest,
            is_older=bool(digest) and digest != query_digest(report),
            checks=checks,
            points=tuple(points),
            next="",
            query=self._query(task) if self._request.query else None,
        )
        return _with_next(found, report.name)

    def _due(self, number: int) -> tuple[str, str]:
        """Return why an interval is due, and if it is not, why it is not."""
        done, due = self._stock
        for first, past, reason in due.stretches:
            if first <= number < past:
                return reason.value, ""
        if done is None:
            return "", "its TSV cannot be read"
        for one, runs in rest(self._series, done, due, self._clock):
            if any(first <= number < past for first, past in runs):
                return "", NOT_DUE[one]
        if number >= over(self._report.granularity, self._request.now):
            return "", "it is not over yet"
        return "", "it lies outside of `starts` and `ends`"

    def _points(self, connection: sqlite3.Connection, start: str, stored: Old) -> list[Point]:
        """Return the datapoints that the stored rows give, with what has become of each."""
        found: list[Point] = []
        if not stored.rows:
            return found
        report = self._report
        result = Result(
            start, report.granularity, stored.header, dialect.lines(stored.rows), None, None
        )
        for name in report.outputs:
            settings = self._project.sinks.get(name)
            if settings is None or settings.destination is None:
                continue
            unsent = life.is_unsent(connection, self._series.tsv, name, start)
            for made in result_points(self._series, [result], name, settings):
                for point in made.points:
                    known = life.sent(connection, settings.destination, point.key, point.timestamp)
                    state = "acknowledged" if known.was_acknowledged else "not sent"
                    if known.pending is not None:
                        state = "pending"
                    elif unsent:
                        state = "unsent"
                    found.append(
                        Point(
                            *(name, settings.destination, point.key),
                            *(point.value, point.timestamp, state),
                        )
                    )
        return found

    def _query(self, task: Task) -> str:
        """Return the query as it would be run."""
        try:
            return registry.engine(self._report.database.engine).query(task).text
        except ReportupdaterError as error:
            return f"it cannot be rendered: {error}"


def _with_next(found: Life, report: str) -> Life:
    """Return a life with the one thing to do next."""
    of = f"--report {report}"
    to_do = ""
    states = {point.state for point in found.points}
    if found.trouble:
        to_do = "fix the TSV: its file and line are named above"
    elif found.held:
        to_do = (
            f"look at `reportupdater held` with `{of} --rows`; then `accept` publishes it, `reject`"
            " drops it"
        )
    elif found.retry:
        to_do = f"fix the error; a run with `{of}` tries it at once"
    elif found.wait:
        to_do = "nothing: a run computes it once its data are there"
    elif found.due:
        to_do = "the next run computes it"
    elif states & {"unsent", "not sent"}:
        to_do = f"`reportupdater resend` with `{of}` sends its values"
    elif "pending" in states:
        to_do = "the next run that may send sends what is pending"
    elif any(one.verdict == "failed" for one in found.checks):
        to_do = "look at its rows: they fail a check; `rerun` computes them again"
    elif found.is_older:
        to_do = f"`reportupdater rerun` with `{of} --changed` computes it by the present query"
    return replace(found, next=to_do)
