"""From a checked result, or from a TSV, to its datapoints."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

from reportupdater.errors import Problem, TsvError, told
from reportupdater.model import Report, Series
from reportupdater.observe.summary import Summary
from reportupdater.sinks.datapoints import Made, datapoints, made
from reportupdater.sinks.naming import Lookups, Naming
from reportupdater.store import files, outbox, tsv
from reportupdater.store.header import Header
from reportupdater.store.journal import Result
from reportupdater.store.state import State

log = logging.getLogger(__name__)


def result_points(series: Series, results: Iterable[Result], lookups: Lookups) -> list[Made]:
    """The datapoints of results of a series; none where its report has none. Never raises.

    Results are taken together: of most there is one row, and what is made of it is quickly made.
    """
    metrics = series.report.graphite
    if metrics is None:
        return []
    by_header: dict[Header, list[str]] = defaultdict(list)
    for result in results:
        by_header[result.header].append(result.rows)
    points: list[Made] = []
    try:
        for header, texts in by_header.items():
            naming = Naming(series, metrics, header, lookups)
            of_all = made(naming, tsv.parse("".join(texts)))
            if of_all.problems:  # one result's datapoints are withheld, and not the others'
                points += [made(naming, tsv.parse(text)) for text in texts]
            else:
                points.append(of_all)
    except Exception as error:  # whatever is wrong with them, the rows are stored
        log.exception("a bug met the datapoints of %s", series)
        bug = Problem(f"a bug of this program: {error!r}", metrics.where, report=series.report.name)
        return [Made([], (bug,))]
    return points


def stored_points(
    output: Path,
    series: Series,
    lookups: Lookups,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Made]:
    """The datapoints of what stands in a series' TSV, an interval at a time, as a run makes them.

    Only intervals that start in `[since, until)` count. Raises TsvError, OSError.
    """
    granularity = series.report.granularity
    first = granularity.ceiling(since) if since else None
    past = granularity.ceiling(until) if until else None
    content = tsv.read(files.inside(output, series.tsv), granularity)
    for number, rows in groupby(content.rows, key=lambda row: row.number):
        if (first is None or number >= first) and (past is None or number < past):
            yield datapoints(series, content.header, [row.cells for row in rows], lookups)


def owe(
    state: State, series: Series, destination: str, points: Iterable[Made], summary: Summary
) -> None:
    """Owe the datapoints of stored rows again, all of a series in one transaction."""
    try:
        with state.transaction() as connection:
            for made in points:
                outbox.put(connection, destination, made.points)
                note_datapoints(summary, series.report, made)
                summary.owed += len(made.points)
    except (TsvError, OSError) as error:
        summary.troubles.add(series.report.name, f"{series.tsv}: {told(error)}")


def note_datapoints(summary: Summary, report: Report, made: Made) -> None:
    """Count what was odd about datapoints."""
    summary.note_datapoints(
        report.name,
        problems=[str(problem) for problem in made.problems],
        warnings=made.warnings,
        nameless=made.nameless,
        no_numbers=made.no_numbers,
    )
