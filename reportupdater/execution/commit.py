"""The committer: the one place where results become durable.

Everything here runs in the thread that runs the pipeline; workers only hand over outcomes.
"""

from __future__ import annotations

import logging
from calendar import timegm
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import NamedTuple

from reportupdater.errors import ConnectionFailed, ReportupdaterError
from reportupdater.execution.checkpoint import merge
from reportupdater.execution.clock import utcnow
from reportupdater.execution.columns import Columns
from reportupdater.execution.digest import query_digest
from reportupdater.execution.outcome import Answer, Failure, Handover, Outcome, Unasked
from reportupdater.execution.points import note_datapoints, result_points
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.execution.warned import Warned
from reportupdater.model import Report, Series, SinkSettings, Task
from reportupdater.planning.due import Due
from reportupdater.sinks.base import Made
from reportupdater.state import history, journal, outbox, owners, reruns, schema, unsent
from reportupdater.state.database import State
from reportupdater.state.history import Attempt
from reportupdater.state.journal import Result
from reportupdater.state.owners import Owner

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0
"""A series that takes longer is merged into its TSV that often while it goes on."""

_MERGE_SECONDS = 8.0
"""Of the ten within which an interrupted run ends. What is not merged then stays in the journal."""


class _Made(NamedTuple):
    """The datapoints of some results of a series for one sink."""

    series: Series
    sink: str
    destination: str
    made: Made


def _seconds(task: Task) -> tuple[int, int]:
    """Return when a task's interval starts and ends, in seconds since the epoch."""
    start, end = task.interval
    return timegm(start.timetuple()), timegm(end.timetuple())


class Committer:
    """Commits outcomes, merges what is committed into the TSVs, and counts for the summary."""

    def __init__(
        self,
        state: State,
        run: int,
        summary: Summary,
        sinks: Mapping[str, SinkSettings],
        off: Collection[str],
        stop: Stop,
        now: datetime,
    ) -> None:
        """`sinks` are those that datapoints are made for; each has a destination.

        For sinks that are neither these nor `off` it is noted that they lack datapoints. `now` is
        the moment that is planned for.
        """
        self._stop = stop
        self._now = now
        self._sinks = sinks
        self._off = off
        self._state = state
        self._run = run
        self._summary = summary
        self._owners: Mapping[Report, Owner] = {}
        self._left: Counter[Series] = Counter()
        self._uncheckpointed: dict[Series, float] = {}
        self._unasked: set[Series] = set()
        self._columns = Columns(state)
        self._digests: dict[Report, str] = {}
        self._warned = Warned(state, summary)
        self.ended = 0

    def expect(self, dues: Iterable[Due], owned: Mapping[Report, Owner]) -> None:
        """Say what will come, so that a series can be merged as soon as all of it has come."""
        self._left = Counter({due.series: due.intervals for due in dues})
        self._owners = owned

    def commit(self, batch: Handover) -> None:
        """Make outcomes durable in one transaction, and merge the series that are complete.

        Raises StateError; then nothing of the batch is stored.
        """
        if batch.outcomes or batch.unasked:
            outcomes = [
                self._columns.resolved(outcome) if isinstance(outcome, Answer) else outcome
                for outcome in batch.outcomes
            ]
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

    def _store(self, outcomes: Iterable[Outcome], unasked: Iterable[Unasked]) -> None:
        results: list[tuple[int, str, Result]] = []
        by_series: dict[Series, list[Result]] = defaultdict(list)
        attempts: list[Attempt] = []
        replaced: list[tuple[str, int, int]] = []
        lacking: list[tuple[int, str, str]] = []
        for outcome in outcomes:
            if isinstance(outcome, Answer):
                by_series[outcome.task.series].append(outcome.result)
        made = self._made(by_series)  # before the transaction, for whose end other runs wait
        withheld = {(one.series, one.sink) for one in made if one.made.problems}
        put: list[tuple[int, str, Task]] = []
        with self._state.transaction() as connection:
            for outcome in outcomes:
                task = outcome.task
                series = task.series
                number = self._state.series_id(connection, series.tsv, series.report.name)
                why, seconds = task.reason.value, outcome.seconds
                if isinstance(outcome, Answer):
                    start = outcome.result.start
                    attempts.append(Attempt(number, start, why, seconds, rows=outcome.rows))
                    results.append((number, series.tsv, outcome.result))
                    replaced.append((series.tsv, *_seconds(task)))
                    for name in series.report.outputs:
                        if name in self._sinks and (series, name) not in withheld:
                            put.append((number, name, task))
                        elif outcome.rows and name not in self._off:
                            lacking.append((number, name, start))
                else:
                    attempts.append(
                        Attempt(
                            number,
                            task.start,
                            why,
                            seconds,
                            error=str(outcome.error),
                            digest=self._digest(series.report),
                            waits=not isinstance(outcome.error, ConnectionFailed),
                        )
                    )
            for due, cause in unasked:
                series, task = due.series, due.oldest
                if series not in self._unasked:  # one line a series is enough
                    self._unasked.add(series)
                    number = self._state.series_id(connection, series.tsv, series.report.name)
                    why, error = task.reason.value, str(cause)
                    attempts.append(Attempt(number, task.start, why, 0.0, error=error))
            journal.add(connection, results)
            reruns.answered(
                connection, self._run, [(number, result.start) for number, _, result in results]
            )
            # What is pending of these intervals is known to be wrong, wherever it was to go.
            before = None if schema.is_empty(connection, "outbox") else outbox.version(connection)
            for one in made:
                outbox.put(connection, one.destination, one.series.tsv, one.made.points)
            if before is not None:
                outbox.drop_replaced(connection, replaced, before)
            if not schema.is_empty(connection, "unsent"):
                for number, name, task in put:
                    unsent.put(connection, number, name, task.start, task.end)
            unsent.note(connection, lacking)
            for report in {series.report for series in by_series}:
                owners.claim(connection, self._owners[report])
            history.note(connection, self._run, utcnow(), attempts)
        for one in made:
            note_datapoints(self._summary, one.series.report, one.made)

    def _digest(self, report: Report) -> str:
        found = self._digests.get(report)
        if found is None:
            found = self._digests[report] = query_digest(report)
        return found

    def _made(self, results: Mapping[Series, Sequence[Result]]) -> list[_Made]:
        """Return the datapoints of results for each sink."""
        return [
            _Made(series, name, str(settings.destination), made)
            for name, settings in self._sinks.items()
            for series, some in results.items()
            for made in result_points(series, some, name, settings)
        ]

    def _count(self, outcome: Outcome) -> None:
        task = outcome.task
        self._left[task.series] -= 1
        if isinstance(outcome, Failure):
            self._fail(task, outcome.error)
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
