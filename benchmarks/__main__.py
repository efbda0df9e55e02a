"""The cases, and the table of what was wanted and what was measured."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from calendar import timegm
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import at_farm, making
from benchmarks.making import Project
from benchmarks.measuring import Cost, Figure, medians, run
from reportupdater.execution.deliver import BATCH_POINTS
from reportupdater.model import Datapoint
from reportupdater.sinks.prometheus.sink import Receiver
from reportupdater.web.access import Access
from tests.servers import receivers
from tests.servers.mariadb import Mariadb, running_mariadb
from tests.servers.receivers import receiver
from tests.servers.stores import Prometheus, Store, Victoria, running

_BARE = Path(__file__).with_name("bare.py")
_RUN = Path(__file__).parents[1] / "run.py"
_LONG_AGO = date(1925, 1, 1)
_MEGABYTES = 90
_FILLED_DAYS = 3650
ONE_DAY = timedelta(days=1)
_FILLED_SINCE = date(2016, 1, 1)


class Bench:
    """A MariaDB with wikis, and a folder for all that is made."""

    def __init__(self, server: Mariadb, folder: Path, times: int) -> None:
        self.server = server
        self.folder = folder
        self.times = times
        self.wikis = making.make_wikis(server, 200)
        self._numbers = count()

    def fresh(self) -> Path:
        """A path where nothing is."""
        return self.folder / f"n{next(self._numbers)}"

    def project(self, wikis: int, **keys: Any) -> Project:
        """A project over the first so many wikis."""
        return making.make_project(self.fresh(), self.server, self.wikis[:wikis], **keys)

    def runner(self, project: Project, output: Path | None = None) -> Callable[[], Cost]:
        """Run a project, each time into an empty output folder, or again into the same."""

        def ours() -> Cost:
            place = output or self.fresh()
            cost = run([sys.executable, _RUN, "--now", project.now, project.folder, place])
            if output is None:
                shutil.rmtree(place)
            return cost

        return ours

    def bare(self, name: str, **arguments: Any) -> Callable[[], Cost]:
        """Run a bare loop, each time into an empty folder unless `output` is given."""

        def loop() -> Cost:
            place = self.fresh()
            place.mkdir()
            given = {"output": str(place), **arguments}
            cost = run([sys.executable, str(_BARE), name, json.dumps(given)])
            shutil.rmtree(place)
            return cost

        return loop

    def queries(self, project: Project, wikis: int, **arguments: Any) -> Callable[[], Cost]:
        """The bare loop over what a project asks."""
        given = {
            "port": self.server.port,
            "creds_file": str(self.server.creds_file),
            "wikis": self.wikis[:wikis],
            "starts": project.starts.isoformat(),
            "days": project.days,
            "query": making.QUERY,
        }
        return self.bare("queries", **{**given, **arguments})

    def compare(
        self,
        case: str,
        wanted: float,
        ours: Callable[[], Cost],
        against: str,
        base: Callable[[], Cost],
    ) -> Figure:
        """The ratio of two programs' times."""
        one, other = medians(ours, base, self.times)
        return Figure(
            case,
            against,
            wanted,
            one.seconds / other.seconds,
            one.megabytes,
            one.processor / other.processor,
        )


def backfill(bench: Bench) -> Iterator[Figure]:
    """20 wikis × 365 days."""
    project = bench.project(20, days=365)
    yield bench.compare(
        "backfill, 20 wikis × 365 days",
        1.0,
        bench.runner(project),
        "bare loop",
        bench.queries(project, 20),
    )


def wide(bench: Bench) -> Iterator[Figure]:
    """200 wikis × 30 days."""
    project = bench.project(200, days=30)
    yield bench.compare(
        "wide, 200 wikis × 30 days",
        1.1,
        bench.runner(project),
        "bare loop",
        bench.queries(project, 200),
    )


def long(bench: Bench) -> Iterator[Figure]:
    """One wiki over ten years, and over a hundred."""
    project = bench.project(1, days=3650, starts=_LONG_AGO)
    yield bench.compare(
        "long, 1 wiki × 3,650 days",
        1.1,
        bench.runner(project),
        "bare loop",
        bench.queries(project, 1),
    )
    longer = bench.project(1, days=36500, starts=_LONG_AGO)
    yield bench.compare(
        "longer, 1 wiki × 36,500 days",
        11,
        bench.runner(longer),
        "3,650 days",
        bench.runner(project),
    )


def slow(bench: Bench) -> Iterator[Figure]:
    """20 wikis × 20 days of queries that take 50 ms in the server."""
    project = bench.project(20, days=20, query=making.SLOW_QUERY, database="concurrency: 8")
    yield bench.compare(
        "slow queries, 20 × 20, concurrency 8",
        1.15,
        bench.runner(project),
        "bare loop, 8 threads",
        bench.queries(project, 20, query=making.SLOW_QUERY, threads=8),
    )


