"""Make results durable: into the journal and the outbox, inside the transaction that commits them."""

from __future__ import annotations

import sqlite3
from calendar import timegm
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reportupdater.execution.keys import Keys
from reportupdater.execution.outcome import Answer
from reportupdater.execution.points import result_points
from reportupdater.execution.select import switched_off
from reportupdater.model import Project, Report, Series, SinkSettings, Task
from reportupdater.sinks.base import Made
from reportupdater.state import emptied, held, journal, outbox, owners, schema, unsent
from reportupdater.state.database import State
from reportupdater.state.journal import Result
from reportupdater.state.owners import Owner


class MadeOf(NamedTuple):
    """The datapoints of some results of a series for one sink."""

    series: Series
    sink: str
    destination: str
    made: Made


class Publisher:
    """Puts results where the TSVs and the sinks get them from."""

    def __init__(self, state: State, project: Project, sinks: Mapping[str, SinkSettings]) -> None:
        """`sinks` are those that datapoints are made for; each has a destination.

        For others, unless the settings keep them from getting anything, it is noted that they lack
        datapoints.
        """
        self._state = state
        self._sinks = sinks
        self._off = switched_off(project)
        self._keys = Keys(state, project)

    def made(self, answers: Iterable[Answer]) -> list[MadeOf]:
        """Return the datapoints of results; before the transaction, for whose end other runs wait."""
        by_series: dict[Series, list[Result]] = defaultdict(list)
        for answer in answers:
            by_series[answer.task.series].append(answer.result)
        return [
            MadeOf(series, name, str(settings.destination), made)
            for name, settings in self._sinks.items()
            for series, some in by_series.items()
            for made in result_points(series, some, name, settings)
        ]

    def publish(
        self,
        connection: sqlite3.Connection,
        answers: Sequence[Answer],
        made: Iterable[MadeOf],
        owned: Mapping[Report, Owner],
        empties: Collection[Answer] = (),
    ) -> list[MadeOf]:
        """Publish results and their datapoints, inside a transaction; return what was enqueued.

        `empties` are those that leave an interval without the values that sinks may have.
        """
        made = [
            one._replace(
                made=self._keys.claimed(connection, one.series, one.sink, one.destination, one.made)
            )
            for one in made
        ]
        withheld = {(one.series, one.sink) for one in made if one.made.problems}
        results: list[tuple[int, str, Result]] = []
        replaced: list[tuple[str, int, int]] = []
        put: list[tuple[int, str, Task]] = []
        lacking: list[tuple[int, str, str]] = []
        for answer in answers:
            task = answer.task
            series = task.series
            number = self._state.series_id(connection, series.tsv, series.report.name)
            results.append((number, series.tsv, answer.result))
            replaced.append((series.tsv, *_seconds(task)))
            for name in series.report.outputs:
                if name in self._sinks and (series, name) not in withheld:
                    put.append((number, name, task))
                elif answer.rows and name not in self._off:
                    lacking.append((number, name, answer.result.start))
        journal.add(connection, results)
        held.published(connection, [(number, result.start) for number, _, result in results])
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
        self._note_emptied(connection, answers, empties)
        for report in {answer.task.series.report for answer in answers}:
            owners.claim(connection, owned[report])
        return made

    def _note_emptied(
        self, connection: sqlite3.Connection, answers: Iterable[Answer], empties: Iterable[Answer]
    ) -> None:
        """Note the intervals that have lost their values, and those that have some again."""
        if not schema.is_empty(connection, "emptied"):
            valued = (answer for answer in answers if answer.rows)
            emptied.drop(connection, self._intervals(connection, valued))
        emptied.note(connection, self._intervals(connection, empties))

    def _intervals(
        self, connection: sqlite3.Connection, answers: Iterable[Answer]
    ) -> Iterator[tuple[int, str]]:
        for answer in answers:
            series = answer.task.series
            number = self._state.series_id(connection, series.tsv, series.report.name)
            yield number, answer.result.start


def _seconds(task: Task) -> tuple[int, int]:
    """Return when a task's interval starts and ends, in seconds since the epoch."""
    start, end = task.interval
    return timegm(start.timetuple()), timegm(end.timetuple())
