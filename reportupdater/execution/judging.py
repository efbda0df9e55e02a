"""Which results are published and which are held, in the committing thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from reportupdater.execution.checking import Checking
from reportupdater.execution.lineage import Lineage
from reportupdater.execution.outcome import Answer, Withheld
from reportupdater.execution.stored import Stored
from reportupdater.execution.summary import Summary
from reportupdater.model import Report, Series, Task
from reportupdater.planning.due import Due
from reportupdater.state import held, history, owners, unsent
from reportupdater.state.database import State
from reportupdater.state.held import Held
from reportupdater.state.owners import Owner
from reportupdater.tsv import dialect
from reportupdater.tsv.equal import same


class Judging:
    """Runs the checks over results, and counts how many of a series are held in a row."""

    def __init__(self, state: State, stored: Stored, lineage: Lineage, summary: Summary) -> None:
        self._state = state
        self._stored = stored
        self._lineage = lineage
        self._summary = summary
        self._checking = Checking(state, stored)
        self._in_a_row: dict[Series, int] = {}
        self.full: set[Series] = set()
        """The series of which enough is held: the rest waits."""

    def expect(self, dues: Iterable[Due]) -> None:
        """Say what will come."""
        self._checking.expect(dues)

    def judged(self, answer: Answer) -> Answer | Withheld | None:
        """Return a result as it is published, or withheld with the check that it fails.

        None where enough of its series is held already: then it is left for later.
        """
        task = answer.task
        verdicts = list(self._checking.verdicts(answer))
        holds = [one for one in verdicts if one.action == "hold"]
        if holds:
            if not self._has_room(task):
                return None
            check = holds[0].check
            why = "; ".join(one.why for one in holds if one.check == check)
            return Withheld(answer, check, why)
        answer = self._as_stored(self._checking.fitted(answer))
        self._checking.published([answer])
        self._in_a_row[task.series] = 0
        for one in verdicts:
            self._summary.warnings.add(task.series.report.name, one.why, str(task), kind=one.check)
        return answer

    def hold(
        self,
        connection: sqlite3.Connection,
        withheld: Sequence[Withheld],
        owned: Mapping[Report, Owner],
        now: datetime,
    ) -> None:
        """Keep results that failed a check, inside a transaction."""
        some = []
        counts: dict[int, tuple[int, str]] = {}
        for one in withheld:
            series, result = one.task.series, one.answer.result
            held_result = Held(
                series.report.name,
                series.tsv,
                result.start,
                one.check,
                one.why,
                self._lineage.digest(series.report),
                "",
            )
            number = self._state.series_id(connection, series.tsv, series.report.name)
            some.append((number, held_result, result))
            owners.claim(connection, owned[series.report])
            if self._in_a_row[series]:
                counts[number] = self._in_a_row[series], held_result.digest
        held.hold(connection, some, history.stamp(now))
        held.count(connection, [(number, *times) for number, times in counts.items()])

    def _as_stored(self, answer: Answer) -> Answer:
        """Return the answer, marked where it holds what is stored already, and sinks do not lack it."""
        old = self._stored.old(answer.task)
        if not old.rows:
            return answer
        with self._state.reading() as connection:
            if unsent.lacks(connection, answer.task.series.tsv):
                return answer
        result = answer.result
        is_same = same(old.header, old.rows, result.header, dialect.parse(result.rows))
        return answer._replace(is_same=is_same)

    def _has_room(self, task: Task) -> bool:
        """Return whether a result may be held; with the last for which there is room, its series is full."""
        series = task.series
        with self._state.reading() as connection:
            before = self._in_a_row.get(series)
            if before is None:
                before = held.in_a_row(connection, series.tsv, self._lineage.digest(series.report))
            if before >= held.MOST_IN_A_ROW and not held.is_held(
                connection, series.tsv, task.start
            ):
                self.full.add(series)
                return False
        self._in_a_row[series] = before + 1
        if before + 1 >= held.MOST_IN_A_ROW:
            self.full.add(series)
        return True
