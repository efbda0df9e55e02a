"""The series keys that the rows of one series make. Pure.

The template of a key is called its path here, as in Graphite. All of it but the columns is the same
for a whole series, so it is put in once; what the columns make of it is put together once for each
combination of their values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from reportupdater import prefixes
from reportupdater.errors import Problem, Where, nearest, shown
from reportupdater.model import Series
from reportupdater.sinks.base import Row
from reportupdater.template import Placeholder, Template

METRIC = "_metric"
"""The placeholder for the metric's name in the template of a series key."""
_MOST_NAMED = 30

Lookups = Mapping[str, Mapping[str, str]]
Warnings = dict[Hashable, str]
"""What a warning is about → its sentence. Equal keys are to be reported once in a run."""


class Style(ABC):
    """A sink's way of writing series keys, and of naming them in messages."""

    SECTION: ClassVar[str]
    """The section of a report that has the template."""
    KEY: ClassVar[str]
    """The key of that section that gives the template."""
    NOUN: ClassVar[str]
    """A series key, as the users of the sink call it."""
    SEPARATOR: ClassVar[str]
    """What separates the parts of a key that values are in."""
    VALUES_SPLIT: ClassVar[bool] = False
    """Whether a value that holds the separator makes parts of its own."""

    @abstractmethod
    def written(self, text: str) -> str:
        """Return a value as keys have it."""

    def notes(self, text: str) -> list[str]:
        """Return what is worth a warning of a value in keys, in words that follow it."""
        return []

    @abstractmethod
    def fault(self, key: str) -> str:
        """Return what is wrong with a key, in words that follow it, or nothing."""

    @abstractmethod
    def repeated(self) -> str:
        """Return a hint for keys of two metrics that are one."""


class Metrics(NamedTuple):
    """A report's output: the template of the series key, and metric name → column.

    `where` is the place of the path, for what only a result can show to be wrong.
    """

    path: Template
    columns: Mapping[str, str]
    where: Where
    style: Style


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's name, and the place of its column in a row."""

    name: str
    column: str
    place: int


class Naming:
    """Makes the paths of a series' rows, and collects what is odd about them on the way.

    `metrics` are those whose columns are there; none where the path has an unknown placeholder.
    `columns` are the places of those that are part of the path.
    """

    def __init__(self, series: Series, config: Metrics, header: Row, lookups: Lookups) -> None:
        self.problems: list[Problem] = []
        self.warnings: Warnings = {}
        self.columns: list[int] = []
        self._report = series.report
        self._config = config
        self.style = config.style
        self.header = header
        self._dimensions = series.dimensions
        self._lookups = lookups
        self._cells: list[Placeholder] = []
        self._parts = [self._part(part) for part in config.path.parts]
        metrics = [self._metric(name, column) for name, column in config.columns.items()]
        known = None not in self._parts
        self.metrics = [metric for metric in metrics if metric is not None] if known else []
        self._made: dict[tuple[str, ...], tuple[str, ...]] = {}

    def paths(self, row: Row) -> tuple[str, ...]:
        """Return the paths of all metrics in a row, in their order.

        None where a value is missing.
        """
        key = tuple([row[place] for place in self.columns])
        paths = self._made.get(key)
        if paths is None:
            paths = self._made[key] = self._paths(key)
        return paths

    def subject(self, key: str) -> str:
        """Return a key of the report's part, as messages name it."""
        return f"{key!r} of {self.style.SECTION} of report {self._report.name!r}"

    def problem(self, what: str, hint: str) -> Problem:
        """Return something wrong with the report's part."""
        return Problem(what, self._config.where, hint, report=self._report.name)

    def warn(self, about: Hashable, what: str) -> None:
        """Note a warning about the report."""
        self.warnings.setdefault(
            (self._report.name, about), f"report {self._report.name!r}: {what}"
        )

    def _part(self, part: str | Placeholder) -> str | int | Placeholder | None:
        """Return a part as text that all rows share, as the number of a cell, or as the metric's name."""
        if isinstance(part, str) or part.name == METRIC:
            return part
        if part.name in self._dimensions:
            value = self._dimensions[part.name]
            name = self._lookups.get(part.name, {}).get(value)
            # The dots of a lookup are meant; those of a value may not be.
            return (
                self._shown(part, value)
                if name is None
                else self.style.written(format(name, part.spec))
            )
        place = self._place(part.name)
        if place is not None:
            self.columns.append(place)
            self._cells.append(part)
            return len(self._cells) - 1
        what = f"{self.subject(self.style.KEY)} has {{{part.name}}}, which is no dimension and no column"
        hint = nearest(part.name, {METRIC, *self._dimensions, *self.header})
        self.problems.append(self.problem(what, hint))
        return None

    def _metric(self, name: str, column: str) -> Metric | None:
        place = self._place(column)
        if place is not None:
            return Metric(name, column, place)
        what = f"{name!r} of {self.subject('metrics')} takes the column {column!r}"
        what += ", which the result does not have"
        self.problems.append(self.problem(what, f"it has {_listed(self.header)}"))
        return None

    def _place(self, column: str) -> int | None:
        """Return where a column is.

        With or without the table that a server may put before its name.
        """
        if self._report.database.prefixes:
            return prefixes.place(column, self.header)
        return self.header.index(column) if column in self.header else None

    def _shown(self, placeholder: Placeholder, value: str) -> str:
        """Return a value as paths have it; warn of what is odd about it there."""
        text = format(value, placeholder.spec) if value else ""
        name = self.style.written(text)
        notes = self.style.notes(text)
        if notes:
            what = f"the value {shown(value)} of {placeholder.name!r} {' and '.join(notes)}"
            self.warn((placeholder.name, value), what)
        return name

    def _paths(self, key: tuple[str, ...]) -> tuple[str, ...]:
        cells = [self._shown(part, value) for part, value in zip(self._cells, key, strict=True)]
        paths = []
        for metric in self.metrics:
            path = "".join([self._text(part, metric, cells) for part in self._parts])
            wrong = self.style.fault(path) if "" not in cells else "has an empty value"
            if wrong:
                if "bytes" in wrong:
                    self.warn(
                        ("too long",),
                        f"the {self.style.NOUN} {shown(path)} {wrong}; such are not sent",
                    )
                return ()
            paths.append(path)
        return tuple(paths)

    def _text(self, part: str | int | Placeholder | None, metric: Metric, cells: list[str]) -> str:
        if isinstance(part, int):
            return cells[part]
        if isinstance(part, Placeholder):
            return format(metric.name, part.spec)
        return part or ""


def needs_rows(metrics: Metrics, dimensions: Iterable[str]) -> bool:
    """Return whether columns are part of the series keys, so that only rows show them."""
    known = {METRIC, *dimensions}
    return any(part.name not in known for part in metrics.path.placeholders)


def paths(
    series: Series, metrics: Metrics, lookups: Lookups, header: Row = (), rows: Sequence[Row] = ()
) -> tuple[list[str], list[Problem]]:
    """Return every series key that a series can make, and why it cannot make others.

    `header` and `rows` are what its TSV holds; they may be left out unless `needs_rows`.
    """
    if not needs_rows(metrics, series.dimensions):
        header = header or tuple(metrics.columns.values())
        rows = [("",) * len(header)]
    naming = Naming(series, metrics, header, lookups)
    return list(dict.fromkeys(path for row in rows for path in naming.paths(row))), naming.problems


def _listed(header: Row) -> str:
    more = len(header) - _MOST_NAMED
    return ", ".join(header[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
