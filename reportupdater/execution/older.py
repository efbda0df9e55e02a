"""Results that an older query gave: of reports whose query was changed since."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from reportupdater.execution.digest import query_digest
from reportupdater.intervals import Coverage
from reportupdater.model import Report
from reportupdater.state import computed
from reportupdater.terminal.wording import count

CURE = "`rerun --changed` computes them again, `rerun --changed --dismiss` takes them as they are"
"""What to do about such results."""


class Older(NamedTuple):
    """The results of a report that an older query gave: how many, of how many series, and of when."""

    intervals: int
    series: int
    first: str
    last: str

    def __str__(self) -> str:
        when = self.first if self.first == self.last else f"{self.first} to {self.last}"
        of = "" if self.series == 1 else f" of {self.series:,} series"
        were = "was" if self.intervals == 1 else "were"
        return f"{count(self.intervals, 'interval')}{of}, {when}, {were} computed by an older query"


def by_tsv(
    connection: sqlite3.Connection, report: Report, done: Mapping[str, Coverage | None]
) -> dict[str, Coverage]:
    """Return the done intervals that an older query of a report gave; `done` is by TSV, too."""
    digest = query_digest(report)
    found: dict[str, Coverage] = {}
    for tsv, parts in computed.older(connection, report.name, digest).items():
        runs = [
            run
            for query, part in parts.items()
            if query.digest != digest and query.granularity is report.granularity
            for run in part.intervals.runs
        ]
        numbers = Coverage.joined(sorted(runs)).intersected(done.get(tsv) or Coverage())
        if numbers:
            found[tsv] = numbers
    return found


def summed(report: Report, found: Mapping[str, Coverage]) -> Older | None:
    """Return them as one; None where there are none."""
    if not found:
        return None
    label, start = report.granularity.label, report.granularity.start
    first = min(numbers.runs[0][0] for numbers in found.values())
    last = max(numbers.runs[-1][1] for numbers in found.values()) - 1
    return Older(sum(map(len, found.values())), len(found), label(start(first)), label(start(last)))
