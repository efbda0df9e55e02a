"""Run the checks over results, in the committing thread, which knows what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reportupdater.checks.base import CheckResult, Declared, Rows, Sums
from reportupdater.checks.change import Change
from reportupdater.checks.registry import BY_NAME, GUARDS
from reportupdater.execution.baselines import Baselines, declared
from reportupdater.execution.outcome import Answer
from reportupdater.execution.stored import Stored
from reportupdater.model import Action, Meaning, Reason, Report, Series, Task
from reportupdater.planning.due import Due
from reportupdater.state import reruns
from reportupdater.state.journal import Result
from reportupdater.state.tables import Tables
from reportupdater.tsv import dialect
from reportupdater.tsv.header import Header


class Verdict(NamedTuple):
    """A check that a result failed, and why."""

    check: str
    why: str
    action: Action


class _Case:
    """A result, as checks see it."""

    def __init__(self, task: Task, result: Result, cuts: Sequence[str], known: Stored) -> None:
        self._task = task
        self._result = result
        self._known = known
        self.cuts = cuts
        self.header = result.header

    @property
    def has_rows(self) -> bool:
        return not is_without_rows(self._result)

    def has_values(self) -> bool:
        first = self._result.rows.partition("\n")[0]
        if first.partition("\t")[2].strip("\t"):  # as nearly always
            return True
        return any(any(row[1:]) for row in dialect.parse(self._result.rows))

    def stored_header(self) -> Header:
        return self._known.header(self._task.series)

    def had_values(self) -> bool:
        return self._known.old(self._task).has_values


def is_without_rows(result: Result) -> bool:
    """Return whether a result is the one row of empty values that is stored for none."""
    return result.rows == dialect.lines([(result.start, *[""] * (len(result.header) - 1))])


class Checking:
    """Gives results their verdicts, and those without rows the columns of their TSVs."""

    def __init__(self, state: Tables, stored: Stored) -> None:
        self._state = state
        self._stored = stored
        self._baselines = Baselines(state)

    def expect(self, dues: Iterable[Due]) -> None:
        """Say what will come."""
        self._baselines.expect(dues)

    def verdicts(self, answer: Answer) -> Iterator[Verdict]:
        """Yield the checks that a result fails, but for those that are off."""
        yield from self._guards(answer)
        if answer.task.series.report.declared:
            yield from self._declared(answer)

    def _guards(self, answer: Answer) -> Iterator[Verdict]:
        task = answer.task
        if answer.rows and not answer.warnings and task.reason is Reason.MISSING:
            return  # as nearly always
        cuts = [str(one) for one in answer.warnings if one.meaning is Meaning.CUT]
        case = _Case(task, answer.result, cuts, self._stored)
        for check in GUARDS:
            action = action_of(task.series.report, check.NAME)
            if action != "off":
                why = check.failure(case)
                if why is not None and not self._is_allowed(check.NAME, task):
                    yield Verdict(check.NAME, why, action)

    def _declared(self, answer: Answer) -> Iterator[Verdict]:
        """Yield the checks that a report declares and a result fails."""
        result = answer.result
        rows = Rows(result.header, dialect.parse(result.rows) if answer.rows else [])
        for check, outcome in self.results(answer.task, rows):
            if outcome.verdict == "failed":
                yield Verdict(outcome.check, outcome.why, check.severity)

    def results(self, task: Task, rows: Rows) -> Iterator[tuple[Declared, CheckResult]]:
        """Yield what the checks that a report declares say of the rows of a result."""
        series = task.series
        number = series.report.granularity.number(task.interval.start)
        for check in declared(series.report):
            before: list[Sums] = []
            if isinstance(check, Change):
                before = self._baselines.before(series, number, check)
            for outcome in check.results(rows, before):
                yield check, outcome

    def again(self, name: str, task: Task, result: Result, why: str) -> str | None:
        """Return what one check has to say of a held result now; None where it passes."""
        check = BY_NAME.get(name)
        if check is None:
            parsed = [] if is_without_rows(result) else dialect.parse(result.rows)
            outcomes = self.results(task, Rows(result.header, parsed))
            failed = (one for _, one in outcomes if one.check == name and one.verdict == "failed")
            return next((one.why for one in failed), None)
        # Only the server knew what it left out.
        return check.failure(
            _Case(task, result, [why] if name == "incomplete" else [], self._stored)
        )

    def published(self, answers: Iterable[Answer]) -> None:
        """Take in what is about to be published."""
        for answer in answers:
            series, result = answer.task.series, answer.result
            self._stored.add(series, result.header)
            if series.report.in_order:
                number = series.report.granularity.number(answer.task.interval.start)
                parsed = dialect.parse(result.rows) if answer.rows else []
                self._baselines.published(series, number, Rows(result.header, parsed))

    def fitted(self, answer: Answer) -> Answer:
        """Return a result; one without rows with columns that its TSV has, which it never changes."""
        if answer.rows:
            return answer
        known = self._stored.header(answer.task.series)
        columns = answer.result.header
        if not known or (columns[0] == known[0] and {*known}.issuperset(columns)):
            return answer
        kept = (known[0], *(name for name in columns[1:] if name in known[1:]))
        return answer._replace(result=_renamed(answer.result, kept))

    def accepted(self, series: Series, result: Result) -> Result:
        """Return a held result as it fits its TSV, whose first column keeps its name."""
        known = self._stored.header(series)
        if not known or result.header[0] == known[0] or not is_without_rows(result):
            return result
        return _renamed(result, (known[0], *result.header[1:]))

    def _is_allowed(self, check: str, task: Task) -> bool:
        return check == "vanished" and reruns.allows_empty(self._state, task.series.tsv, task.start)


def _renamed(result: Result, columns: Header) -> Result:
    """Return a result without rows with other columns."""
    empty = dialect.lines([(result.start, *[""] * (len(columns) - 1))])
    return result._replace(header=columns, rows=empty)


def action_of(report: Report, check: str) -> Action:
    """Return what a report does with results that fail a check."""
    return report.checks.get(check, "hold")
