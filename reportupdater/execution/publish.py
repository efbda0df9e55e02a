"""Make results durable: into the journal and the outbox, inside the transaction that commits them."""

from __future__ import annotations

import sqlite3
from calendar import timegm
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from reportupdater.execution.keys import Keys
from reportupdater.execution.lineage import Lineage
from reportupdater.execution.outcome import Answer
from reportupdater.execution.points import EMPTY, point_names, result_points
from reportupdater.execution.revisions import PLAIN, Manner
from reportupdater.execution.select import switched_off
from reportupdater.execution.stored import Old
from reportupdater.model import Datapoint, Project, Report, Series, SinkSettings, Task
from reportupdater.sinks.base import Made
from reportupdater.sinks.registry import definition
from reportupdater.state import emptied, held, journal, numbers, outbox, owners, schema, unsent
from reportupdater.state.database import State
from reportupdater.state.emptied import Change, Place
from reportupdater.state.journal import Result
from reportupdater.state.owners import Owner
from reportupdater.tsv import dialect


class MadeOf(NamedTuple):
    """The datapoints of some results of a series for one sink."""

    series: Series
    sink: str
    destination: str
    made: Made


class Prepared(NamedTuple):
    """What becomes of results beside their rows."""

    answers: Sequence[Answer]
    fresh: Sequence[Answer]
    """Those that do not hold what is stored already."""
    replaced: Sequence[tuple[Answer, Old]]
    made: Sequence[MadeOf]
    changes: Mapping[tuple[Series, str, str], Change]
    """Series, start of an interval, sink → what happens to its datapoints there."""
    unsent: Sequence[MadeOf]
    """What sinks are not sent by this run, whose values need numbers all the same."""


class Publisher:
    """Puts results where the TSVs and the sinks get them from."""

    def __init__(
        self,
        state: State,
        project: Project,
        sinks: Mapping[str, SinkSettings],
        lineage: Lineage,
        manner: Manner = PLAIN,
    ) -> None:
        """`sinks` are those that datapoints are made for; each has a destination.

        For others, unless the settings keep them from getting anything, it is noted that they lack
        datapoints.
        """
        self._state = state
        self._lineage = lineage
        self._sinks = sinks
        self._settings = {
            name: settings
            for name, settings in project.sinks.items()
            if settings.destination is not None and settings.enabled is not False
        }
        self._off = switched_off(project)
        self._keys = Keys(state, project, manner)

    def prepared(self, answers: Sequence[Answer]) -> Prepared:
        """Return what results bring; before the transaction, for whose end other runs wait."""
        fresh = [answer for answer in answers if not answer.is_same]
        replaced = self._lineage.replaced(fresh)
        changes = dict(self._changes(fresh, replaced))
        made = self._made(fresh, self._sinks)
        made += self._emptying(changes)
        return Prepared(answers, fresh, replaced, made, changes, self._unsent(replaced))

    def _emptying(self, changes: Mapping[tuple[Series, str, str], Change]) -> Iterator[MadeOf]:
        """Yield what takes values away, of sinks that can be given that."""
        for (series, _, name), change in changes.items():
            if change.lost and name in self._sinks and _numbers(name):
                points = [Datapoint(key, EMPTY, at) for key, at in sorted(change.lost)]
                yield MadeOf(series, name, str(self._settings[name].destination), Made(points))

    def _unsent(self, replaced: Iterable[tuple[Answer, Old]]) -> list[MadeOf]:
        """Return what sinks that number revisions are not sent now: its numbers are reserved."""
        others = {
            name: settings
            for name, settings in self._settings.items()
            if name not in self._sinks and _numbers(name)
        }
        return self._made([answer for answer, _ in replaced], others)

    def _made(self, answers: Iterable[Answer], sinks: Mapping[str, SinkSettings]) -> list[MadeOf]:
        by_series: dict[Series, list[Result]] = defaultdict(list)
        for answer in answers:
            by_series[answer.task.series].append(answer.result)
        return [
            MadeOf(series, name, str(settings.destination), made)
            for name, settings in sinks.items()
            for series, some in by_series.items()
            for made in result_points(series, some, name, settings)
        ]

    def publish(
        self,
        connection: sqlite3.Connection,
        prepared: Prepared,
        owned: Mapping[Report, Owner],
        now: datetime,
    ) -> list[MadeOf]:
        """Publish results and their datapoints, inside a transaction; return what was enqueued."""
        answers = prepared.fresh
        made = [
            one._replace(
                made=self._keys.claimed(connection, one.series, one.sink, one.destination, one.made)
            )
            for one in prepared.made
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
        held.published(connection, list(self._intervals(connection, prepared.answers)))
        # What is pending of these intervals is known to be wrong, wherever it was to go.
        before = None if schema.is_empty(connection, "outbox") else outbox.version(connection)
        for one in prepared.unsent:
            numbers.number(connection, one.destination, one.made.points, new_from=None)
        for one in made:
            outbox.put(connection, one.destination, one.series.tsv, one.made.points)
        if before is not None:
            outbox.drop_replaced(connection, replaced, before)
        if not schema.is_empty(connection, "unsent"):
            for number, name, task in put:
                unsent.put(connection, number, name, task.start, task.end)
        unsent.note(connection, lacking)
        emptied.note(
            connection,
            {
                Place(
                    self._state.series_id(connection, one.tsv, one.report.name), start, name
                ): change
                for (one, start, name), change in prepared.changes.items()
            },
        )
        self._lineage.note(connection, prepared.answers, prepared.replaced, now)
        for report in {answer.task.series.report for answer in prepared.answers}:
            owners.claim(connection, owned[report])
        return made

    def _intervals(
        self, connection: sqlite3.Connection, answers: Iterable[Answer]
    ) -> Iterator[tuple[int, str]]:
        for answer in answers:
            series = answer.task.series
            number = self._state.series_id(connection, series.tsv, series.report.name)
            yield number, answer.result.start

    def _changes(
        self, answers: Iterable[Answer], replaced: Iterable[tuple[Answer, Old]]
    ) -> Iterator[tuple[tuple[Series, str, str], Change]]:
        """Yield which datapoints the rows of intervals give no more, and which they give."""
        with self._state.reading() as connection:
            noted = emptied.intervals(connection)
        former = {(answer.task.series, answer.result.start): old for answer, old in replaced}
        for answer in answers:
            series, start = answer.task.series, answer.result.start
            old = former.get((series, start))
            if old is not None or (series.tsv, start) in noted:
                for name in self._settings.keys() & series.report.outputs.keys():
                    yield (series, start, name), self._change(answer, old, name)

    def _change(self, answer: Answer, old: Old | None, name: str) -> Change:
        """Return what a result does to the datapoints of its interval."""
        series, settings = answer.task.series, self._settings[name]
        given = point_names(series, answer.result, name, settings)
        if old is None:
            return Change((), given)
        before = answer.result._replace(header=old.header, rows=dialect.lines(old.rows))
        lost = point_names(series, before, name, settings) - given if old.rows else set()
        return Change(lost, given, is_unknown=not (old.rows or given))  # deleted by hand


def _numbers(sink: str) -> bool:
    """Return whether a sink needs numbers of revisions."""
    return definition(sink).LAST_REVISION is not None


def _seconds(task: Task) -> tuple[int, int]:
    """Return when a task's interval starts and ends, in seconds since the epoch."""
    start, end = task.interval
    return timegm(start.timetuple()), timegm(end.timetuple())
