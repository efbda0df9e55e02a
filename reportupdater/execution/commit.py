"""The committer: the one place where results become durable.

Everything here runs in the thread that runs the pipeline; workers only hand over outcomes.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from time import monotonic

from reportupdater.errors import ConnectionFailed, ReportupdaterError
from reportupdater.execution.checkpoint import merge
from reportupdater.execution.clock import utcnow
from reportupdater.execution.columns import Columns
from reportupdater.execution.judging import Judging
from reportupdater.execution.lineage import Lineage
from reportupdater.execution.outcome import (
    Answer,
    Failure,
    Handover,
    Outcome,
    Unasked,
    Withheld,
)
from reportupdater.execution.points import note_datapoints
from reportupdater.execution.publish import Publisher
from reportupdater.execution.revisions import Manner
from reportupdater.execution.stop import Stop
from reportupdater.execution.stored import Old, Stored
from reportupdater.execution.summary import Summary
from reportupdater.execution.warned import Warned
from reportupdater.model import Project, Report, Series, SinkSettings, Task
from reportupdater.planning.due import Due
from reportupdater.state import held, history, reruns
from reportupdater.state.database import State
from reportupdater.state.history import Attempt
from reportupdater.state.owners import Owner
from reportupdater.terminal.wording import count
from reportupdater.tsv import dialect
from reportupdater.tsv.changes import changes

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0
"""A series that takes longer is merged into its TSV that often while it goes on."""

_MOST_CHANGES = 5
"""Changed values of an interval that are logged."""
_MERGE_SECONDS = 8.0
"""Of the ten within which an interrupted run ends. What is not merged then stays in the journal."""


class Committer:
    """Commits outcomes, merges what is committed into the TSVs, and counts for the summary."""

    def __init__(
        self,
        state: State,
        run: int,
        summary: Summary,
        project: Project,
        sinks: Mapping[str, SinkSettings],
        stop: Stop,
        now: datetime,
        *,
        assumes_new: bool = False,
    ) -> None:
        """`sinks` are those that datapoints are made for; each has a destination.

        `now` is the moment that is planned for; `assumes_new` says that these have no values of
        series that they were never sent.
        """
        self._stop = stop
        self._now = now
        self._stored = Stored(state)
        self._lineage = Lineage(state, self._stored, run)
        manner = Manner(now, assumes_new)
        self._publisher = Publisher(state, project, sinks, self._lineage, manner)
        self._judging = Judging(state, self._stored, self._lineage, summary)
        self._state = state
        self._run = run
        self._summary = summary
        self._owners: Mapping[Report, Owner] = {}
        self._left: Counter[Series] = Counter()
        self._uncheckpointed: dict[Series, float] = {}
        self._unasked: set[Series] = set()
        self._columns = Columns(state)
        self._warned = Warned(state, summary)
        self.ended = 0

    def expect(self, dues: Iterable[Due], owned: Mapping[Report, Owner]) -> None:
        """Say what will come, so that a series can be merged as soon as all of it has come."""
        dues = list(dues)
        self._stored.expect(dues)
        self._judging.expect(dues)
        self._left = Counter({due.series: due.intervals for due in dues})
        self._owners = owned

    def commit(self, batch: Handover) -> None:
        """Make outcomes durable in one transaction, and merge the series that are complete.

        Raises StateError; then nothing of the batch is stored.
        """
        if batch.outcomes or batch.unasked:
            judged = map(self._judged, batch.outcomes)
            outcomes = [outcome for outcome in judged if outcome is not None]
            self._store(outcomes, batch.unasked)
            for outcome in outcomes:
                self._count(outcome)
        for due, error in batch.unasked:
            self._left[due.series] -= due.intervals
            self._fail(due.oldest, error, due.intervals)
        for due in batch.given_up:
            self._left[due.series] -= due.intervals
            self._summary.skipped.add(
                due.series.report.name,
                "waits for the next run after three failures in a row",
                str(due.oldest),
                due.intervals,
            )
        self.ended += batch.tasks
        now = monotonic()
        self._merge(
            series
            for series, since in self._uncheckpointed.items()
            if not self._left[series] or now - since > CHECKPOINT_SECONDS
        )

    def finish(self) -> None:
        """Merge all that is committed and not in its TSV yet."""
        self._merge(self._uncheckpointed)
        self._columns.warn()

    def _store(self, outcomes: Iterable[Outcome | Withheld], unasked: Iterable[Unasked]) -> None:
        attempts: list[Attempt] = []
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        withheld = [outcome for outcome in outcomes if isinstance(outcome, Withheld)]
        prepared = self._publisher.prepared(answers)
        now = utcnow()
        with self._state.transaction() as connection:
            for outcome in outcomes:
                series = outcome.task.series
                number = self._state.series_id(connection, series.tsv, series.report.name)
                attempts.append(self._attempt(number, outcome))
            for due, cause in unasked:
                series, task = due.series, due.oldest
                if series not in self._unasked:  # one line a series is enough
                    self._unasked.add(series)
                    number = self._state.series_id(connection, series.tsv, series.report.name)
                    why, error = task.reason.value, str(cause)
                    attempts.append(Attempt(number, task.start, why, 0.0, error=error))
            made = self._publisher.publish(connection, prepared, self._owners, now)
            self._judging.hold(connection, withheld, self._owners, now)
            self._note_successes(connection, outcomes)
            answered = [(one.series, one.start) for one in attempts if one.error is None]
            reruns.answered(connection, self._run, answered)
            history.note(connection, self._run, now, attempts)
        self._stored.published(answer.task for answer in answers)
        if log.isEnabledFor(logging.INFO):
            for answer, old in prepared.replaced:
                _log_changes(answer, old)
        for one in made:
            note_datapoints(self._summary, one.series.report, one.made)

    def _note_successes(
        self, connection: sqlite3.Connection, outcomes: Iterable[Outcome | Withheld]
    ) -> None:
        """Note which intervals had a result, of series that look back."""
        starts: dict[Series, list[str]] = {}
        for one in outcomes:
            if one.task.series.report.lookback and not isinstance(one, Failure):
                starts.setdefault(one.task.series, []).append(one.task.start)
        for series, some in starts.items():
            from reportupdater.execution import looking_back

            number = self._state.series_id(connection, series.tsv, series.report.name)
            looking_back.note(connection, number, series.report, some, self._now)

    def _attempt(self, number: int, outcome: Outcome | Withheld) -> Attempt:
        """Return what the history keeps of an outcome, given the number of its series."""
        task = outcome.task
        reason = task.reason.value
        if isinstance(outcome, Failure):
            return Attempt(
                number,
                task.start,
                reason,
                outcome.seconds,
                error=str(outcome.error),
                digest=self._lineage.digest(task.series.report),
                waits=not isinstance(outcome.error, ConnectionFailed),
            )
        answer = outcome.answer if isinstance(outcome, Withheld) else outcome
        return Attempt(number, task.start, reason, answer.seconds, rows=answer.rows)

    def _judged(self, outcome: Outcome) -> Outcome | Withheld | None:
        """Return an outcome as it is committed; None for what is left for later."""
        if isinstance(outcome, Failure):
            return outcome
        judged = self._judging.judged(self._columns.resolved(outcome))
        if judged is None:
            self._left[outcome.task.series] -= 1
            self._wait(outcome.task.series, str(outcome.task), 1)
        return judged

    @property
    def full(self) -> set[Series]:
        """The series of which enough is held: the rest waits."""
        return self._judging.full

    def leave(self, dues: Iterable[Due]) -> None:
        """Note what is not computed in this run, because enough of its series is held."""
        for due in dues:
            self._left[due.series] -= due.intervals
            self.ended += due.intervals
            self._wait(due.series, str(due.oldest), due.intervals)

    def _wait(self, series: Series, example: str, intervals: int) -> None:
        self._summary.skipped.add(
            series.report.name,
            f"waits until its held results are accepted or rejected:"
            f" {held.MOST_IN_A_ROW} in a row failed a check",
            example,
            intervals,
        )

    def _count(self, outcome: Outcome | Withheld) -> None:
        task = outcome.task
        self._left[task.series] -= 1
        if isinstance(outcome, Failure):
            self._fail(task, outcome.error)
            return
        if isinstance(outcome, Withheld):
            self._summary.held.add(
                task.series.report.name,
                f"{outcome.check}: {outcome.why}",
                str(task),
                kind=outcome.check,
            )
            return
        if outcome.warnings:
            self._warned.note(outcome)
        self._uncheckpointed.setdefault(task.series, monotonic())
        counts = self._summary.of(task.series.report.name, task.series.tsv)
        if outcome.rows:
            counts.done += 1
        else:
            counts.empty += 1
        log.debug("%s: %s", task, "done" if outcome.rows else "empty")

    def _fail(self, task: Task, error: ReportupdaterError, count: int = 1) -> None:
        """Count failures of which this is the first."""
        report = task.series.report.name
        self._summary.of(report, task.series.tsv).failed += count
        if self._summary.failed.add(
            report, str(error), str(task), count, values=task.series.values
        ):
            log.info("%s: %s", task, error)

    def _merge(self, due: Iterable[Series]) -> None:
        by_report: dict[str, list[str]] = {}
        for series in list(due):
            del self._uncheckpointed[series]
            by_report.setdefault(series.report.name, []).append(series.tsv)
        for report, paths in by_report.items():
            with self._stop.abandoning(_MERGE_SECONDS):
                merge(self._state, report, paths, self._summary, self._now)


def _log_changes(answer: Answer, old: Old) -> None:
    """Log which values a result has changed."""
    result = answer.result
    rows = dialect.parse(result.rows)
    found = changes(old.header, old.rows, result.header, rows)
    if found is None:
        log.info("%s: %s now, %s before", answer.task, count(len(rows), "row"), len(old.rows))
        return
    for change in found[:_MOST_CHANGES]:
        log.info("%s: %s", answer.task, change)
    if len(found) > _MOST_CHANGES:
        log.info("%s: and %d more values", answer.task, len(found) - _MOST_CHANGES)
