"""The checks *not_empty* and *unique*, which name columns."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reportupdater.checks.base import SEVERITY, CheckResult, Declared, Rows, Sums
from reportupdater.configfile.document import Items, Value
from reportupdater.configfile.keys import Key, Keys, table
from reportupdater.configfile.kinds import TEXTS, Kind, describe
from reportupdater.configfile.sections import as_section, read_keys
from reportupdater.errors import Problem, shown


def _either(value: Value) -> Value:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfColumns(Declared):
    """A rule for some columns: a list of them, or a mapping with `columns` and `severity`."""

    TAKES: ClassVar[Kind] = Kind(
        "a list of columns, or a mapping with `columns` and `severity`", _either
    )
    KEYS: ClassVar[Keys] = table(Key("columns", TEXTS, "The columns.", example="[wiki]"), SEVERITY)
    names: tuple[str, ...]

    @classmethod
    def read(cls, value: Value, owner: str) -> tuple[Sequence[Declared], list[Problem]]:
        """Read it from a list of columns, or from its mapping."""
        if isinstance(value, Items):
            try:
                return [cls(names=TEXTS.read(value))], []
            except ValueError:
                what = f"{owner} must be {cls.TAKES.takes}, not {describe(value)}"
                return [], [Problem(what, value.where)]
        found, problems = as_section(value, owner)
        if found is None:
            return [], problems
        own, wrong = read_keys(found, cls.KEYS, owner)
        wrong += own.missing(owner, found.where)
        if wrong:
            return [], [*problems, *wrong]
        return [cls(names=own["columns"], severity=own["severity"])], problems

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that it names."""
        return self.names

    @abstractmethod
    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """See `Declared`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEmpty(_OfColumns):
    """No cell of some columns is empty."""

    NAME: ClassVar[str] = "not_empty"
    MEANING: ClassVar[str] = "Columns that have a value in each row."

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield for each column whether it has a value in each row."""
        for name in self.names:
            cells = result.column(name) if result.rows else []
            empty = [cell for cell in cells if cell.strip() in ("", "NULL")]
            if empty:
                rows = "1 row" if len(empty) == 1 else f"{len(empty):,} rows"
                why = f"column {shown(name)} is empty in {rows}"
                yield self.failed(name, f"{len(empty):,} empty", "none", why=why)
            else:
                yield self.passed(name, "0 empty", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique(_OfColumns):
    """No two rows of a date have the same values in some columns."""

    NAME: ClassVar[str] = "unique"
    MEANING: ClassVar[str] = "Columns that no two rows of a date have the same values in."

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield whether each row of a date has other values."""
        subject = ", ".join(self.names)
        cells = [result.column(name) for name in self.names] if result.rows else []
        counted = Counter(zip((row[0] for row in result.rows), *cells, strict=True))
        twice = [(key, many) for key, many in counted.items() if many > 1]
        if twice:
            (date, *values), many = twice[0]
            of = ", ".join(shown(one) for one in values)
            more = f"; so have {len(twice) - 1:,} more" if len(twice) > 1 else ""
            why = f"{many:,} rows of {date} have the same {subject}: {of}{more}"
            yield self.failed(subject, f"{len(twice):,} more than once", "none", why=why)
        else:
            yield self.passed(subject, "0 more than once", "none")
