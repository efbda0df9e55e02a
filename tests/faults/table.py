"""The table of a soak: what was tried of each fault, and whether anything was lost, wrong or left over."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_COUNTS = ("cases", "runs", "faults")
"""What tells how much was tried, the first that is there."""
_BAD = ("lost", "wrong", "left_over")
_HEADER = ("fault", "cases", "lost", "wrong", "left over", "verdict")
_NAME = re.compile(r'\b(?:Tried|record)\(\s*"([^"]+)"')
HOLDS, FAILS, NOT_RUN = "holds", "FAILS", "NOT RUN"


class Row(NamedTuple):
    """What was tried of one fault. A figure is None where its test does not count it: it asserts it."""

    fault: str
    cases: int
    lost: int | None
    wrong: int | None
    left_over: int | None
    others: Mapping[str, float]

    @property
    def verdict(self) -> str:
        """Whether it holds."""
        if not self.cases:
            return NOT_RUN
        return FAILS if self.lost or self.wrong or self.left_over else HOLDS


def read(path: Path) -> dict[str, Counter[str]]:
    """The figures that tests have left in a file; those of the same name are added up."""
    found: dict[str, Counter[str]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        figures = json.loads(line)
        sums = found.setdefault(figures.pop("what"), Counter())
        for name, figure in figures.items():
            sums[name] += figure
    return found


def promised(files: Iterable[Path]) -> list[str]:
    """The rows that tests promise: the names under which they say that they leave their figures."""
    return [
        name for path in files for name in dict.fromkeys(_NAME.findall(path.read_text("utf-8")))
    ]


def rows(figures: Mapping[str, Mapping[str, float]], faults: Sequence[str]) -> list[Row]:
    """A row for each fault that there must be, then one for whatever else has left figures."""
    others = [fault for fault in figures if fault not in faults]
    return [_row(fault, figures.get(fault, {})) for fault in (*faults, *others)]


def _row(fault: str, figures: Mapping[str, float]) -> Row:
    given = dict(figures)
    cases = next((int(given.pop(name)) for name in _COUNTS if name in given), 0)
    lost, wrong, left_over = (int(given.pop(name)) if name in given else None for name in _BAD)
    return Row(fault, cases, lost, wrong, left_over, given)


def lines(table: Iterable[Row]) -> list[str]:
    """The table as text, its columns aligned."""
    cells: list[tuple[str, ...]] = [_HEADER]
    for row in table:
        numbers = (row.cases, row.lost, row.wrong, row.left_over)
        texts = ["-" if number is None else f"{number:,}" for number in numbers]
        cells.append((row.fault, *texts, row.verdict))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if 0 < at < len(widths) - 1 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def holds(table: Iterable[Row]) -> bool:
    """Whether every row was tried, and nothing went wrong."""
    return all(row.verdict == HOLDS for row in table)
