"""What is stored of series, with all that is committed: looked up where a result is about to replace it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from reportupdater.errors import TsvError
from reportupdater.intervals import Coverage
from reportupdater.model import Reason, Series, Task
from reportupdater.planning.due import Due
from reportupdater.state import journal
from reportupdater.state.tables import Tables
from reportupdater.tsv import files, header, lookup, rows
from reportupdater.tsv.header import Header

_FIRST_LOOK = 64
"""Intervals of which the rows are read together at first."""
_CHARACTERS = 1 << 20
"""About so much of a series is kept at once."""
_ON_THEIR_WAY = 16


class Old(NamedTuple):
    """The rows that an interval has, and their columns."""

    header: Header = ()
    rows: list[tuple[str, ...]] = []  # noqa: RUF012 - a NamedTuple has no other default; none writes it

    @property
    def has_values(self) -> bool:
        """Whether any column but the date has a value."""
        return any(any(row[1:]) for row in self.rows)


class Stored:
    """Reads the rows of the intervals that a run computes again, those of a series together."""

    def __init__(self, state: Tables) -> None:
        self._state = state
        self._headers: dict[Series, Header] = {}
        self._fresh: dict[Series, dict[Header, None]] = {}
        self._expected: dict[Series, Coverage] = {}
        self._at_once: dict[Series, int] = {}
        self._old: dict[Series, dict[int, Old]] = {}

    def expect(self, dues: Iterable[Due]) -> None:
        """Say which intervals will be asked for."""
        for due in dues:
            again = [one for one in due.stretches if one.reason is not Reason.MISSING]
            if again:
                self._expected[due.series] = Coverage.joined(
                    (first, past) for first, past, _ in again
                )

    def add(self, series: Series, columns: Header) -> None:
        """Take in the header of a result that is about to be published."""
        fresh = self._fresh.setdefault(series, {})
        if columns not in fresh:
            fresh[columns] = None
            if series in self._headers:
                self._headers[series] = header.evolved(self._headers[series], columns)

    def header(self, series: Series) -> Header:
        """Return the header that the TSV of a series will have; empty where it has none yet."""
        found = self._headers.get(series)
        if found is None:
            try:
                place = files.place(self._state.root, series.tsv)
                found = rows.columns(place, series.report.granularity)
            except (TsvError, OSError):
                found = ()  # the checkpoint reports it
            for columns in [
                *journal.headers(self._state, series.tsv),
                *self._fresh.get(series, ()),
            ]:
                found = header.evolved(found, columns)
            self._headers[series] = found
        return found

    def old(self, task: Task) -> Old:
        """Return what a result of a task would replace; without rows where nothing is stored."""
        if task.reason is Reason.MISSING:  # nothing is stored of it
            return Old()
        series = task.series
        number = series.report.granularity.number(task.interval.start)
        known = self._old.setdefault(series, {})
        if number not in known:
            known.update({**self._read(series, number), **known})
        return known[number]

    def published(self, tasks: Iterable[Task]) -> None:
        """Let go of what results of tasks have replaced."""
        for task in tasks:
            number = task.series.report.granularity.number(task.interval.start)
            self._old.get(task.series, {}).pop(number, None)

    def _read(self, series: Series, number: int) -> dict[int, Old]:
        """Return what is stored of an interval, and of those that will be asked for next."""
        here = Coverage(((number, number + 1),))
        most = self._at_once.get(series, _FIRST_LOOK)
        # Results do not come in order: a few before this one may still be on their way.
        first = number - min(most // 4, _ON_THEIR_WAY)
        expected = self._expected.get(series, Coverage()).within(range(first, number + most))
        wanted = list(Coverage.joined(sorted([*expected.without(here).runs, *here.runs])))
        try:
            found = read(self._state, series, wanted)
        except (TsvError, OSError):
            return dict.fromkeys(wanted, Old())  # the checkpoint reports it
        size = sum(sum(map(len, row)) for old in found.values() for row in old.rows)
        self._at_once[series] = max(1, most * _CHARACTERS // max(size, _CHARACTERS // 8))
        return found


def read(state: Tables, series: Series, numbers: Collection[int]) -> dict[int, Old]:
    """Return the rows of intervals, given by their numbers: in the TSV, with the journal laid over it.

    Raises TsvError, OSError, StateError.
    """
    place = files.place(state.root, series.tsv)
    stored = lookup.rows_of(place, series.report.granularity, set(numbers))
    found = {one: Old(stored.header, stored.rows.get(one, [])) for one in numbers}
    for late in journal.entries(state, series.tsv):
        if late.number in found:
            found[late.number] = Old(late.header, late.rows)
    return found
