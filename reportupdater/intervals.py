"""Time as the runner sees it: aligned half-open intervals in UTC, counted by whole numbers. Pure.

Every granularity numbers its intervals: interval `n + 1` begins where interval `n` ends. With
numbers, what is missing is a difference of ranges, and leap days, lengths of months and the ends
of years are dealt with in one place. All moments are naive `datetime`s that mean UTC.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from reportupdater.errors import shown

_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)?)?"
)
_HOUR = timedelta(hours=1)
_HOURS = 4


class Interval(NamedTuple):
    """`[start, end)` in UTC."""

    start: datetime
    end: datetime


class Granularity(enum.Enum):
    """The length of a report's intervals. Weeks run from Sunday to Saturday unless they say Monday."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    WEEKS_FROM_MONDAY = "weeks from Monday"

    @property
    def setting(self) -> str:
        """The keys of a report that ask for it.

        >>> Granularity.DAYS.setting
        '`granularity: days`'
        """
        if self is Granularity.WEEKS_FROM_MONDAY:
            return "`granularity: weeks` and `week_starts: monday`"
        return f"`granularity: {self.value}`"

    def number(self, moment: datetime) -> int:
        """Return the number of the interval in which `moment` lies.

        >>> Granularity.WEEKS.start(Granularity.WEEKS.number(datetime(2015, 1, 7)))
        datetime.datetime(2015, 1, 4, 0, 0)
        """
        if self is Granularity.DAYS:
            return moment.toordinal()
        if self is Granularity.WEEKS:
            return moment.toordinal() // 7  # ordinal 7 was a Sunday
        if self is Granularity.WEEKS_FROM_MONDAY:
            return (moment.toordinal() + 6) // 7
        if self is Granularity.MONTHS:
            return moment.year * 12 + moment.month - 1
        return moment.toordinal() * 24 + moment.hour

    def start(self, number: int) -> datetime:
        """Return the start of interval `number`. Raises ValueError outside years 1 to 9999."""
        if self is Granularity.DAYS:
            return datetime.fromordinal(number)
        if self is Granularity.WEEKS:
            return datetime.fromordinal(number * 7)
        if self is Granularity.WEEKS_FROM_MONDAY:
            return datetime.fromordinal(number * 7 - 6)
        if self is Granularity.MONTHS:
            return datetime(number // 12, number % 12 + 1, 1)
        return datetime.fromordinal(number // 24) + (number % 24) * _HOUR

    def interval(self, number: int) -> Interval:
        """Return interval `number` with its bounds."""
        return _interval(self, number)

    def starts_at(self, moment: datetime) -> bool:
        """Return whether an interval starts at `moment`."""
        return self.ceiling(moment) == self.number(moment)

    def ceiling(self, moment: datetime) -> int:
        """Return the number of the first interval that starts at or after `moment`."""
        number = self.number(moment)
        if number == 0:  # the week whose start would lie before year 1
            return 1
        return number if self.start(number) == moment else number + 1

    def numbers(self, since: datetime, until: datetime) -> range:
        """Return the intervals whose start lies in `[since, until)`; overlap is not enough."""
        return range(self.ceiling(since), self.ceiling(until))

    def label(self, moment: datetime) -> str:
        """Return a moment as the first column of a TSV spells it: its date, or its hour for hours."""
        text = moment.isoformat()
        return text[:13] + ":00:00" if self is Granularity.HOURS else text[:10]

    def place(self, text: str) -> tuple[str, int]:
        """Return a first column's text as its label and the number of its interval.

        Takes unpadded dates, and a date with a time counts as its date (its hour, for hours, where
        a bare date is refused: it would silently mean midnight). An hour without minutes is taken
        for hours alone: elsewhere it is rather a value, after a space in the place of a tab.
        Raises ValueError for all else, with a text that begins with the beginning of what was given.

        >>> Granularity.MONTHS.place("2015-2-9")
        ('2015-02-09', 24181)
        >>> Granularity.HOURS.place("2015-01-02 03:04:05")[0]
        '2015-01-02T03:00:00'
        """
        if self is Granularity.DAYS and len(text) == 10 and text[4] == text[7] == "-":
            # Nearly every row of nearly every file. Python alone would take 2015-W01-1 too.
            try:
                return text, date.fromisoformat(text).toordinal()
            except ValueError:
                pass  # said better below
        moment, parts = _moment(text)
        if self is Granularity.HOURS and parts < _HOURS:
            raise ValueError(f"{shown(text)} has no hour")
        if self is not Granularity.HOURS and parts == _HOURS:
            raise ValueError(f"{shown(text)} is no date: is there a space in the place of a tab?")
        return self.label(moment), self.number(moment)

    def labelled(self, text: str) -> int | None:
        """Return the number of the interval whose label a text is; None where it is none's.

        >>> Granularity.WEEKS.labelled("2015-01-05") is None  # a Monday
        True
        """
        try:
            label, number = self.place(text)
            return number if label == text == self.label(self.start(number)) else None
        except ValueError:
            return None


@lru_cache(4096)  # the series of a report have their intervals in common
def _interval(granularity: Granularity, number: int) -> Interval:
    return Interval(granularity.start(number), granularity.start(number + 1))


def _moment(text: str) -> tuple[datetime, int]:
    """Return the moment, and how many of its parts are given, `_HOURS` up to the hour."""
    match = _DATE.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(f"{shown(text)} is no date")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second), match.lastindex or 0
    except ValueError:
        raise ValueError(f"{shown(text)} is no date") from None


def parse_moment(text: str) -> datetime:
    """Return a date, or a date with a time, as people write it: `2015-01-02`, `2015-01-02T03`. In UTC.

    Raises ValueError for what is no date.

    >>> parse_moment("2015-01-02 03:00")
    datetime.datetime(2015, 1, 2, 3, 0)
    """
    return _moment(text.strip().removesuffix("Z"))[0]


def watermark(granularity: Granularity, now: datetime, lag: timedelta) -> int:
    """Return the number of the first interval that may not be computed yet: its end plus `lag` is to come."""
    try:
        return granularity.number(now - lag)
    except OverflowError:  # a lag of millennia
        return 0


def over(granularity: Granularity, now: datetime) -> int:
    """Return the number of the first interval that is not over at a moment."""
    return granularity.number(now)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The intervals of a series that are done, as sorted `(first, past)` runs that do not touch."""

    runs: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(numbers: Iterable[int]) -> Coverage:
        """Return the coverage that holds just `numbers`.

        >>> Coverage.of([3, 1, 2, 7]).runs
        ((1, 4), (7, 8))
        """
        runs: list[tuple[int, int]] = []
        first = past = None
        for number in sorted(set(numbers)):
            if number != past:
                if first is not None and past is not None:
                    runs.append((first, past))
                first = number
            past = number + 1
        if first is not None and past is not None:
            runs.append((first, past))
        return Coverage(tuple(runs))

    @staticmethod
    def joined(runs: Iterable[tuple[int, int]]) -> Coverage:
        """Return the coverage of ascending runs, which may touch.

        >>> Coverage.joined([(1, 2), (2, 4), (6, 7)]).runs
        ((1, 4), (6, 7))
        """
        joined: list[tuple[int, int]] = []
        for first, past in runs:
            if joined and joined[-1][1] == first:
                joined[-1] = joined[-1][0], past
            else:
                joined.append((first, past))
        return Coverage(tuple(joined))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.runs, number, key=itemgetter(0)) - 1
        return at >= 0 and number < self.runs[at][1]

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __len__(self) -> int:
        return sum(past - first for first, past in self.runs)

    def __iter__(self) -> Iterator[int]:
        for first, past in self.runs:
            yield from range(first, past)

    def missing(self, first: int, past: int) -> Coverage:
        """Return the numbers in `[first, past)` that are not done.

        >>> Coverage(((2, 4),)).missing(1, 6).runs
        ((1, 2), (4, 6))
        """
        return Coverage(((first, past),) if first < past else ()).without(self)

    def without(self, other: Coverage) -> Coverage:
        """Return the numbers that are not in another coverage.

        >>> Coverage(((1, 4), (6, 9))).without(Coverage(((2, 3), (5, 7)))).runs
        ((1, 2), (3, 4), (7, 9))
        """
        holes = other.runs
        if not holes:
            return self
        runs: list[tuple[int, int]] = []
        next_hole = 0
        for first, past in self.runs:
            while next_hole < len(holes) and holes[next_hole][1] <= first:
                next_hole += 1
            at, hole = first, next_hole
            while hole < len(holes) and holes[hole][0] < past:
                if at < holes[hole][0]:
                    runs.append((at, holes[hole][0]))
                at = holes[hole][1]
                hole += 1
            if at < past:
                runs.append((at, past))
        return Coverage(tuple(runs))

    def intersected(self, other: Coverage) -> Coverage:
        """Return the numbers that are in both.

        >>> Coverage(((1, 4), (6, 9))).intersected(Coverage(((2, 3), (5, 7)))).runs
        ((2, 3), (6, 7))
        """
        return self.without(self.without(other)) if other.runs else Coverage()

    def within(self, wanted: range) -> Coverage:
        """Return the numbers in `wanted` that are done."""
        first, past = wanted.start, wanted.stop
        if len(self.runs) == 1 and first <= self.runs[0][0] and self.runs[0][1] <= past:
            return self
        if first >= past:
            return Coverage()
        return Coverage(
            tuple(
                (max(one, first), min(other, past))
                for one, other in self.runs
                if one < past and other > first
            )
        )

    def count(self, wanted: range) -> int:
        """Return how many numbers in `wanted` are done.

        >>> Coverage(((2, 4), (6, 9))).count(range(3, 8))
        3
        """
        return sum(
            max(0, min(past, wanted.stop) - max(first, wanted.start)) for first, past in self.runs
        )

    def newest_before(self, number: int) -> int | None:
        """Return the highest number below `number` that is done.

        >>> Coverage.of([1, 2, 7]).newest_before(7)
        2
        """
        for first, past in reversed(self.runs):
            if first < number:
                return min(past, number) - 1
        return None

    @property
    def newest(self) -> int | None:
        """The highest number that is done."""
        return self.runs[-1][1] - 1 if self.runs else None
