"""The check *change*: a sum is about what it was in the intervals before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum, inf
from statistics import median
from typing import ClassVar

from reportupdater.checks.base import SEVERITY, CheckResult, Declared, Rows, Sums
from reportupdater.checks.by_column import OfColumn
from reportupdater.checks.numbers import no_number, number, spelled
from reportupdater.configfile import kinds
from reportupdater.configfile.document import Value
from reportupdater.configfile.keys import Key, Keys, table
from reportupdater.configfile.kinds import TEXTS, Kind, section, whole
from reportupdater.configfile.sections import as_section, read_keys
from reportupdater.errors import Problem, shown
from reportupdater.intervals import Granularity

_MOST_SHOWN = 3
_COMPARABLE = {Granularity.DAYS: 7, Granularity.HOURS: 24}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(OfColumn):
    """The sum of a column is about the median of those of the comparable intervals before."""

    NAME: ClassVar[str] = "change"
    MEANING: ClassVar[str] = (
        "Columns of which the sum is compared with those of the intervals before: of the same weekday"
        " for days, of the same hour for hours."
    )
    TAKES: ClassVar[Kind] = section("columns to keys")
    KEYS: ClassVar[Keys] = table(
        Key(
            "percent",
            kinds.number(0),
            "How far the sum may be from the median of those before, in percent of that.",
            example="50",
        ),
        Key("of", whole(1, 100), "Of how many intervals the median is.", 8),
        Key("by", TEXTS, "Columns: each of their values is compared by itself."),
        Key(
            "min_value",
            kinds.number(0),
            "Where both the sum and the median are below this, they are not compared.",
            0,
        ),
        Key(
            "min_history",
            whole(1, 100),
            "Where fewer intervals than this have a value, nothing is compared. Without it, half of"
            " `of`.",
        ),
        SEVERITY,
    )
    percent: float
    of: int
    by: tuple[str, ...] = ()
    min_value: float = 0
    min_history: int = 1

    @classmethod
    def read_column(
        cls, name: str, value: Value, owner: str
    ) -> tuple[Declared | None, list[Problem]]:
        """Read it."""
        found, problems = as_section(value, owner)
        if found is None:
            return None, problems
        own, wrong = read_keys(found, cls.KEYS, owner)
        wrong += own.missing(owner, found.where)
        history = own["min_history"]
        if not wrong and history is not None and history > own["of"]:
            wrong.append(Problem(f"'min_history' of {owner} is above 'of'", found.where))
        if wrong:
            return None, [*problems, *wrong]
        one = cls(
            column=name,
            percent=own["percent"],
            of=own["of"],
            by=own["by"] or (),
            min_value=own["min_value"],
            min_history=history or max(1, own["of"] // 2),
            severity=own["severity"],
        )
        return one, problems

    @property
    def columns(self) -> tuple[str, ...]:
        """That of which it is, and those by which."""
        return (self.column, *self.by)

    def step(self, granularity: Granularity) -> int:
        """Return how many intervals lie between one and the next comparable one."""
        return _COMPARABLE.get(granularity, 1)

    def sums(self, result: Rows) -> Sums:
        """Return the sums of a table; empty where it lacks a column, or has what is no number."""
        found: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        if not result.rows or not set(self.columns) <= set(result.header[1:]):
            return {}
        keys = zip(*(result.column(name) for name in self.by), strict=True)
        names = keys if self.by else ((),) * len(result.rows)
        try:
            for key, cell in zip(names, result.column(self.column), strict=True):
                value = number(cell)
                if value is not None:
                    found[key].append(value)
        except ValueError:
            return {}
        return {key: fsum(values) for key, values in found.items()}

    def judged(self, result: Rows, before: Sequence[Sums]) -> Iterator[CheckResult]:
        """Yield whether each sum is about what it was."""
        cells = result.column(self.column) if result.rows else []
        wrong = no_number(cells, self.column)
        if wrong is not None:
            yield self.failed(self.column, limit=self._limit, why=wrong)
            return
        sums = self.sums(result)
        keys = dict.fromkeys([*sums, *(key for one in before for key in one)])
        if not self.by:
            keys = {(): None}
        results = [self._of_key(key, sums.get(key, 0.0), before) for key in keys]
        bad = [one for one in results if one.verdict == "failed"]
        if len(bad) > _MOST_SHOWN:
            last = bad[_MOST_SHOWN - 1]
            more = f"; and {len(bad) - _MOST_SHOWN:,} more sums"
            bad[_MOST_SHOWN - 1] = last._replace(why=last.why + more)
        if bad or not self.by:
            yield from bad[:_MOST_SHOWN] or results
            return
        many = sum(one.verdict == "passed" for one in results)
        verdict = self.passed if many else self._not_evaluated
        yield verdict(self._subject(()), f"{many:,} of {len(results):,} compared", self._limit)

    @property
    def _limit(self) -> str:
        return f"{self.percent:g} %"

    def _subject(self, key: tuple[str, ...]) -> str:
        fixed = " ".join(f"{name}={value}" for name, value in zip(self.by, key, strict=False))
        by = f" by {', '.join(self.by)}" if self.by and not key else ""
        return f"{self.column}{by} {fixed}".strip()

    def _not_evaluated(self, subject: str, value: str, limit: str, why: str = "") -> CheckResult:
        why = why or "too few intervals before have values"
        return CheckResult(self.NAME, subject, "not evaluated", value, limit, "", why)

    def _of_key(self, key: tuple[str, ...], value: float, before: Sequence[Sums]) -> CheckResult:
        subject, shows = self._subject(key), spelled(value)
        former = [one[key] for one in before if key in one]
        if len(former) < self.min_history:
            reason = f"{len(former)} of {self.min_history} needed intervals before have a value"
            return self._not_evaluated(subject, shows, self._limit, reason)
        middle = median(former)
        baseline = spelled(middle)
        if abs(value) < self.min_value and abs(middle) < self.min_value:
            reason = f"it and the median are below {spelled(self.min_value)}"
            return self._not_evaluated(subject, shows, self._limit, reason)
        percent = abs(value - middle) / abs(middle) * 100 if middle else inf if value else 0.0
        if percent <= self.percent:
            return self.passed(subject, shows, self._limit, baseline)
        of_which = f"median of the {len(former)}" if len(former) > 1 else "one"
        than = f"{baseline}, the {of_which} before"
        far = f"{percent:.0f} % off {than}" if middle else f"where it was {than}"
        of = subject.removeprefix(f"{self.column} ")
        what = shown(self.column) + (f" of {of}" if key else "")
        why = f"the sum of {what} is {shows}, {far}; {self._limit} are allowed"
        return self.failed(subject, shows, self._limit, baseline, why=why)
