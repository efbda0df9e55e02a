"""What the pages show: plain values, as `operations/site_report.py` gathers them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class State(enum.Enum):
    """How a report, or a series, is; the worst first."""

    INVALID = "invalid"
    FAILING = "failing"
    DAMAGED = "damaged"
    HELD = "held"
    LATE = "late"
    WAITING = "waiting"
    NEW = "new"
    FINE = "fine"

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        return self not in (State.WAITING, State.NEW, State.FINE)


class Latest(NamedTuple):
    """The latest value of a report: of its largest series, which has a name if there are several."""

    value: str
    column: str
    series: str
    date: str
    before: tuple[float | None, ...]
    """Those of the intervals up to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A report in the index."""

    name: str
    project: str
    state: State
    why: str
    """What its state comes from, in a line; empty where it is fine."""
    description: str
    owner: str
    granularity: str
    done_up_to: str
    missing: int | None
    latest: Latest | None


class ProjectLine(NamedTuple):
    """A project, and how its last run ended."""

    config: str
    ended: str
    exit_code: int | None
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The first page."""

    title: str
    entries: tuple[Entry, ...]
    projects: tuple[ProjectLine, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLine:
    """A series of a report."""

    label: str
    tsv: str
    """Its TSV without the suffix."""
    state: State
    why: str
    done_up_to: str
    missing: int | None
    latest: tuple[str, ...]
    """The cells of its last row; empty where it has none."""


class Stretch(NamedTuple):
    """Intervals of a series that have no result, from the first to the last, and why."""

    series: str
    first: str
    last: str
    intervals: int
    why: str


class Value(NamedTuple):
    """A value and another one in its place; empty where there is none."""

    key: str
    """Which row of its date it is of; empty where there is one."""
    column: str
    old: str
    new: str


class Changed(NamedTuple):
    """A value that was published, and then another in its place."""

    series: str
    date: str
    value: Value
    at: str
    reason: str


class Withheld(NamedTuple):
    """A result that failed a check; what it would change, the first of it."""

    series: str
    date: str
    check: str
    why: str
    at: str
    values: tuple[Value, ...]


class Outcome(NamedTuple):
    """A check or a condition of a report, and what came of it last."""

    name: str
    what: str
    outcome: str
    is_good: bool


class Keys(NamedTuple):
    """The series of a report in a sink: some of them, and how many there are."""

    sink: str
    destination: str
    some: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """All that is shown of a report."""

    entry: Entry
    facts: Mapping[str, str]
    """Further facts, by what they are."""
    troubles: tuple[str, ...]
    notices: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The last rows of the series of the latest value."""
    series: tuple[SeriesLine, ...]
    missing: tuple[Stretch, ...] | None
    """None where that is not known: no project has the report, or it is not valid."""
    missing_more: int
    """Stretches that are not among them."""
    withheld: tuple[Withheld, ...]
    withheld_more: int
    changed: tuple[Changed, ...]
    changed_more: int
    """Results that were revised before those."""
    outcomes: tuple[Outcome, ...]
    keys: tuple[Keys, ...]
    query: str
    query_name: str
    digest: str
