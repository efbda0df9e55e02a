"""Cron expressions: the moments that they name, in UTC. Pure.

croniter is imported here alone, and only where a report has a schedule.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

_NAMES = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
# croniter takes H and R for moments that differ from process to process.
_RANDOM = r"(?<![A-Za-z])[HRhr](?![A-Za-z])"
# It takes 5-5 for all there is, which no one means.
_NO_RANGE = r"(?i)\b(\w+)-\1\b"
_SECOND = timedelta(seconds=1)


def fault(expression: str) -> str:
    """Return what is wrong with an expression of five fields, or a name like `@daily`; empty if nothing is.

    >>> fault("15 5 * * *")
    ''
    >>> fault("15 25 * * *")
    "'25' is no hour"
    """
    from croniter import croniter
    from croniter.croniter import CroniterError

    if expression.startswith("@"):
        return "" if expression in _NAMES else f"names are {', '.join(_NAMES)}"
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        count = f"{len(fields)} field{'s' * (len(fields) != 1)}"
        return f"it has {count}; a schedule has five: {', '.join(_FIELDS)}"
    for at, (field, name) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(_FIELDS)
        alone[at] = field
        odd = re.search(_RANDOM, field) or re.search(_NO_RANGE, field)
        if odd or not croniter.is_valid(" ".join(alone)):
            return f"{field!r} is no {name}"
    try:
        _from(expression, datetime(2000, 1, 1)).get_next(datetime)
    except CroniterError:
        return "there is no such day"
    return ""


def _from(expression: str, moment: datetime) -> Any:
    """Return an iterator over ticks, with days as cron has them.

    Where both fields of days are given, a day need be of one of them alone, unless one begins with `*`:
    then, `*/2` too, it must be of both.
    """
    from croniter import croniter

    return croniter(expression, moment, implement_cron_bug=True)


@lru_cache(maxsize=64)  # every series of a report asks for the same
def last_tick(expression: str, now: datetime) -> datetime | None:
    """Return the latest tick at or before `now`; None where the calendar has none."""
    try:
        beyond = now.replace(microsecond=0) + _SECOND
        tick: datetime = _from(expression, beyond).get_prev(datetime)
    except (ValueError, OverflowError):  # years that a datetime does not have
        return None
    return tick


@lru_cache(maxsize=64)
def next_tick(expression: str, after: datetime) -> datetime | None:
    """Return the first tick after a moment; None where the calendar has none."""
    try:
        tick: datetime = _from(expression, after).get_next(datetime)
    except (ValueError, OverflowError):
        return None
    return tick
