"""From a checked result, or from a TSV, to its datapoints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

from reportupdater.execution.check import Checked
from reportupdater.model import GraphiteConfig, Series, Task
from reportupdater.sinks.base import Sink
from reportupdater.sinks.datapoints import Made, datapoints
from reportupdater.sinks.naming import Lookups
from reportupdater.store import files, tsv


def points_of(
    config: GraphiteConfig | None, sink: Sink | None, task: Task, result: Checked
) -> Made | None:
    """The datapoints of a result; None where none are sent."""
    if sink is None or config is None or task.series.report.graphite is None:
        return None
    return datapoints(task.series, result.header, result.rows, config.lookups)


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
