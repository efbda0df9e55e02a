"""One interval of one series, tried without a trace: nothing is stored, and nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from time import monotonic

from reportupdater import prefixes
from reportupdater.checks.base import CheckResult, Rows
from reportupdater.configfile.files import Folders
from reportupdater.engines import registry
from reportupdater.engines.base import Engine, Session
from reportupdater.errors import Problem, Severity, UsageError
from reportupdater.execution.baselines import declared
from reportupdater.execution.checking import Checking
from reportupdater.execution.execute import Execution
from reportupdater.execution.outcome import Answer, Failure, Outcome
from reportupdater.execution.points import result_points
from reportupdater.execution.progress import ProgressOver, silent
from reportupdater.execution.select import Source, narrowed, no_report
from reportupdater.execution.stop import Stop
from reportupdater.execution.stored import Stored
from reportupdater.intervals import watermark
from reportupdater.model import Project, Query, Report, Server, SinkSettings, Table, Task
from reportupdater.planning.due import of_tasks
from reportupdater.planning.explode import explode
from reportupdater.planning.plan import window
from reportupdater.sinks.base import Made
from reportupdater.sinks.registry import definition
from reportupdater.state.overlay import Overlay
from reportupdater.terminal.wording import count
from reportupdater.tsv.dialect import parse

RETRIES = 1
"""A person who waits for an answer would not wait for a server's restart."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What is to be tried. `doubts` are reasons why a run would not compute the interval."""

    task: Task
    query: Query
    has_side_effects: bool
    sinks: Mapping[str, SinkSettings]
    withheld: bool
    """Whether what is wrong with the configuration, which has been reported, withholds datapoints."""
    doubts: tuple[str, ...]
    others: int
    """Problems of the configuration that do not concern the report."""
    engine: Recorder
    output: Path | None = None
    """The folder of the TSVs, with whose rows checks compare the result."""


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What came of it.

    `outcome` is what a run would have to commit, None where a signal came before, and `made` the
    datapoints of its result by sink; `table` is what the query gave, be it fit
    to be stored or not, and `seconds` how long that took.
    """

    outcome: Outcome | None
    made: Mapping[str, Made]
    table: Table | None
    server: Server | None
    seconds: float
    stopped: int | None
    """The exit code that a signal asks for."""
    checks: tuple[CheckResult, ...] = ()
    """What the checks that the report declares say of the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryRequest(Source):
    """What shall be tried."""

    report: str
    now: datetime
    """In UTC."""
    date: datetime | None = None
    """The interval around it; None for the latest that is due at `now`."""
    output: Path | None = None
    """The folder of the TSVs, with whose rows checks compare the result."""


def prepare(request: TryRequest) -> Trial:
    """Return what to try of a report; of several series the first that `only` allows.

    Logs what is wrong with the report. Raises UsageError where there is nothing to try.
    """
    project, name, now = request.load(), request.report, request.now
    if name not in project.names:
        raise no_report(project, name, project.names)
    concerning = _concerning(project, name)
    errors = sum(problem.severity is Severity.ERROR for problem in concerning)
    alone = replace(
        project,
        problems=tuple(concerning),
        reports=tuple(report for report in project.reports if report.name == name),
    )
    reports = narrowed(alone, request).reports
    if not reports:
        what = f"report {name!r} cannot be tried before its configuration is fixed"
        raise UsageError(what, hint=f"{count(errors, 'error')} above")
    report = replace(reports[0], retries=min(reports[0].retries, RETRIES))
    number = _complete(report, request.date, now)
    task = Task(explode(report, request.only)[0], report.granularity.interval(number))
    engine = Recorder(registry.engine(report.database.engine))
    return Trial(
        task,
        engine.query(task),
        engine.has_side_effects(task),
        _settings(project, report),
        errors > 0,
        tuple(_doubts(report, number, now)),
        len(project.problems) - len(concerning),
        engine,
        request.output,
    )


def _settings(project: Project, report: Report) -> dict[str, SinkSettings]:
    """Return the settings of the report's sinks; defaults where the project has none."""
    found: dict[str, SinkSettings] = {}
    for name in report.outputs:
        settings = project.sinks.get(name) or definition(name).read((), Folders(project.folder))[0]
        if settings is not None:
            found[name] = settings
    return found


def _concerning(project: Project, name: str) -> list[Problem]:
    """Return the problems that keep a report, or its datapoints, from being made as it says."""
    valid = {report.name: report for report in project.reports}
    report = valid.get(name)
    complete = report is not None and report.outputs.keys() <= project.sinks.keys()
    return [
        problem
        for problem in project.problems
        if problem.report == name
        or (problem.report is None and not complete and problem.severity is Severity.ERROR)
    ]


