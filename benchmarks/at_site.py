"""What the site of a wiki farm takes: seconds of the command, bytes, and seconds in Chromium."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.farm import ENDS, Farm, Size, build, day_more
from benchmarks.measuring import Cost, Figure, run
from reportupdater.intervals import Granularity
from reportupdater.publish.columns import block
from tests.servers.browser import QUIET, tab

_DAYS = 365


def figures(folder: Path, times: int) -> Iterator[Figure]:
    """Build a farm in a folder, and measure its site; each figure is the median of several."""
    farm = build(folder / "site-farm", Size(_DAYS))
    site = folder / "site"
    where = f"{farm.size.series:,} series"
    costs = []
    for _ in range(times):
        shutil.rmtree(site, ignore_errors=True)
        costs.append(_write(farm, site, ENDS))
    yield _figure("site, whole", where, 60.0, costs)
    costs = [_write(farm, site, ENDS) for _ in range(times)]
    yield _figure("site, nothing changed", where, 0.5, costs)
    costs = []
    for number in range(times):
        today = ENDS + timedelta(days=number + 1)
        day_more(farm, number + 1)
        costs.append(_write(farm, site, today))
    yield _figure("site, after a day's run", where, 5.0, costs)
    size = len(gzip.compress((site / "index.html").read_bytes()))
    yield Figure("index, gzipped, KB", where, 100.0, size / 1000)
    yield Figure("217 series × 3,650 points drawn, s", "Chromium", 1.0, _drawn(site))


def _write(farm: Farm, site: Path, now: date) -> Cost:
    words = ("site", farm.output, farm.project, "--to", site, "--now", now.isoformat())
    return run([sys.executable, "-m", "reportupdater", *words])


def _figure(case: str, where: str, wanted: float, costs: list[Cost]) -> Figure:
    middle = sorted(costs, key=lambda cost: cost.seconds)[len(costs) // 2]
    return Figure(
        f"{case}, s",
        where,
        wanted,
        middle.seconds,
        max(cost.megabytes for cost in costs),
        middle.processor,
    )


def _drawn(site: Path) -> float:
    """Return how long the chart of a report with long series takes to be drawn, once they are loaded."""
    first = Granularity.DAYS.number(Granularity.DAYS.start(735_600))
    days = [Granularity.DAYS.label(Granularity.DAYS.start(first + n)) for n in range(3650)]
    name = next(iter(sorted(os.listdir(site / "reports")))).removesuffix(".html")
    for script in (site / "data" / name).iterdir():
        number = sum(script.name.encode())
        rows = [(day, str((n * 7919 + number) % 1000), "1") for n, day in enumerate(days)]
        tsv = f"{name}/{script.name.removesuffix('.js')}"
        script.write_text(block(tsv, ("date", "edits", "editors"), rows, Granularity.DAYS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*QUIET]
        )
        with tab(browser, site) as one:
            one.page.set_default_timeout(120_000)
            one.show(f"reports/{name}.html")
            one.click("all", "#picker")
            assert one.of_chart("chart.lines.length") == 217
            seconds = one.seconds_to_draw()
        browser.close()
    return seconds