def nothing_due(bench: Bench) -> Iterator[Figure]:
    """200 and 1,000 series in which all is done."""
    some = bench.project(200, days=365)
    some_output = bench.fresh()
    bench.runner(some, some_output)()
    with _all_done(bench, 1000) as (many, many_output):
        # Files that have just been written are not trusted: they are read once more.
        _rest(bench.runner(some, some_output), bench.runner(many, many_output))
        yield bench.compare(
            "nothing due, 200 × 365 days done",
            4.0,
            bench.runner(some, some_output),
            "import yaml, sqlite3",
            lambda: run([sys.executable, "-c", "import yaml, sqlite3"]),
        )
        yield bench.compare(
            "nothing due, 1,000 × 3,650 days done",
            1.5,
            bench.runner(many, many_output),
            "200 × 365 days",
            bench.runner(some, some_output),
        )


def _rest(*runs: Callable[[], Cost]) -> None:
    time.sleep(3)
    for one in runs:
        one()
        one()


@contextmanager
def _all_done(bench: Bench, wikis: int) -> Iterator[tuple[Project, Path]]:
    names = making.wiki_names(wikis)
    folder, output = bench.fresh(), bench.fresh()
    project = making.make_project(
        folder, bench.server, names, starts=_FILLED_SINCE, days=_FILLED_DAYS
    )
    making.fill(output, names, _FILLED_SINCE, _FILLED_DAYS)
    yield project, output
    shutil.rmtree(output)


def first_run(bench: Bench) -> Iterator[Figure]:
    """200 series that the original has filled."""
    with _all_done(bench, 200) as (project, output):

        def ours() -> Cost:
            cost = bench.runner(project, output)()
            shutil.rmtree(output / ".reportupdater")
            return cost

        yield bench.compare(
            "first run over 200 × 3,650 days",
            1.5,
            ours,
            "csv.reader",
            bench.bare("reading", output=str(output)),
        )


def one_rerun(bench: Bench) -> Iterator[Figure]:
    """One day computed again, with other values, in a TSV of 800 days with a thousand rows each."""
    query = "SELECT '{from_date}' AS date, seq, seq % 7 AS n FROM seq_1_to_1000"
    project = bench.project(1, days=800, starts=_FILLED_SINCE, query=query)
    output = bench.fresh()
    bench.runner(project, output)()
    names = count()

    def ours() -> Cost:
        folder = project.folder / ".reruns"
        folder.mkdir(exist_ok=True)
        name = next(names)
        (folder / f"{name}").write_text(f"{project.starts}\n{project.starts + ONE_DAY}\n")
        # Of values that are the same nothing would be written.
        (project.folder / "daily.sql").write_text(query.replace("seq % 7", f"seq % 7 + {name}"))
        return bench.runner(project, output)()

    figure = bench.compare(
        "one rerun over 800,000 rows",
        1.6,
        ours,
        "csv.reader and writer",
        bench.bare("rewriting", output=str(output)),
    )
    yield replace(figure, megabytes=0.0)  # it has the TSV in memory, as the loop has


def graphite(bench: Bench) -> Iterator[Figure]:
    """The backfill with two datapoints a row."""
    plain = bench.project(20, days=365)
    with receiver(receivers.reads_all) as server:
        sending = bench.project(
            20,
            days=365,
            sink=f"graphite: {{host: {server.host}, port: {server.port}}}",
            report="graphite: {path: '{_metric}.{wiki}', metrics: {edits: edits, users: editors}}",
        )
        yield bench.compare(
            "Graphite on, 2 metrics a row",
            1.15,
            bench.runner(sending),
            "the same without",
            bench.runner(plain),
        )
        points = 2 * 20 * 365 * bench.times
        assert len(server.lines) == points, (len(server.lines), points)


def prometheus(bench: Bench) -> Iterator[Figure]:
    """The backfill with two datapoints a row, to a new series each time, and datapoints alone."""
    with running(Prometheus, window="400d") as store:
        yield from _to_store(bench, store)
    with running(Victoria) as store:
        yield from _to_store(bench, store)


def _to_store(bench: Bench, store: Store) -> Iterator[Figure]:
    days = 365
    starts = datetime.now(UTC).date() - timedelta(days=days)
    plain = bench.project(20, days=days, starts=starts)
    sending = bench.project(
        20,
        days=days,
        starts=starts,
        sink=f"prometheus: {store.section}",
        report="prometheus: {metrics: {edits: edits, users: editors}}",
    )
    config = sending.folder / "config.yaml"
    text, numbers = config.read_text(), count()

    def ours() -> Cost:
        labels = f"{{labels: {{time: '{next(numbers)}'}}, "
        config.write_text(text.replace("prometheus: {url", f"prometheus: {labels}url"))
        return bench.runner(sending)()

    yield bench.compare(
        f"{store.program}, 2 metrics a row",
        1.15,
        ours,
        "the same without",
        bench.runner(plain),
    )
    found = store.values('{__name__="edits"}')
    assert sum(map(len, found.values())) == 20 * days * next(numbers)
    yield Figure(f"20,000 points to {store.program}, s", "", 1.0, _sending(store, starts))


