"""Which query gave which result, and what a result replaces: noted in the transaction that commits it."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from reportupdater.execution.digest import query_digest
from reportupdater.execution.outcome import Answer
from reportupdater.execution.stored import Old, Stored
from reportupdater.intervals import Coverage
from reportupdater.model import Reason, Report, Series, Task
from reportupdater.state import computed, renamed, revisions
from reportupdater.state.computed import Parts, Query
from reportupdater.state.database import State
from reportupdater.state.history import stamp
from reportupdater.state.revisions import Replaced

ACCEPTED = "accepted"
"""The reason of a revision that no run gave."""


class Lineage:
    """Notes of results which query gave them, and keeps the rows that they replace."""

    def __init__(self, state: State, stored: Stored, run: int | None) -> None:
        """`run` is the number of the run; None where held results are accepted."""
        self._state = state
        self._stored = stored
        self._run = run
        self._parts: dict[Series, Parts] = {}
        self._digests: dict[Report, str] = {}

    def digest(self, report: Report) -> str:
        """Return the digest of a report's query; looked at once."""
        found = self._digests.get(report)
        if found is None:
            found = self._digests[report] = query_digest(report)
        return found

    def was_computed(self, task: Task) -> bool:
        """Return whether a result of a task's interval was published before."""
        return self._former(task) is not None

    def _former(self, task: Task) -> Query | None:
        """Return the query that gave what is stored of a task's interval, where that is known."""
        granularity = task.series.report.granularity
        number = granularity.number(task.interval.start)
        for query, part in self._of(task.series).items():
            if query.granularity is granularity and number in part.intervals:
                return query
        return None

    def replaced(self, answers: Iterable[Answer]) -> list[tuple[Answer, Old]]:
        """Return the results that change what was published, each with the rows that it replaces.

        To be called before the transaction.
        """
        found = []
        for answer in answers:
            if not answer.is_same:
                old = self._stored.old(answer.task)
                is_missing = answer.task.reason is Reason.MISSING
                if old.rows or (is_missing and self.was_computed(answer.task)):
                    found.append((answer, old))
        return found

    def note(
        self,
        connection: sqlite3.Connection,
        answers: Iterable[Answer],
        replaced: Sequence[tuple[Answer, Old]],
        now: datetime,
    ) -> None:
        """Note it, inside the transaction that stores the results."""
        if replaced:
            rows = [self._replaced(connection, answer, old, now) for answer, old in replaced]
            revisions.note(connection, rows, stamp(now))
        by_series: defaultdict[Series, list[Answer]] = defaultdict(list)
        for answer in answers:
            by_series[answer.task.series].append(answer)
        for series, some in by_series.items():
            self._note_queries(connection, series, some)

    def _note_queries(
        self, connection: sqlite3.Connection, series: Series, answers: Iterable[Answer]
    ) -> None:
        before = self._of(series)
        after = dict(before)
        granularity = series.report.granularity
        for query, some in self._by_query(answers).items():
            numbers = Coverage.of(sorted(granularity.number(a.task.interval.start) for a in some))
            header = next((a.result.header for a in reversed(some) if a.rows), ())
            after = computed.given_to(after, query, numbers, header)
        after = _kept(after, series.report.max_data_points)
        number = self._id(connection, series)
        changed = [one for one in after.items() if before.get(one[0]) != one[1]]
        computed.write(connection, number, changed)
        self._parts[series] = {query: part for query, part in after.items() if part.intervals}
        if len(before) > 1 or len(after) > 1:
            present = Query(self.digest(series.report), series.report.granularity)
            gone = computed.gone(self._parts[series], present)
            # What a script's pivot has depends on what there is to pivot.
            renamed.note(connection, number, gone if series.report.template is not None else [])

    def _by_query(self, answers: Iterable[Answer]) -> Mapping[Query, list[Answer]]:
        found: defaultdict[Query, list[Answer]] = defaultdict(list)
        for answer in answers:
            found[self._query(answer)].append(answer)
        return found

    def _query(self, answer: Answer) -> Query:
        report = answer.task.series.report
        return Query(answer.digest or self.digest(report), report.granularity)

    def _replaced(
        self, connection: sqlite3.Connection, answer: Answer, old: Old, now: datetime
    ) -> Replaced:
        report = answer.task.series.report
        former = self._former(answer.task)
        return Replaced(
            self._id(connection, answer.task.series),
            answer.result.start,
            old.header,
            old.rows,
            ACCEPTED if self._run is None else answer.task.reason.value,
            self._run,
            computed.query_id(connection, self._query(answer)),
            None if former is None else computed.query_id(connection, former),
            stamp(now + report.keep_revisions),
        )

    def _id(self, connection: sqlite3.Connection, series: Series) -> int:
        return self._state.series_id(connection, series.tsv, series.report.name)

    def _of(self, series: Series) -> Parts:
        found = self._parts.get(series)
        if found is None:
            with self._state.reading() as connection:
                found = self._parts[series] = computed.of_series(connection, series.tsv)
        return found


def _kept(parts: Parts, most: int | None) -> Parts:
    """Return the queries of a series without the intervals that its TSV does not keep."""
    newest = max((part.intervals.newest or 0 for part in parts.values()), default=0)
    if most is None or not newest:
        return parts
    kept = range(newest - most + 1, newest + 1)
    return {
        query: part._replace(intervals=part.intervals.within(kept)) for query, part in parts.items()
    }
