"""Series and points that tests of sinks make their examples of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reportupdater.errors import Where
from reportupdater.intervals import Granularity
from reportupdater.model import Datapoint, Series
from reportupdater.sinks.base import Made, Row
from reportupdater.sinks.graphite.config import GraphiteSettings, GraphiteSink
from reportupdater.sinks.graphite.path import STYLE
from reportupdater.sinks.shared.naming import Metrics
from reportupdater.template import parse
from tests.making import report

PATH_PLACE = Where("config.yaml", 5, 9)
DAY = 86_400
NEW_YEAR = 1_420_070_400
"""2015-01-01, 00:00 UTC."""


def series(
    path: str,
    metrics: Mapping[str, str],
    dimensions: Mapping[str, str] | None = None,
    *,
    granularity: Granularity = Granularity.DAYS,
) -> Series:
    """A series with these values of its dimensions, whose rows become datapoints."""
    values = dict(sorted((dimensions or {}).items()))
    template, problems = parse(path)
    assert not problems
    one = report(
        granularity=granularity, dimensions={name: [value] for name, value in values.items()}
    )
    config = Metrics(template, metrics, PATH_PLACE, STYLE)
    return Series(replace(one, outputs={"graphite": config}), tuple(values.values()))


def points(node: str, metrics: int, days: int = 1) -> list[Datapoint]:
    """A value for each metric and day under a node, all of them different."""
    return [
        Datapoint(f"{node}.m{metric}.daily", f"{metric * days + day}.25", NEW_YEAR + day * DAY)
        for metric in range(metrics)
        for day in range(days)
    ]


def datapoints(
    of: Series, header: Row, rows: Sequence[Row], lookups: Mapping[str, Mapping[str, str]]
) -> Made:
    """The datapoints of rows of a series."""
    return GraphiteSink().points(of, GraphiteSettings(lookups=lookups), header, rows)
