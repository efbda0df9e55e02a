"""How late the data of reports come: by what changed when intervals were computed again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

from reportupdater.errors import TsvError
from reportupdater.execution.select import Source, select
from reportupdater.execution.stored import Old, read
from reportupdater.intervals import Granularity
from reportupdater.model import Report, Series
from reportupdater.planning.explode import explode
from reportupdater.state import drift as state_drift
from reportupdater.state.drift import Late
from reportupdater.state.overlay import Overlay
from reportupdater.tsv.changes import changes
from reportupdater.tsv.listing import needed


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRequest(Source):
    """Of which project the lateness is wanted, and where its TSVs are."""

    output: Path


class AtAge(NamedTuple):
    """What computing again did at an age: so many whole units after the interval's end."""

    age: int
    again: int
    """Intervals that were computed again at that age."""
    changed: int
    """Values that were others then."""
    median_percent: float
    most_percent: float


class ColumnDrift(NamedTuple):
    """How the values of a column changed with their age."""

    column: str
    ages: tuple[AtAge, ...]
    last_change: int | None
    """The age after which nothing changed; None where it changed at the greatest that was looked at."""


@dataclass(frozen=True, slots=True)
class ReportDrift:
    """How the values of a report changed."""

    report: Report
    again: int
    """Intervals that were computed again, in the last 90 days."""
    columns: tuple[ColumnDrift, ...]

    @property
    def unit(self) -> timedelta:
        """What ages are counted in."""
        return _unit(self.report.granularity)

    @property
    def last_change(self) -> int | None:
        """The age after which no column changed, where that is known."""
        found = [column.last_change for column in self.columns]
        return None if None in found else max((one for one in found if one is not None), default=0)

    @property
    def lookback(self) -> int | None:
        """The `lookback` that would find it all."""
        if self.last_change is None:
            return None
        length = self.report.granularity.start(1000) - self.report.granularity.start(999)
        return max(1, ceil(self.last_change * self.unit / length)) if self.columns else 0

    @property
    def lag(self) -> timedelta | None:
        """The `lag` that would wait for it all."""
        if self.last_change is None:
            return None
        return max(1, self.last_change) * self.unit if self.columns else timedelta(0)


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift of some reports; those of which nothing was computed again are not there."""

    reports: tuple[ReportDrift, ...]
    is_good: bool = True
    stopped: None = None


def drift(request: DriftRequest) -> Drift:
    """Return how late the data of reports come. Nothing is written. Raises UsageError, StateError."""
    selected = select(request)
    needed(request.output)
    with Overlay(request.output) as state:
        found = [_of_report(state, report, explode(report)) for report in selected.reports]
    return Drift(tuple(one for one in found if one.again))


def _of_report(state: Overlay, report: Report, series: Sequence[Series]) -> ReportDrift:
    granularity = report.granularity
    with state.reading() as connection:
        again = state_drift.computed_again(connection, report.name)
        late = state_drift.changed(connection, report.name)
    ages: Counter[int] = Counter()
    for start, at in again:
        age = _age(granularity, start, at)
        if age is not None:
            ages[age] += 1
    by_column: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one, new in with_new(state, late, {member.tsv: member for member in series}):
        age = _age(granularity, one.start, one.at)
        if age is None or not one.is_late:
            continue
        for change in changes(one.header, one.rows, new.header, new.rows) or ():
            percent = _percent(change.old, change.new)
            if percent is not None:
                by_column[change.column][age].append(percent)
    greatest = max(ages, default=0)
    columns = [
        ColumnDrift(
            column,
            tuple(
                AtAge(age, ages[age], len(some), median(some), max(some))
                for age, some in sorted(of_age.items())
            ),
            max(of_age) if max(of_age) < greatest else None,
        )
        for column, of_age in by_column.items()
    ]
    return ReportDrift(report, sum(ages.values()), tuple(columns))


def with_new(
    state: Overlay, late: Sequence[Late], members: Mapping[str, Series]
) -> Iterator[tuple[Late, Old]]:
    """Yield revisions with the rows that took the place of the former ones."""
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for one in late:
        series = members.get(one.tsv)
        number = series.report.granularity.labelled(one.start) if series else None
        if number is not None:
            numbers[one.tsv].add(number)
    stored: dict[str, dict[int, Old]] = {}
    for tsv, wanted in numbers.items():
        try:
            stored[tsv] = read(state, members[tsv], wanted)
        except (TsvError, OSError):
            continue  # a run reports it
    for one, after in zip_longest(late, late[1:]):
        assert one is not None
        if after is not None and (after.tsv, after.start) == (one.tsv, one.start):
            yield one, Old(after.header, after.rows)
        elif one.tsv in stored:
            number = members[one.tsv].report.granularity.labelled(one.start)
            if number is not None:
                yield one, stored[one.tsv][number]


def _unit(granularity: Granularity) -> timedelta:
    return timedelta(hours=1) if granularity is Granularity.HOURS else timedelta(days=1)


def _age(granularity: Granularity, start: str, at: str) -> int | None:
    """Return how many whole units after its end an interval was computed; None where none starts there."""
    number = granularity.labelled(start)
    if number is None:
        return None
    since = datetime.fromisoformat(at.removesuffix("Z")) - granularity.start(number + 1)
    return max(0, since // _unit(granularity))


def _percent(old: str, new: str) -> float | None:
    """Return by how much a number changed, in percent; None where one of them is none."""
    try:
        before, after = float(old or 0), float(new or 0)
    except ValueError:
        return None
    if before == after:
        return None
    return abs(after - before) / abs(before) * 100 if before else 100.0
