"""The checks *values* and *range*: what the cells of a column may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reportupdater.checks.base import SEVERITY, CheckResult, Declared, Rows, Sums
from reportupdater.checks.by_column import OfColumn
from reportupdater.checks.numbers import no_number, number, spelled
from reportupdater.configfile import kinds
from reportupdater.configfile.document import Items, Value
from reportupdater.configfile.keys import Key, Keys, table
from reportupdater.configfile.kinds import TEXTS, Kind, describe, section
from reportupdater.configfile.sections import as_section, read_keys
from reportupdater.errors import Problem, shown

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(OfColumn):
    """A column has no other values than some."""

    NAME: ClassVar[str] = "values"
    MEANING: ClassVar[str] = (
        "Columns, each with a list of the values that it may have, or a mapping with `allowed` and"
        " `severity`. Empty cells pass."
    )
    TAKES: ClassVar[Kind] = section("columns to values")
    KEYS: ClassVar[Keys] = table(
        Key("allowed", TEXTS, "The values.", example="[desktop, mobile]"), SEVERITY
    )
    allowed: tuple[str, ...]

    @classmethod
    def read_column(
        cls, name: str, value: Value, owner: str
    ) -> tuple[Declared | None, list[Problem]]:
        """Read it."""
        if isinstance(value, Items):
            try:
                return cls(column=name, allowed=TEXTS.read(value)), []
            except ValueError:
                what = f"{owner} must be {TEXTS.takes}, not {describe(value)}"
                return None, [Problem(what, value.where)]
        found, problems = as_section(value, owner)
        if found is None:
            return None, problems
        own, wrong = read_keys(found, cls.KEYS, owner)
        wrong += own.missing(owner, found.where)
        if wrong:
            return None, [*problems, *wrong]
        return cls(column=name, allowed=own["allowed"], severity=own["severity"]), problems

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield whether each cell has one of the values, or none."""
        cells = result.column(self.column) if result.rows else []
        others = dict.fromkeys(cell for cell in cells if cell and cell not in self.allowed)
        named = ", ".join(self.allowed[:_MOST_NAMED])
        if len(self.allowed) > _MOST_NAMED:
            named += f" and {len(self.allowed) - _MOST_NAMED:,} more"
        if others:
            more = f", and {len(others) - 1:,} more such values" if len(others) > 1 else ""
            why = f"{shown(next(iter(others)))} of column {shown(self.column)} is none of {named}{more}"
            yield self.failed(self.column, f"{len(others):,} others", named, why=why)
        else:
            yield self.passed(self.column, "0 others", named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(OfColumn):
    """The numbers of a column lie in a range."""

    NAME: ClassVar[str] = "range"
    MEANING: ClassVar[str] = (
        "Columns, each with `min`, `max` or both: what is no finite number fails, empty cells pass."
    )
    TAKES: ClassVar[Kind] = section("columns to keys")
    KEYS: ClassVar[Keys] = table(
        Key("min", kinds.number(), "The least."), Key("max", kinds.number(), "The most."), SEVERITY
    )
    least: float | None = None
    most: float | None = None

    @classmethod
    def read_column(
        cls, name: str, value: Value, owner: str
    ) -> tuple[Declared | None, list[Problem]]:
        """Read it."""
        found, problems = as_section(value, owner)
        if found is None:
            return None, problems
        own, wrong = read_keys(found, cls.KEYS, owner)
        least, most = own["min"], own["max"]
        if not wrong and least is None and most is None:
            wrong.append(Problem(f"{owner} has neither 'min' nor 'max'", found.where))
        if least is not None and most is not None and least > most:
            wrong.append(Problem(f"'min' of {owner} is above 'max'", found.where))
        if wrong:
            return None, [*problems, *wrong]
        one = cls(column=name, least=least, most=most, severity=own["severity"])
        return one, problems

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield whether each number of the column lies in the range."""
        cells = result.column(self.column) if result.rows else []
        limit = " ".join(
            f"{word} {spelled(bound)}"
            for word, bound in (("from", self.least), ("to", self.most))
            if bound is not None
        )
        wrong = no_number(cells, self.column)
        if wrong is not None:
            yield self.failed(self.column, limit=limit, why=wrong)
            return
        found = [value for value in map(number, cells) if value is not None]
        low, high = min(found, default=0.0), max(found, default=0.0)
        value = f"{spelled(low)} to {spelled(high)}" if found else "none"
        of = shown(self.column)
        if found and self.least is not None and low < self.least:
            why = f"{spelled(low)} of column {of} is below {spelled(self.least)}"
            yield self.failed(self.column, value, limit, why=why)
        elif found and self.most is not None and high > self.most:
            why = f"{spelled(high)} of column {of} is above {spelled(self.most)}"
            yield self.failed(self.column, value, limit, why=why)
        else:
            yield self.passed(self.column, value, limit)
