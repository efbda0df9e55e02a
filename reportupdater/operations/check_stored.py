"""The checks that reports declare, run over all that is stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from reportupdater.checks.base import CheckResult, Rows, Sums
from reportupdater.checks.change import Change
from reportupdater.errors import Problem, Severity, TsvError
from reportupdater.execution.baselines import declared
from reportupdater.model import Report, Series
from reportupdater.operations.check_report import Places
from reportupdater.planning.explode import explode
from reportupdater.terminal.wording import count
from reportupdater.tsv import files
from reportupdater.tsv.rows import checked_rows


def check_stored(report: Report, places: Places, output: Path) -> Iterator[Problem]:
    """Yield a warning for each check that stored intervals fail, with how many, and the first of them."""
    if not report.declared:
        return
    walk = files.Walk(files.opened(output))
    failed: dict[str, tuple[int, str]] = {}
    for series in explode(report):
        try:
            for label, one in _failed(series, walk):
                many, first = failed.get(one.check, (0, f"{series} {label}: {one.why}"))
                failed[one.check] = many + 1, first
        except (TsvError, OSError):
            continue  # its damage is reported with its header
    for check, (many, first) in failed.items():
        what = (
            f"{count(many, 'stored interval')} of report {report.name!r} failed the check {check}"
        )
        hint = f"the first is {first}"
        yield places.problem(Severity.WARNING, what, places.key("checks"), hint)


def _failed(series: Series, walk: files.Walk) -> Iterator[tuple[str, CheckResult]]:
    """Yield what fails in a TSV, one for each interval and kind of check, with the interval's start.

    Of the rows those of an interval are there at a time, and of those before it sums.
    """
    report = series.report
    granularity = report.granularity
    before: dict[tuple[Change, int], deque[Sums]] = {}
    rows = checked_rows(walk.place(series.tsv), granularity)
    header = next(rows, None)
    for number, some in groupby(rows, key=lambda row: row.number):
        cells = [row.cells for row in some]
        has_values = any(any(row[1:]) for row in cells)
        result = Rows(header.cells if header else (), cells if has_values else [])
        found: dict[str, CheckResult] = {}
        for check in declared(report):
            kept: deque[Sums] = deque()
            if isinstance(check, Change):
                kept = before.setdefault(
                    (check, number % check.step(granularity)), deque(maxlen=check.of)
                )
            for one in check.results(result, list(kept)):
                if one.verdict == "failed":
                    found.setdefault(one.check, one)
            if isinstance(check, Change) and (sums := check.sums(result)):
                kept.appendleft(sums)
        label = granularity.label(granularity.start(number))
        yield from ((label, one) for one in found.values())
