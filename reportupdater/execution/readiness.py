"""Which of what is due is ready: the conditions of reports are asked, each distinct one once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.config.ready import Condition, Source, conditions
from reportupdater.engines.base import Engine
from reportupdater.errors import ReportupdaterError
from reportupdater.execution.due import done_of, withheld_of
from reportupdater.execution.execute import Execution
from reportupdater.execution.outcome import Failure, Unasked
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.execution.validate import Checked
from reportupdater.intervals import Coverage
from reportupdater.model import Project, Reason, Report, Series, Table, Task
from reportupdater.planning.due import Due, joined, of_tasks
from reportupdater.planning.explode import explode
from reportupdater.planning.schedule import became_due
from reportupdater.state import waits
from reportupdater.state.database import State
from reportupdater.state.history import stamp
from reportupdater.template import Template, time_values
from reportupdater.terminal.wording import span
from reportupdater.tsv.dialect import parse

_MOST_ROWS = 1_000_000
_TIMEOUT = 600.0
"""Seconds for one question."""
_FALSE = frozenset({"", "0", "false", "f", "no", "null"})

Holds = bool | ReportupdaterError
"""Whether a condition holds, or why that is not known."""


class Ready(NamedTuple):
    """What is due and ready, and what has failed: it waited for too long, or could not be asked about."""

    dues: list[Due]
    failed: list[Unasked]


@dataclass(eq=False)
class _Asked:
    """A distinct condition that a database is asked about, for the first task that needs it."""

    condition: Condition
    task: Task
    answer: Table | None = None
    error: ReportupdaterError | None = None
    partitions: list[dict[str, str]] = field(default_factory=list)


def ready(
    state: State,
    project: Project,
    dues: Sequence[Due],
    engine: Callable[[str], Engine],
    stop: Stop,
    summary: Summary,
    now: datetime,
) -> Ready:
    """Return what is ready of what is due, and note what is not. Of other reports all is ready.

    `now` is the moment that is planned for.
    """
    waiting = [due for due in dues if due.series.report.ready]
    if not waiting:
        return Ready(list(dues), [])
    asking = _Asking(state, project, engine)
    asking.ask(waiting, stop)
    if stop.requested:
        return Ready([], [])
    found = [due for due in dues if not due.series.report.ready]
    failed: list[Unasked] = []
    for report, some in _by_report(waiting).items():
        since = waits.since(state, report.name)
        notes: dict[tuple[str, str], str] = {}
        holding: list[tuple[str, str]] = []
        for due in some:
            is_ready: list[int] = []
            for task in due.tasks():
                number = report.granularity.number(task.interval.start)
                key = (due.series.tsv, task.start)
                why = asking.missing(task)
                if why is None:
                    is_ready.append(number)
                    holding.append(key)
                    continue
                error = why if isinstance(why, ReportupdaterError) else None
                if error is None:
                    notes[key] = str(why)
                    error = _overdue(report, number, since.get(key), now, str(why))
                if error is not None:
                    failed.append(Unasked(_part(due, Coverage.of([number])), error))
                else:
                    what = f"waits for {why}"
                    summary.not_ready.add(report.name, what, str(task), values=due.series.values)
            if is_ready:
                found.append(_part(due, Coverage.of(is_ready)))
        waits.write(state, report.name, holding, notes, stamp(now))
    return Ready(found, failed)


def _by_report(dues: Iterable[Due]) -> dict[Report, list[Due]]:
    found: dict[Report, list[Due]] = {}
    for due in dues:
        found.setdefault(due.series.report, []).append(due)
    return found


def _part(due: Due, numbers: Coverage) -> Due:
    """Return the part of what is due that is of some intervals."""
    parts: dict[Reason, Coverage] = {}
    for reason in Reason:
        runs = [(first, past) for first, past, why in due.stretches if why is reason]
        parts[reason] = Coverage.joined(runs).intersected(numbers)
    failing = due.failing.intersected(numbers)
    return due._replace(stretches=joined(parts), failing=failing)


def _overdue(
    report: Report, number: int, since: str | None, now: datetime, why: str
) -> ReportupdaterError | None:
    """Return the error of an interval that has waited for too long."""
    began = datetime.fromisoformat(since.removesuffix("Z")) if since else now
    due = became_due(report, number)
    if due is not None:
        began = max(began, due)
    if now - began < report.wait:
        return None
    return ReportupdaterError(
        f"not ready after {span(now - began)}: it waits for {why}",
        hint="are its data late, or is the condition wrong? It is computed as soon as it holds",
    )


class _Asking:
    """Asks the conditions of tasks, and remembers the answers."""

    def __init__(self, state: State, project: Project, engine: Callable[[str], Engine]) -> None:
        self._state = state
        self._project = project
        self._engine = engine
        self._engines: dict[str, Engine] = {}
        self._asked: dict[object, _Asked] = {}
        self._questions: dict[object, tuple[object, Task]] = {}
        self._files: dict[str, Holds] = {}
        self._published: dict[str, dict[Series, Coverage]] = {}

    def ask(self, dues: Iterable[Due], stop: Stop) -> None:
        """Ask the databases all that will be needed."""
        for due in dues:
            for condition in conditions(due.series.report):
                if condition.database is not None:
                    for task in due.tasks():
                        key, pseudo = self._question(condition, task)
                        self._asked.setdefault(key, _Asked(condition, pseudo))
        by_series = {one.task.series: one for one in self._asked.values()}
        asks = of_tasks(one.task for one in self._asked.values())
        for series, one in by_series.items():
            if self._of(series.report).has_side_effects(one.task):
                one.error = ReportupdaterError("it may write, and a condition may only read")
        asks = [due for due in asks if by_series[due.series].error is None]
        if not asks:
            return
        with Execution(asks, self._engine, _as_asked) as execution:
            for batch in execution:
                if stop.requested:
                    execution.stop()
                for outcome in batch.outcomes:
                    one = by_series[outcome.task.series]
                    if isinstance(outcome, Failure):
                        one.error = outcome.error
                    else:
                        rows = parse(outcome.result.rows) if outcome.rows else []
                        one.answer = Table(outcome.result.header, rows)
                for due, error in batch.unasked:
                    by_series[due.series].error = error
        for one in self._asked.values():
            if one.condition.source is Source.PARTITION and one.answer is not None:
                one.partitions = [_parts(row[1]) for row in one.answer.rows]

    def missing(self, task: Task) -> str | ReportupdaterError | None:
        """Return for what a task waits, or why that is not known; None where it is ready."""
        for condition in conditions(task.series.report):
            holds = self._holds(condition, task)
            if isinstance(holds, ReportupdaterError):
                return holds
            if not holds:
                return _shown(condition, task)
        return None

    def _holds(self, condition: Condition, task: Task) -> Holds:
        if condition.source is Source.FILE:
            path = _rendered(condition, task)
            if path not in self._files:
                self._files[path] = _exists(path)
            return self._files[path]
        if condition.source is Source.REPORT:
            return self._is_published(condition.template.text, task)
        asked = self._asked[self._question(condition, task)[0]]
        if asked.error is not None:
            shown = _shown(condition, task)
            return ReportupdaterError(f"cannot ask the condition {shown}: {asked.error}")
        if asked.answer is None:
            return ReportupdaterError("the run was interrupted before it was asked")
        if condition.source is Source.PARTITION:
            wanted = _parts(_rendered(condition, task).partition("/")[2])
            return any(wanted.items() <= there.items() for there in asked.partitions)
        rows = asked.answer.rows
        return bool(rows) and rows[0][1].strip().lower() not in _FALSE

    def _question(self, condition: Condition, task: Task) -> tuple[object, Task]:
        """Return what distinguishes a question, and the task that asks it."""
        assert condition.database is not None
        text = _rendered(condition, task)
        if condition.source is Source.PARTITION:
            text = f"SHOW PARTITIONS {text.partition('/')[0]}"
        known = (condition, text, task.series.values)
        if known not in self._questions:
            one = replace(
                task.series.report,
                database=condition.database,
                template=Template(text, (text,)),
                ready=(),
                outputs={},
                declared=(),
                in_order=False,
                writes=False,
                concurrency=None,
                max_rows=_MOST_ROWS,
                timeout=_TIMEOUT,
            )
            pseudo = Task(Series(one, task.series.values), task.interval)
            query = self._of(one).query(pseudo)
            self._questions[known] = (condition.database.name, query.text, query.database), pseudo
        return self._questions[known]

    def _of(self, report: Report) -> Engine:
        name = report.database.engine
        if name not in self._engines:
            self._engines[name] = self._engine(name)
        return self._engines[name]

    def _is_published(self, name: str, task: Task) -> Holds:
        """Return whether the intervals of another report that overlap one are done and not held."""
        report = next((one for one in self._project.reports if one.name == name), None)
        if report is None:
            return ReportupdaterError(f"it waits for the report {name}, which is not valid")
        granularity = report.granularity
        first = granularity.number(task.interval.start)
        past = granularity.ceiling(task.interval.end)
        first = max(first, granularity.number(report.starts))
        if report.ends is not None:
            past = min(past, granularity.ceiling(report.ends))
        for series, done in self._done(report).items():
            fixed = task.series.dimensions
            is_meant = all(
                fixed.get(key, value) == value for key, value in series.dimensions.items()
            )
            if is_meant and done.missing(first, past):
                return False
        return True

    def _done(self, report: Report) -> dict[Series, Coverage]:
        found = self._published.get(report.name)
        if found is None:
            withheld = withheld_of(self._state, report)
            done = done_of(self._state, report, explode(report), Summary(), {})
            found = self._published[report.name] = {}
            for series, covered in done.items():
                numbers = map(report.granularity.labelled, withheld.get(series.tsv, ()))
                held = Coverage.of(sorted(one for one in numbers if one is not None))
                found[series] = (covered or Coverage()).without(held)
        return found


def _as_asked(task: Task, table: Table) -> Checked:
    """Return the rows of an answer, whatever they are, with a date before each."""
    rows = [(task.start, *row) for row in table.rows]
    return Checked(("date", *table.header), rows, empty=not rows)


def _rendered(condition: Condition, task: Task) -> str:
    report = task.series.report
    values = {**time_values(task.interval, report.granularity), **task.series.dimensions}
    return condition.template.render(values)


def _shown(condition: Condition, task: Task) -> str:
    """Return a condition as messages name it."""
    return f"{condition.source.value} {' '.join(_rendered(condition, task).split())[:200]}"


def _parts(path: str) -> dict[str, str]:
    """Return the keys and values of a partition; numbers without zeros before them.

    >>> _parts("year=2025/month=01/day=2")
    {'year': '2025', 'month': '1', 'day': '2'}
    """
    pairs = (part.partition("=") for part in path.strip().split("/"))
    return {key: value.lstrip("0") or "0" if value.isdigit() else value for key, _, value in pairs}


def _exists(path: str) -> Holds:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        return ReportupdaterError(f"cannot look at the file {path}: {error.strerror}")
    return True
