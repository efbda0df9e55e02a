"""The committer: the one place where results become durable.

Everything here runs in the thread that runs the pipeline; workers only hand over outcomes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from time import monotonic

from reportupdater.errors import ReportupdaterError, StateError, TsvError
from reportupdater.execution.outcome import Answer, Failure, Outcome
from reportupdater.execution.work import Handover
from reportupdater.model import Report, Series, Task
from reportupdater.observe.summary import Summary
from reportupdater.sinks.datapoints import Made
from reportupdater.store import journal, ledger, marks, outbox, owners, tsv
from reportupdater.store.journal import Result
from reportupdater.store.locks import Locks
from reportupdater.store.owners import Owner
from reportupdater.store.state import State

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0
"""A series that takes longer is merged into its TSV that often while it goes on."""


def utcnow() -> datetime:
    """The machine's clock: the ledger and the locks tell when something happened."""
    return datetime.now(UTC).replace(tzinfo=None)


class Committer:
    """Commits outcomes, merges what is committed into the TSVs, and counts for the summary."""

    def __init__(
        self, state: State, run: int, summary: Summary, destination: str | None = None
    ) -> None:
        """`destination` is owed the datapoints of results that have any."""
        self._destination = destination
        self._state = state
        self._run = run
        self._summary = summary
        self._owners: Mapping[Report, Owner] = {}
        self._left: Counter[Series] = Counter()
        self._uncheckpointed: dict[Series, float] = {}
        self._unasked: set[Series] = set()
        self.ended = 0

    def merge_leftovers(self, locks: Locks) -> None:
        """Merge what earlier runs committed, whatever has become of their projects since."""
        for report in journal.reports(self._state):
            held = locks.holds(report)
            if held or locks.take(report, utcnow()):
                self._checkpoint(report, list(journal.waiting(self._state, report)))
                if not held:
                    locks.release(report)

    def expect(self, tasks: Iterable[Task], owned: Mapping[Report, Owner]) -> None:
        """Say what will come, so that a series can be merged as soon as all of it has come."""
        self._left = Counter(task.series for task in tasks)
        self._owners = owned

    def commit(self, batch: Handover) -> None:
        """Make outcomes durable in one transaction, and merge the series that are complete.

        Raises StateError; then nothing of the batch is stored.
        """
        if batch.outcomes:
            self._store(batch.outcomes)
            for outcome in batch.outcomes:
                self._count(outcome)
        for task in batch.given_up:
            self._left[task.series] -= 1
            self._summary.skipped.add(
                task.series.report.name,
                "waits for the next run after three failures in a row",
                str(task),
            )
        self.ended += len(batch.outcomes) + len(batch.given_up)
        now = monotonic()
        self._merge(
            series
            for series, since in self._uncheckpointed.items()
            if not self._left[series] or now - since > CHECKPOINT_SECONDS
        )

    def finish(self) -> None:
        """Merge all that is committed and not in its TSV yet."""
        self._merge(self._uncheckpointed)

    def _store(self, outcomes: Iterable[Outcome]) -> None:
        at = utcnow()
        claimed: set[Report] = set()
        with self._state.transaction() as connection:
            for outcome in outcomes:
                task = outcome.task
                report = task.series.report
                number = self._state.series_id(connection, task.series.tsv, report.name)
                rows: int | None = None
                error: str | None = None
                if isinstance(outcome, Answer):
                    rows = 0 if outcome.result.empty else len(outcome.result.rows)
                    journal.add(connection, number, _result(outcome))
                    marks.answered(connection, number, task.start)
                    if outcome.made and self._destination:
                        outbox.put(connection, self._destination, outcome.made.points)
                    if report not in claimed:
                        claimed.add(report)
                        owners.claim(connection, self._owners[report])
                else:
                    error = str(outcome.error)
                    if not outcome.asked:
                        if task.series in self._unasked:
                            continue  # one line a series tells it all
                        self._unasked.add(task.series)
                ledger.note(
                    connection,
                    run=self._run,
                    series=number,
                    start=task.start,
                    at=at,
                    reason=task.reason.value,
                    seconds=outcome.seconds,
                    rows=rows,
                    error=error,
                )

    def _count(self, outcome: Outcome) -> None:
        task = outcome.task
        self._left[task.series] -= 1
        if isinstance(outcome, Failure):
            name = task.series.report.name
            if self._summary.failed.add(name, str(outcome.error), str(task)):
                log.info("%s: %s", task, outcome.error)
            return
        self._uncheckpointed.setdefault(task.series, monotonic())
        if outcome.made:
            note_datapoints(self._summary, task.series.report, outcome.made)
        if outcome.result.empty:
            self._summary.empty += 1
        else:
            self._summary.done += 1
        log.debug("%s: %s", task, "empty" if outcome.result.empty else "done")

    def owe(self, series: Series, destination: str, points: Iterable[Made]) -> None:
        """Owe the datapoints of stored rows again, all of a series in one transaction."""
        try:
            with self._state.transaction() as connection:
                for made in points:
                    outbox.put(connection, destination, made.points)
                    note_datapoints(self._summary, series.report, made)
                    self._summary.owed += len(made.points)
        except (TsvError, OSError) as error:
            self._summary.troubles.add(series.report.name, f"{series.tsv}: {told(error)}")

    def _merge(self, due: Iterable[Series]) -> None:
        by_report: dict[str, list[str]] = {}
        for series in list(due):
            del self._uncheckpointed[series]
            by_report.setdefault(series.report.name, []).append(series.tsv)
        for report, paths in by_report.items():
            self._checkpoint(report, paths)

    def _checkpoint(self, report: str, paths: Iterable[str]) -> None:
        merged = []
        for path in paths:
            try:
                merged.append((path, journal.checkpoint(self._state, path)))
            except StateError:
                raise
            except (ReportupdaterError, OSError) as error:
                # What cannot be merged stays in the journal, counts as done, and is tried again
                # by every run.
                self._summary.troubles.add(
                    report,
                    f"{path} cannot be written: {told(error)}; what was computed is kept, and written"
                    " by the first run that can",
                )
        if merged:
            journal.forget(self._state, merged)


def _result(answer: Answer) -> Result:
    report = answer.task.series.report
    return Result(
        start=answer.task.start,
        granularity=report.granularity,
        header=answer.result.header,
        rows=tsv.lines(answer.result.rows),
        group=report.group,
        max_data_points=report.max_data_points,
    )


def note_datapoints(summary: Summary, report: Report, made: Made) -> None:
    """Count what was odd about datapoints."""
    summary.note_datapoints(
        report.name,
        problems=[str(problem) for problem in made.problems],
        warnings=made.warnings,
        nameless=made.nameless,
        no_numbers=made.no_numbers,
    )


def told(error: Exception) -> str:
    """An error in the words that follow the name of what it is about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
