"""What the commands take at the size of a wiki farm: seconds and megabytes, not ratios."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.farm import Farm, Size, build
from benchmarks.measuring import Cost, Figure, run

_SECONDS = 1.5
_MEGABYTES = 100


def figures(folder: Path, times: int) -> Iterator[Figure]:
    """Build the farms in a folder, where they are not there yet, and measure in each."""
    for days in (365, 3650):
        for history in (False, True):
            farm = build(folder / f"{days}{'-history' if history else ''}", Size(days, history))
            yield from _figures(farm, times)


def _figures(farm: Farm, times: int) -> Iterator[Figure]:
    where = f"{farm.size.days:,} days" + (" and history" if farm.size.history else "")
    now = ("--now", farm.now)
    folders = (farm.project, farm.output)
    turned = (farm.output, farm.project)
    cases: dict[str, tuple[str | Path, ...]] = {
        "run, nothing due": ("run", *now, *folders),
        "plan --json": ("plan", "--json", *now, *folders),
        "status --json --series": ("status", "--json", "--series", *now, *turned),
        "status --report": ("status", "--report", "report_07", *now, *turned),
    }
    for case, words in cases.items():
        costs = [run([sys.executable, "-m", "reportupdater", *words]) for _ in range(times)]
        yield _figure(case, where, costs)
        if case.startswith("plan"):
            most = max(cost.megabytes for cost in costs)
            yield Figure(f"{case}, MB", where, _MEGABYTES, most)


def _figure(case: str, where: str, costs: list[Cost]) -> Figure:
    return Figure(
        f"{case}, seconds",
        where,
        _SECONDS,
        statistics.median(cost.seconds for cost in costs),
        max(cost.megabytes for cost in costs),
        statistics.median(cost.processor for cost in costs),
    )
