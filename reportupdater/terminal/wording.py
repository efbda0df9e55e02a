"""Counts, names and spans of time, as all commands word them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

_UNITS = (("d", 86400), ("h", 3600), ("min", 60))


def count(number: int, what: str) -> str:
    """Return how many there are of something.

    >>> count(1, "row"), count(0, "row"), count(1000, "interval")
    ('1 row', '0 rows', '1,000 intervals')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def some(names: Sequence[str], most: int) -> str:
    """Return the first of some names; dots replace the others.

    >>> some(["enwiki", "dewiki", "frwiki"], 2)
    'enwiki, dewiki, ...'
    """
    return ", ".join([*names[:most], *["..."] * (len(names) > most)])


def span(time: timedelta) -> str:
    """Return a span of time in the largest unit of which it has two; one that is negative is none.

    >>> [span(timedelta(seconds=seconds)) for seconds in (-1, 119, 120, 86400, 172800)]
    ['0 s', '119 s', '2 min', '24 h', '2 d']
    """
    seconds = max(0.0, time.total_seconds())
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
