"""Of what granularity rows must be, where the state does not know it: it is new, or was lost."""

from __future__ import annotations

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv.files import Place
from reportupdater.tsv.rows import read

_ENOUGH = 3
"""Rows of so many intervals that lie on the starts of longer ones do so on purpose."""
_LONGER = {
    Granularity.HOURS: (),  # whose rows have hours; a date without one cannot be read as one
    Granularity.DAYS: (Granularity.MONTHS, Granularity.WEEKS, Granularity.WEEKS_FROM_MONDAY),
    Granularity.WEEKS: (Granularity.MONTHS,),
    Granularity.WEEKS_FROM_MONDAY: (Granularity.MONTHS, Granularity.WEEKS),
    Granularity.MONTHS: (),
}


def granularity(place: Place | None, supposed: Granularity) -> Granularity | None:
    """Return another granularity that the rows of a TSV must be of; None where they can be as supposed.

    An interval without rows is stored too, as a row of empty values. So days of which there are rows
    for Sundays alone, or for Mondays, with nothing between them, are no days; and an hour is written
    of hours alone. Raises OSError, TsvError.
    """
    if supposed is Granularity.HOURS:
        return None
    if _has_hours(place):
        return Granularity.HOURS
    days = {row.number for row in read(place, Granularity.DAYS).rows}
    starts = [Granularity.DAYS.start(day) for day in days]
    if len(starts) >= _ENOUGH:
        for longer in _LONGER[supposed]:
            if all(longer.starts_at(start) for start in starts):
                return longer
    return None


def _has_hours(place: Place | None) -> bool:
    """Return whether each row has an hour, and one of them another than midnight's."""
    try:
        rows = read(place, Granularity.HOURS).rows
    except TsvError:
        return False
    return any(row.number % 24 for row in rows)