def _complete(report: Report, date: datetime | None, now: datetime) -> int:
    """Return the number of the interval to try. Raises UsageError for one that is not over."""
    granularity = report.granularity
    over = watermark(granularity, now, timedelta(0))
    if date is not None:
        number = granularity.number(date)
        if 0 < number < over:
            return number
        latest = granularity.label(granularity.start(over - 1))
        what = f"the interval of --date {granularity.label(date)} is not over yet"
        if number <= 0:
            what = f"there is no interval around {granularity.label(date)}"
        raise UsageError(what, hint=f"the latest that is over starts on {latest}")
    past = watermark(granularity, now, report.lag)
    if report.ends is not None:
        past = min(past, granularity.ceiling(report.ends))
    if past < 2:
        raise UsageError("no interval is due", hint="--date names another one")
    return past - 1


def _doubts(report: Report, number: int, now: datetime) -> list[str]:
    """Return why a run would not compute an interval that is over."""
    granularity = report.granularity
    if number in window(report, now):
        return []
    doubts = []
    if number < granularity.number(report.starts):
        doubts.append(f"it lies before `starts`, which is {granularity.label(report.starts)}")
    if report.ends is not None and number >= granularity.ceiling(report.ends):
        doubts.append(f"it does not lie before `ends`, which is {granularity.label(report.ends)}")
    if number >= watermark(granularity, now, report.lag):
        over = granularity.start(number + 1) + report.lag
        doubts.append(f"its `lag` ends on {over:%Y-%m-%d %H:%M}: data may be missing until then")
    return doubts or [f"it is older than `max_data_points: {report.max_data_points}` allows"]


def try_interval(trial: Trial, progress: ProgressOver = silent) -> Tried:
    """Run the query as a run would, with its timeout, and stopped by signals."""
    outcome: Outcome | None = None
    began = monotonic()
    engine = trial.engine
    dues = of_tasks([trial.task])
    with Stop() as stop, Execution(dues, lambda _: engine) as execution, progress(1) as bar:
        for batch in execution:
            if stop.requested:
                execution.stop()
            unasked = (Failure(trial.task, error) for _, error in batch.unasked)
            outcome = next(chain(batch.outcomes, unasked), outcome)
            bar.show(
                ended=outcome is not None,
                failed=0,
                doing=execution.doing,
            )
    seconds = monotonic() - began if engine.seconds is None else engine.seconds
    stopped = None if outcome is not None else stop.exit_code
    made: dict[str, Made] = {}
    table = engine.table
    if isinstance(outcome, Answer):
        outcome, table = _named(outcome, table)
        made = {
            name: one
            for name, settings in trial.sinks.items()
            for one in result_points(trial.task.series, [outcome.result], name, settings)
        }
    checks = _checked(trial, outcome) if isinstance(outcome, Answer) else ()
    return Tried(outcome, made, table, engine.asked, seconds, stopped, checks)


def _checked(trial: Trial, answer: Answer) -> tuple[CheckResult, ...]:
    """Return what the checks that the report declares say; without an output folder, by no baseline."""
    result = answer.result
    rows = Rows(result.header, parse(result.rows) if answer.rows else [])
    with ExitStack() as opened:
        if trial.output is None:
            every = declared(trial.task.series.report)
            return tuple(one for check in every for one in check.results(rows))
        state = opened.enter_context(Overlay(trial.output))
        found = Checking(state, Stored(state)).results(trial.task, rows)
        return tuple(one for _, one in found)


def _named(answer: Answer, table: Table | None) -> tuple[Answer, Table | None]:
    """Return an answer and its table with the names of columns that a new TSV would have."""
    if answer.quoted is None or table is None:
        return answer, table
    names = partial(prefixes.resolved, own=answer.quoted, stored=())
    result = answer.result._replace(header=names(answer.result.header))
    return answer._replace(result=result), table._replace(header=names(table.header))


class Recorder:
    """An engine, with a memory of what it answered: a run throws away what it may not store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asked: Server | None = None
        self.table: Table | None = None
        self.seconds: float | None = None
        """How long the query took that gave the table, or failed last."""

    def server(self, task: Task) -> Server:
        """Return the server that the engine finds."""
        self.asked = self._engine.server(task)
        return self.asked

    def query(self, task: Task) -> Query:
        """Return the engine's query."""
        return self._engine.query(task)

    def session(self, task: Task) -> Session:
        """Return a session of the engine that records."""
        return _Recording(self._engine.session(task), self)

    def access(self, task: Task) -> object:
        """Return what the engine says."""
        return self._engine.access(task)

    def has_side_effects(self, task: Task) -> bool:
        """Return what the engine says."""
        return self._engine.has_side_effects(task)


class _Recording:
    """A session whose answers are recorded."""

    def __init__(self, session: Session, recorder: Recorder) -> None:
        self._session = session
        self._recorder = recorder
        self.connect = session.connect
        self.cancel = session.cancel
        self.close = session.close

    @property
    def connected(self) -> bool:
        return self._session.connected

    @property
    def connect_timeout(self) -> float:
        return self._session.connect_timeout

    @property
    def progress(self) -> str:
        return self._session.progress

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        began = monotonic()
        try:
            table = self._session.run(query, max_rows=max_rows, timeout=timeout)
        finally:
            self._recorder.seconds = monotonic() - began
        self._recorder.table = table
        return table
