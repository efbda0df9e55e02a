"""What sums were in the intervals before: of what is published, and never of what is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from reportupdater.checks.base import Declared, Rows, Sums
from reportupdater.checks.change import Change
from reportupdater.errors import TsvError
from reportupdater.execution.stored import Old, read
from reportupdater.intervals import Coverage
from reportupdater.model import Report, Series
from reportupdater.planning.due import Due
from reportupdater.state import journal
from reportupdater.state.tables import Tables
from reportupdater.tsv import files, rows

_AHEAD = 1_000
"""Intervals that are read together where many of a series are due."""


def declared(report: Report) -> tuple[Declared, ...]:
    """Return the checks that a report declares."""
    return cast(tuple[Declared, ...], report.declared)


def changes(report: Report) -> list[Change]:
    """Return those that compare with the intervals before."""
    return [one for one in declared(report) if isinstance(one, Change)]


class Baselines:
    """Sums of the intervals of series, read where they are needed, and kept for the run."""

    def __init__(self, state: Tables) -> None:
        self._state = state
        self._done: dict[Series, Coverage] = {}
        self._fresh: dict[Series, set[int]] = {}
        self._sums: dict[Series, dict[int, dict[Change, Sums]]] = {}
        self._last: dict[Series, int] = {}

    def expect(self, dues: Iterable[Due]) -> None:
        """Say which intervals will be checked."""
        for due in dues:
            if due.series.report.in_order and due.stretches:
                self._last[due.series] = due.stretches[-1].past - 1

    def before(self, series: Series, number: int, check: Change) -> list[Sums]:
        """Return the sums of the newest comparable intervals before one, the newest first."""
        found: list[Sums] = []
        for one in self._comparable(series, number, check):
            sums = self._of(series, one, number)[check]
            if sums:
                found.append(sums)
                if len(found) == check.of:
                    break
        return found

    def published(self, series: Series, number: int, result: Rows) -> None:
        """Take in a result that is about to be published."""
        known = self._sums.setdefault(series, {})
        known[number] = {check: check.sums(result) for check in changes(series.report)}
        self._fresh.setdefault(series, set()).add(number)

    def _comparable(self, series: Series, number: int, check: Change) -> Iterator[int]:
        """Yield the intervals with a result that are comparable with one, the newest first."""
        done, fresh = self._stored(series), self._fresh.get(series, set())
        first = min([*(run[0] for run in done.runs[:1]), *fresh], default=number)
        step = check.step(series.report.granularity)
        for one in range(number - step, first - 1, -step):
            if one in fresh or one in done:
                yield one

    def _stored(self, series: Series) -> Coverage:
        found = self._done.get(series)
        if found is None:
            granularity = series.report.granularity
            try:
                place = files.place(self._state.root, series.tsv)
                late = [entry.number for entry in journal.entries(self._state, series.tsv)]
                found = Coverage.of([*rows.coverage(place, granularity), *late])
            except (TsvError, OSError):
                found = Coverage()  # the checkpoint reports it
            self._done[series] = found
        return found

    def _of(self, series: Series, one: int, number: int) -> dict[Change, Sums]:
        """Return the sums of an interval, needed for another one."""
        known = self._sums.setdefault(series, {})
        if one not in known:
            checks = changes(series.report)
            wanted = self._wanted(series, one, number) - known.keys()
            try:
                found = read(self._state, series, wanted)
            except (TsvError, OSError):
                found = dict.fromkeys(wanted, Old())  # the checkpoint reports it
            for other, old in found.items():
                table = Rows(old.header, old.rows if old.has_values else [])
                known[other] = {check: check.sums(table) for check in checks}
        return known[one]

    def _wanted(self, series: Series, one: int, number: int) -> set[int]:
        """Return which intervals are read with one: all that those that are due will need."""
        last = self._last.get(series, number)
        done = self._stored(series)
        if last > number:
            past = min(last, number + _AHEAD)
            far = max(
                check.of * check.step(series.report.granularity) for check in changes(series.report)
            )
            return {one, *done.within(range(min(one, number - far), past))}
        wanted = {one}
        for check in changes(series.report):
            step = check.step(series.report.granularity)
            steps = range(1, 2 * check.of + 1)
            wanted.update(number - step * many for many in steps if number - step * many in done)
        return wanted
