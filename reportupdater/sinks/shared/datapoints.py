"""From the rows of a table to datapoints. Pure."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from math import isfinite

from reportupdater.errors import Problem, shown
from reportupdater.model import Datapoint
from reportupdater.sinks.base import Made, Row
from reportupdater.sinks.shared.naming import Naming

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400
"""Characters: the largest float has 309 digits, and a line must not grow without bounds."""
_NULLS = frozenset({"", "NULL"})


def made(naming: Naming, rows: Sequence[Row]) -> Made:
    """Return the datapoints of a table's rows: one for each row and metric that has a value.

    `naming` has the names of a series and header, `row[0]` is the label of a date or an hour. Rows
    without any value are those of an interval without data, and give none. Warnings of earlier
    tables come again, with equal keys.
    """
    points: list[Datapoint] = []
    metrics = naming.metrics
    nameless = no_numbers = 0
    for row in rows:
        paths = naming.paths(row)
        if not paths:
            nameless += any(row[metric.place] not in _NULLS for metric in metrics)
            continue
        moment = timestamp(row[0])
        for path, metric in zip(paths, metrics, strict=True):
            value = row[metric.place]
            if not (value.isdigit() and value.isascii() and len(value) < 300):
                if value in _NULLS or value.isspace():
                    continue
                value = number(value)
                if not value:
                    no_numbers += 1
                    what = f"{shown(row[metric.place])} of column {metric.column!r} is no finite number"
                    naming.warn(metric.name, f"{what}; such values of {metric.name!r} are not sent")
                    continue
            points.append(Datapoint(path, value, moment))
    if not points and not any(any(row[1:]) for row in rows):
        return Made([])
    problems = naming.problems
    # Nearly every table passes: where two points clash, in all but their values, is looked for only
    # when they do.
    if len({point[::2] for point in points}) != len(points):
        problems = [*problems, _clash(naming, rows)]
        points = []
    return Made(points, tuple(problems), dict(naming.warnings), nameless, no_numbers)


@lru_cache(4096)
def timestamp(label: str) -> int:
    """Return the seconds since the epoch, UTC, at which the date or hour of a label begins.

    >>> timestamp("2015-01-01"), timestamp("2015-01-01T01:00:00")
    (1420070400, 1420074000)
    """
    return timegm(datetime.fromisoformat(label).timetuple())


def number(text: str) -> str:
    """Return a text as it can be sent, if it is a finite number, else nothing.

    >>> number("5.0"), number(" -1e-3"), number("nan"), number("1e999"), number("1_000")
    ('5.0', '-1e-3', '', '', '')
    """
    text = text.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return ""
    return text if isfinite(float(text)) else ""


def _clash(naming: Naming, rows: Sequence[Row]) -> Problem:
    """Return what is wrong where two datapoints, which are there, have both path and date in common."""
    subject = naming.subject(naming.style.KEY)
    first: dict[tuple[str, str], int] = {}
    for at, row in enumerate(rows):
        for path, metric in zip(naming.paths(row), naming.metrics, strict=False):
            if row[metric.place] in _NULLS or not number(row[metric.place]):
                continue
            other = first.setdefault((path, row[0]), at)
            if other != at:
                what = f"{subject} makes the same {naming.style.NOUN} of two rows of a date"
                return naming.problem(what, _difference(rows[other], row, naming))
    what = f"{subject} makes the same {naming.style.NOUN} of two metrics"
    return naming.problem(what, naming.style.repeated())


def _difference(one: Row, other: Row, naming: Naming) -> str:
    """Return a hint that names what distinguishes two rows of a date."""
    different = [place for place in range(1, len(naming.header)) if one[place] != other[place]]
    for place in different:
        if place in naming.columns:
            pair = (
                f"{shown(one[place])} and {shown(other[place])} of column {naming.header[place]!r}"
            )
            return f"{pair} are the same there"
    values = {metric.place for metric in naming.metrics}
    missing = [f"{{{naming.header[place]}}}" for place in different if place not in values]
    if missing:
        return f"put in what distinguishes them: {' or '.join(missing)}"
    return "they differ in their values alone: let the query add them up"
