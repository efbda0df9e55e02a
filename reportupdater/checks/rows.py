"""The check *rows*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reportupdater.checks.base import SEVERITY, CheckResult, Declared, Rows, Sums
from reportupdater.configfile.document import Value
from reportupdater.configfile.keys import Key, Keys, table
from reportupdater.configfile.kinds import Kind, section, whole
from reportupdater.configfile.sections import as_section, read_keys
from reportupdater.errors import Problem

_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCount(Declared):
    """A result has not too few rows, nor too many."""

    NAME: ClassVar[str] = "rows"
    MEANING: ClassVar[str] = "How many rows a result has: `min`, `max` or both."
    TAKES: ClassVar[Kind] = section("keys to values")
    KEYS: ClassVar[Keys] = table(
        Key("min", whole(0, _MOST), "The least."),
        Key("max", whole(0, _MOST), "The most."),
        SEVERITY,
    )
    least: int | None = None
    most: int | None = None

    @classmethod
    def read(cls, value: Value, owner: str) -> tuple[Sequence[Declared], list[Problem]]:
        """Read it from its mapping."""
        found, problems = as_section(value, owner)
        if found is None:
            return [], problems
        own, wrong = read_keys(found, cls.KEYS, owner)
        least, most = own["min"], own["max"]
        if not wrong and least is None and most is None:
            wrong.append(Problem(f"{owner} has neither 'min' nor 'max'", found.where))
        if least is not None and most is not None and least > most:
            wrong.append(Problem(f"'min' of {owner} is above 'max'", found.where))
        return [cls(least=least, most=most, severity=own["severity"])], [*problems, *wrong]

    @property
    def columns(self) -> tuple[str, ...]:
        """None."""
        return ()

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield whether there are as many as there should be."""
        many = len(result.rows)
        value = f"{many:,}"
        limit = " and ".join(
            f"at {word} {bound:,}"
            for word, bound in (("least", self.least), ("most", self.most))
            if bound is not None
        )
        if (self.least is not None and many < self.least) or (
            self.most is not None and many > self.most
        ):
            rows = "1 row" if many == 1 else f"{many:,} rows"
            yield self.failed("", value, limit, why=f"the result has {rows}, and needs {limit}")
        else:
            yield self.passed("", value, limit)
