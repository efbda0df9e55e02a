"""From results, or from a TSV, to their datapoints."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from reportupdater.errors import Problem, TsvError, error_text
from reportupdater.execution.keys import Keys
from reportupdater.execution.summary import Summary
from reportupdater.model import Datapoint, Report, Series, SinkSettings
from reportupdater.sinks.base import Made
from reportupdater.sinks.registry import definition
from reportupdater.state import emptied, outbox, schema, unsent
from reportupdater.state.database import State
from reportupdater.state.emptied import Point
from reportupdater.state.journal import Result
from reportupdater.tsv import dialect, files
from reportupdater.tsv.rows import Entry, merged, read

log = logging.getLogger(__name__)

_CURE = "once that is fixed, `reportupdater resend` sends them"
EMPTY = "NaN"
"""The value of a datapoint that is there no more, for sinks that number revisions."""
_MOST_WARNINGS = 50  # odd values of a column could be thousands
_TOGETHER = 1 << 16
"""Characters of results whose datapoints are made together."""


def result_points(
    series: Series, results: Sequence[Result], name: str, settings: SinkSettings
) -> list[Made]:
    """Return the datapoints of results of a series for one sink; none where its report has none.

    Never raises.
    """
    if name not in series.report.outputs:
        return []
    return [made for some in _together(results) for made in _made(series, some, name, settings)]


def _together(results: Iterable[Result]) -> Iterator[list[Result]]:
    """Yield results that follow each other, have one header, and are small: mostly they have one row."""
    some: list[Result] = []
    size = 0
    for result in results:
        size += len(result.rows)
        if some and (size > _TOGETHER or result.header != some[0].header):
            yield some
            some, size = [], len(result.rows)
        some.append(result)
    if some:
        yield some


def _made(series: Series, results: list[Result], name: str, settings: SinkSettings) -> list[Made]:
    try:
        rows = dialect.parse("".join([result.rows for result in results]))
        of_all = definition(name).points(series, settings, results[0].header, rows)
        if not of_all.problems or len(results) == 1:
            return [of_all]
    except Exception as error:  # whatever is wrong with datapoints, the rows are stored
        if len(results) == 1:
            log.exception("a bug met the datapoints of %s, %s", series, results[0].start)
            what = f"a bug of this program: {error!r}"
            return [
                Made(
                    [],
                    (
                        Problem(
                            what, definition(name).where(series.report), report=series.report.name
                        ),
                    ),
                )
            ]
    # What is wrong with one result withholds no others.
    return [one for result in results for one in _made(series, [result], name, settings)]


def point_names(series: Series, result: Result, name: str, settings: SinkSettings) -> set[Point]:
    """Return the keys and moments of the datapoints of a result for one sink. Never raises."""
    made = result_points(series, [result], name, settings)
    return {(point.key, point.timestamp) for one in made for point in one.points}


def stored_points(
    output: Path,
    series: Series,
    name: str,
    settings: SinkSettings,
    since: datetime | None = None,
    until: datetime | None = None,
    entries: Sequence[Entry] = (),
) -> Iterator[Made]:
    """Return the datapoints of the rows in a series' TSV, an interval at a time, as a run makes them.

    `entries` are results that are not in it yet, which count instead of what it has.

    Only intervals that start in `[since, until)` count. Raises TsvError, OSError.
    """
    granularity = series.report.granularity
    first = granularity.ceiling(since) if since else None
    past = granularity.ceiling(until) if until else None
    content = read(files.place(files.opened(output), series.tsv), granularity)
    if entries:
        content = merged(content, entries)
    for number, rows in groupby(content.rows, key=lambda row: row.number):
        if (first is None or number >= first) and (past is None or number < past):
            cells = [row.cells for row in rows]
            yield definition(name).points(series, settings, content.header, cells)


def enqueue(
    state: State,
    series: Series,
    destination: str,
    points: Iterable[Made],
    summary: Summary,
    *,
    sink: str,
    keys: Keys,
    are_all: bool,
    since: datetime | None = None,
    until: datetime | None = None,
) -> None:
    """Enqueue the datapoints of stored rows again, all of a series in one transaction.

    Where they `are_all` that the rows of intervals that start in `[since, until)` give for the sink,
    it lacks them no more.
    """
    try:
        read = list(points)  # before the transaction, for whose end other runs wait
    except (TsvError, OSError) as error:
        what = f"{series.tsv}: {error_text(error)}"
        summary.troubles.add(series.report.name, what)
        return
    with state.transaction() as connection:
        if definition(sink).LAST_REVISION is not None:
            read.append(Made(emptied_points(state, connection, series, sink, read)))
        read = [keys.claimed(connection, series, sink, destination, made) for made in read]
        for made in read:
            outbox.put(connection, destination, series.tsv, made.points)
        if not schema.is_empty(connection, "emptied"):
            number = state.series_id(connection, series.tsv, series.report.name)
            names = {
                (point.key, point.timestamp)
                for made in read
                for point in made.points
                if point.value != EMPTY
            }
            emptied.given(connection, number, sink, names)
        if (
            are_all
            and not schema.is_empty(connection, "unsent")
            and not any(made.problems for made in read)
        ):
            number = state.series_id(connection, series.tsv, series.report.name)
            label = series.report.granularity.label
            unsent.put(
                connection,
                number,
                sink,
                label(since) if since else None,
                label(until) if until else None,
            )
    for made in read:
        note_datapoints(summary, series.report, made)
        summary.enqueued += len(made.points)


def emptied_points(
    state: State, connection: sqlite3.Connection, series: Series, sink: str, given: Iterable[Made]
) -> list[Datapoint]:
    """Return what empties the datapoints that the rows of a series gave once and give no more."""
    if schema.is_empty(connection, "emptied"):  # as nearly always
        return []
    number = state.series_id(connection, series.tsv, series.report.name)
    names = {(point.key, point.timestamp) for made in given for point in made.points}
    lost = emptied.points(connection, number, sink) - names
    return [Datapoint(key, EMPTY, at) for key, at in sorted(lost)]


def note_datapoints(summary: Summary, report: Report, made: Made) -> None:
    """Count what was odd about datapoints, and log each odd value of a column once."""
    for problem in made.problems:
        summary.troubles.add(report.name, f"datapoints were not sent: {problem}; {_CURE}")
    for about, warning in made.warnings.items():
        if about not in summary.warned_of and len(summary.warned_of) < _MOST_WARNINGS:
            summary.warned_of.add(about)
            log.warning("%s", warning)
    if made.nameless:
        what = "rows lack a value that their series key needs"
        summary.not_sent.add(report.name, what, count=made.nameless)
    if made.no_numbers:
        what = "values that are no finite numbers"
        summary.not_sent.add(report.name, what, count=made.no_numbers)
    if made.too_old:
        what = "values older than `max_age` (`export` writes them to a file)"
        summary.not_sent.add(report.name, what, count=made.too_old)
