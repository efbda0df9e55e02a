"""From a checked result, or from a TSV, to its datapoints."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

from reportupdater.errors import TsvError, told
from reportupdater.execution.check import Checked
from reportupdater.model import GraphiteConfig, Report, Series, Task
from reportupdater.observe.summary import Summary
from reportupdater.sinks.datapoints import Made, datapoints, made
from reportupdater.sinks.naming import Lookups, Naming
from reportupdater.store import files, outbox, tsv
from reportupdater.store.state import State


class PointMaker(threading.local):
    """Makes the datapoints of results. Each worker's results mostly are of one series."""

    def __init__(self, config: GraphiteConfig | None) -> None:
        """Without a `config` none are made, since none are sent."""
        self._config = config
        self._of: tuple[Series, tuple[str, ...]] | None = None
        self._naming: Naming | None = None

    def __call__(self, task: Task, result: Checked) -> Made | None:
        """The datapoints of a result; None where none are made."""
        metrics = task.series.report.graphite
        if self._config is None or metrics is None:
            return None
        of = task.series, result.header
        if self._naming is None or of != self._of:
            self._naming = Naming(task.series, metrics, result.header, self._config.lookups)
            self._of = of
        return made(self._naming, result.rows)


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
