"""What every check is given, and what it says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, Protocol

from reportupdater.configfile.document import Value
from reportupdater.configfile.keys import Key, Keys
from reportupdater.configfile.kinds import Kind, choice
from reportupdater.errors import Problem, nearest, shown

Row = Sequence[str]
Sums = Mapping[tuple[str, ...], float]
"""Values of some columns → the sum of another one over the rows that have them."""


class Case(Protocol):
    """A result, and what is stored of its series; what is stored is looked up when it is asked for."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the result's columns."""

    @property
    def has_rows(self) -> bool:
        """Whether the query gave any."""

    @property
    def cuts(self) -> Sequence[str]:
        """What the server said that it left out."""

    def has_values(self) -> bool:
        """Return whether any column of the result but the date has a value."""

    def stored_header(self) -> tuple[str, ...]:
        """Return the header that the series' TSV will have with all that is committed; empty without one."""

    def had_values(self) -> bool:
        """Return whether the interval has values that the result would replace."""


class Check(Protocol):
    """One rule that every report has. Each is a small class, listed in the registry."""

    NAME: ClassVar[str]
    """As configurations, messages and the state name it."""
    MEANING: ClassVar[str]
    """What it finds, for the documentation of its key."""

    def failure(self, case: Case) -> str | None:
        """Return what is wrong with a result; None where it passes."""


Severity = Literal["hold", "warn"]
SEVERITY = Key(
    "severity",
    choice({"hold": "hold", "warn": "warn"}),
    "What is done with a result that fails it: `hold` it, or `warn` and publish it.",
    "hold",
)


class Rows(NamedTuple):
    """The rows that a query gave, and their columns; the first is the date."""

    header: tuple[str, ...]
    rows: Sequence[Row]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, which is there."""
        place = self.header.index(name, 1)
        return [row[place] for row in self.rows]


class CheckResult(NamedTuple):
    """What a declared check says of a result."""

    check: str
    subject: str
    """What it looks at: a column, columns."""
    verdict: Literal["passed", "failed", "not evaluated"]
    value: str = ""
    limit: str = ""
    baseline: str = ""
    why: str = ""
    """Where it failed: what is wrong. Where it was not evaluated: why not."""
    severity: Severity = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared(ABC):
    """A rule that a report declares. Each kind is a small class, listed in the registry."""

    NAME: ClassVar[str]
    """Its key under `checks`."""
    MEANING: ClassVar[str]
    TAKES: ClassVar[Kind]
    KEYS: ClassVar[Keys]
    """Of its mapping, or of the mapping of each column."""
    severity: Severity = "hold"

    @classmethod
    @abstractmethod
    def read(cls, value: Value, owner: str) -> tuple[Sequence[Declared], list[Problem]]:
        """Read what a configuration declares."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that it needs."""

    @abstractmethod
    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield what it says of a result that has its columns; one at least.

        `before` is empty but for a check that compares: then it has what that was in the intervals
        before, the newest first.
        """

    def results(self, result: Rows, before: Sequence[Sums] = ()) -> Iterator[CheckResult]:
        """Yield what it says of a result: where it lacks a column, that."""
        if result.rows:
            for name in self.columns:
                if name not in result.header[1:]:
                    hint = nearest(name, result.header[1:])
                    hint = f", {hint}" if hint else ""
                    why = f"the result has no column {shown(name)}{hint}"
                    yield self.failed(name, why=why)
                    return
        yield from self.judged(result, before)

    def passed(
        self, subject: str, value: str = "", limit: str = "", baseline: str = ""
    ) -> CheckResult:
        """Return that it passes."""
        return CheckResult(self.NAME, subject, "passed", value, limit, baseline)

    def failed(
        self, subject: str, value: str = "", limit: str = "", baseline: str = "", *, why: str
    ) -> CheckResult:
        """Return that it fails, and why."""
        return CheckResult(self.NAME, subject, "failed", value, limit, baseline, why, self.severity)