def _sending(store: Store, starts: date) -> float:
    """Return the seconds that 20,000 datapoints take."""
    first = timegm(starts.timetuple())
    points = [
        Datapoint(f'n{{wiki="{wiki}"}}', str(day), first + 86_400 * day)
        for wiki in range(100)
        for day in range(200)
    ]
    client = Receiver(f"{store.url}/api/v1/write", Access(), "x", None)
    began = time.monotonic()
    for at in range(0, len(points), BATCH_POINTS):
        client.send(points[at : at + BATCH_POINTS])
    seconds = time.monotonic() - began
    client.close()
    return seconds


def script(bench: Bench) -> Iterator[Figure]:
    """200 intervals of a script that prints one row."""
    project = making.make_script_project(bench.fresh(), days=200, at_once=2)
    yield bench.compare(
        "script, 200 intervals, 2 at once",
        1.3,
        bench.runner(project),
        "subprocess loop",
        bench.bare(
            "scripts",
            script=str(project.folder / "daily"),
            starts=project.starts.isoformat(),
            days=project.days,
            threads=2,
        ),
    )


def large_result(bench: Bench) -> Iterator[Figure]:
    """One result of a million rows."""
    project = bench.project(
        1, days=1, query="SELECT '{from_date}' AS date, seq, seq % 7 AS n FROM seq_1_to_1000000"
    )
    cost = bench.runner(project)()
    yield Figure("memory, a result of 1,000,000 rows, MB", "", 400, cost.megabytes)


def middle_results(bench: Bench) -> Iterator[Figure]:
    """800 results of 1,500 rows, of which none may stay when it is committed."""
    query = "SELECT '{from_date}' AS date, seq, seq * 12345 AS n, MD5(seq) AS x FROM seq_1_to_1500"
    cost = bench.runner(bench.project(20, days=40, query=query))()
    yield Figure("memory, 800 results of 1,500 rows, MB", "", _MEGABYTES, cost.megabytes)


CASES = (
    backfill,
    wide,
    long,
    slow,
    nothing_due,
    first_run,
    one_rerun,
    graphite,
    prometheus,
    script,
    middle_results,
    large_result,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 if a figure is not as wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="of which the median is taken")
    parser.add_argument(
        "--folder",
        type=Path,
        help="where `farm` builds, and finds what it has built before; else in a temporary folder",
    )
    parser.add_argument(
        "cases",
        nargs="*",
        metavar="CASE",
        help="only these; each for itself are `farm`, the commands at the size of a wiki farm (10 GB),"
        " and `site`, the pages of one",
    )
    given = parser.parse_args(arguments)
    head = f"{'case':<40} {'against':<22} {'wanted':>7} {'found':>7} {'cpu':>6} {'MB':>5}"
    print(head, "-" * len(head), sep="\n", flush=True)
    figures = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if given.cases == ["farm"]:
            measured = at_farm.figures(given.folder or Path(folder), given.times)
        elif given.cases == ["site"]:
            from benchmarks import at_site  # which needs a browser

            measured = at_site.figures(given.folder or Path(folder), given.times)
        else:
            measured = _figures(Path(folder), given.cases, given.times)
        for figure in measured:
            figures.append(figure)
            print(_line(figure), flush=True)
    missed = [figure for figure in figures if not figure.holds]
    print(f"{len(figures) - len(missed)} of {len(figures)} figures are as wanted")
    return bool(missed)


def _figures(folder: Path, cases: Sequence[str], times: int) -> Iterator[Figure]:
    peak = 0.0
    with running_mariadb() as server:
        bench = Bench(server, folder, times)
        for case in CASES:
            if not cases or case.__name__ in cases:
                for figure in case(bench):
                    peak = max(peak, figure.megabytes)
                    yield figure
    yield Figure("memory, the most of all cases above, MB", "", _MEGABYTES, peak)


def _line(figure: Figure) -> str:
    mark = "" if figure.holds else "  <- more than wanted"
    processor = f"{figure.processor:.2f}" if figure.processor else ""
    memory = f"{figure.megabytes:.0f}" if figure.megabytes else ""
    return (
        f"{figure.case:<40} {figure.against:<22} {figure.wanted:>7.2f} {figure.found:>7.2f}"
        f" {processor:>6} {memory:>5}{mark}"
    )


if __name__ == "__main__":
    sys.exit(main())
