"""Tasks for tests of engines, made without a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from reportupdater.engines.script.config import Scripts
from reportupdater.errors import Where
from reportupdater.intervals import Granularity
from reportupdater.model import Database, Dimension, Report, Series, Task
from reportupdater.template import parse

DAY = datetime(2015, 1, 2)


def sql_task(
    database: Database,
    query: str,
    *,
    granularity: Granularity = Granularity.DAYS,
    start: datetime = DAY,
    dimensions: Mapping[str, str] | None = None,
    writes: bool = False,
) -> Task:
    """A task that runs `query` on `database` for the interval of `start`."""
    template, problems = parse(query, "report.sql")
    assert not problems
    report = Report(
        name="report",
        where=Where("config.yaml", 1),
        granularity=granularity,
        starts=start,
        database=database,
        execute=Path("/project/report"),
        template=template,
        writes=writes,
        dimensions=_dimensions(dimensions or {}),
    )
    return _task(report, start, dimensions or {})


def script_task(
    script: Path,
    *,
    granularity: Granularity = Granularity.DAYS,
    start: datetime = DAY,
    dimensions: Mapping[str, str] | None = None,
) -> Task:
    """A task that runs `script` for the interval of `start`."""
    report = Report(
        name="report",
        where=Where("config.yaml", 1),
        granularity=granularity,
        starts=start,
        database=Scripts(),
        execute=script,
        dimensions=_dimensions(dimensions or {}),
    )
    return _task(report, start, dimensions or {})


def _dimensions(values: Mapping[str, str]) -> tuple[Dimension, ...]:
    return tuple(Dimension(name, (values[name],)) for name in sorted(values))


def _task(report: Report, start: datetime, values: Mapping[str, str]) -> Task:
    interval = report.granularity.interval(report.granularity.number(start))
    return Task(Series(report, tuple(values[name] for name in sorted(values))), interval)
