"""What tests of the pure parts make their examples of: reports, moments, and hostile texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from reportupdater.engines.script.config import Scripts
from reportupdater.errors import Where
from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Dimension, Project, Report, Series, Task
from reportupdater.planning.plan import Clock, due
from reportupdater.sinks.graphite.config import GraphiteSettings
from reportupdater.sinks.shared.naming import Metrics

# A machine that is busy with other things is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

GRANULARITIES = list(Granularity)

granularities = st.sampled_from(GRANULARITIES)
# Whole weeks and months lie around each of them.
moments = st.datetimes(datetime(1, 2, 1), datetime(9999, 11, 30))

NASTY = [
    "",
    " ",
    " both ends ",
    "\t",
    "a\tb",
    "\n",
    "two\nlines",
    "\r",
    "\r\n",
    "a\rb",
    "ends in CR\r",
    '"',
    '""',
    'a "quote" in it',
    '"quoted"',
    '"\n',
    "\x00",
    "a\x00b",
    "\u2028",
    "\u0085",
    "\x0b\x0c\x1c",
    "\ufeff",
    "😀𝕏",
    "e\u0301",
    "NULL",
    "nan",
    "None",
    "0012",
    "5.0",
    "1e5",
    "1152921504606846975",
    "2015-01-01",
    "\\N",
    "'",
    "#",
    "=1+1",
    ",;|",
]
"""Cells that somebody's reader or writer has spoiled before."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
cells = st.sampled_from(NASTY) | texts


def report(
    *,
    granularity: Granularity = Granularity.DAYS,
    starts: datetime = datetime(2015, 1, 1),
    ends: datetime | None = None,
    lag: timedelta = timedelta(0),
    max_data_points: int | None = None,
    schedule: str | None = None,
    max_intervals: int | None = None,
    lookback: int = 0,
    dimensions: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """A report called `report`, which nothing could run."""
    return Report(
        name="report",
        where=Where("config.yaml", 1),
        granularity=granularity,
        starts=starts,
        ends=ends,
        lag=lag,
        database=Scripts(),
        execute=Path("/project/report"),
        max_data_points=max_data_points,
        schedule=schedule,
        max_intervals=max_intervals,
        lookback=lookback,
        dimensions=tuple(
            Dimension(name, tuple(values)) for name, values in (dimensions or {}).items()
        ),
    )


def due_tasks(series: Series, done: Coverage, marked: Collection[int], clock: Clock) -> list[Task]:
    """What is due of a series, task by task."""
    return list(due(series, done, marked, clock).tasks())


def floor(granularity: Granularity, moment: datetime) -> datetime:
    """The start of the interval around a moment, by the calendar alone."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match granularity:
        case Granularity.HOURS:
            return hour
        case Granularity.DAYS:
            return day
        case Granularity.WEEKS:
            return day - timedelta(days=day.isoweekday() % 7)
        case Granularity.WEEKS_FROM_MONDAY:
            return day - timedelta(days=day.weekday())
        case Granularity.MONTHS:
            return day.replace(day=1)


def following(granularity: Granularity, start: datetime) -> datetime:
    """The start of the next interval, by the calendar alone."""
    match granularity:
        case Granularity.HOURS:
            return start + timedelta(hours=1)
        case Granularity.DAYS:
            return start + timedelta(days=1)
        case Granularity.WEEKS | Granularity.WEEKS_FROM_MONDAY:
            return start + timedelta(days=7)
        case Granularity.MONTHS:
            return (start + timedelta(days=31)).replace(day=1)


def preceding(granularity: Granularity, start: datetime) -> datetime:
    """The start of the interval before, by the calendar alone."""
    return floor(granularity, start - timedelta(seconds=1))


def graphite(project: Project) -> GraphiteSettings | None:
    """A project's settings for Graphite."""
    settings = project.sinks.get("graphite")
    assert settings is None or isinstance(settings, GraphiteSettings)
    return settings


def metrics(report: Report) -> Metrics | None:
    """A report's output for Graphite."""
    output = report.outputs.get("graphite")
    assert output is None or isinstance(output, Metrics)
    return output
