"""Which revision each datapoint has, for sinks that must never be given two values under one number."""

from __future__ import annotations

import sqlite3
from calendar import timegm
from datetime import UTC, datetime
from typing import NamedTuple

from reportupdater.errors import Problem
from reportupdater.execution.clock import utcnow
from reportupdater.intervals import watermark
from reportupdater.model import Datapoint, Report, Series, SinkSettings
from reportupdater.sinks.base import Made
from reportupdater.sinks.registry import definition
from reportupdater.state import numbers
from reportupdater.terminal.wording import count


class Manner(NamedTuple):
    """How datapoints are numbered whose destination may have some of them already."""

    now: datetime | None = None
    """The moment that is planned for."""
    assumes_new: bool = False
    """What is not known to be there is taken for new."""
    asks: bool = False
    """The destination is asked for all of them, and sent what it has not."""


PLAIN = Manner()
"""Only what no one knows is asked for."""


def numbered(
    connection: sqlite3.Connection,
    series: Series,
    sink: str,
    settings: SinkSettings,
    made: Made,
    manner: Manner,
) -> Made:
    """Return datapoints with their revisions, which are reserved, inside the transaction of their rows.

    Those whose revision only the destination knows have none. What is too old to be sent has its
    number, too: a file for a backfill of the receiver has the same.
    """
    report = series.report
    destination = str(settings.destination)
    points = made.points
    problems = list(made.problems)
    if settings.can_be_asked and manner.asks:
        ready = [point._replace(revision=None) for point in points]
    else:
        if manner.assumes_new:
            new_from: int | None = numbers.EVER
        else:
            new_from = None if settings.can_be_asked else _newest(report, manner.now or utcnow())
        ready, unknown = numbers.number(connection, destination, points, new_from=new_from)
        if settings.can_be_asked:
            ready += [point._replace(revision=None) for point in unknown]
        elif unknown:
            problems.append(_unknown(unknown, series, sink, destination))
    last = definition(sink).LAST_REVISION
    assert last is not None
    spent = [point for point in ready if (point.revision or 0) > last]
    if spent:
        problems.append(too_many(spent[0], len(spent), sink, report))
        ready = [point for point in ready if (point.revision or 0) <= last]
    if settings.max_age is None:
        return made._replace(points=ready, problems=tuple(problems))
    border = timegm((utcnow() - settings.max_age).timetuple())
    sent = [point for point in ready if point.timestamp >= border]
    old = len(ready) - len(sent)
    return made._replace(points=sent, problems=tuple(problems), too_old=made.too_old + old)


def too_many(point: Datapoint, number: int, sink: str, report: Report) -> Problem:
    """Return what is wrong with datapoints that have been changed too often."""
    what = f"{count(number, 'datapoint')} of {sink} changed too often to be sent again"
    what += f", for example {point.key} of {moment(point.timestamp)}"
    hint = "what changes a value in each run? it can be corrected by deleting the series there"
    return Problem(what, definition(sink).where(report), hint, report=report.name)


def moment(timestamp: int) -> str:
    """Return the moment of a datapoint as messages show it."""
    found = datetime.fromtimestamp(timestamp, UTC).isoformat()[:19]
    return found.removesuffix("T00:00:00")


def _newest(report: Report, now: datetime) -> int:
    """Return the start of the newest interval that is over."""
    granularity = report.granularity
    newest = granularity.start(watermark(granularity, now, report.lag) - 1)
    return timegm(newest.timetuple())


def _unknown(points: list[Datapoint], series: Series, sink: str, destination: str) -> Problem:
    some = count(len(points), "datapoint")
    what = f"{series}: {some} before the newest: it is not known whether {destination} has values there"
    hint = "give `query_url`; or, if it has none, `reportupdater resend --assume-new` sends them"
    report = series.report
    return Problem(what, definition(sink).where(report), hint, report=report.name)
