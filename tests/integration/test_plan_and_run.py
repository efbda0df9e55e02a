"""What `plan` says is what `run` then does: random projects, histories, marks and clocks."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportupdater.cli import main
from reportupdater.execution.dispatch import FAILURES_IN_A_ROW
from reportupdater.intervals import Granularity
from tests.integration.plans import tree
from tests.making import floor

NOW = datetime(2025, 2, 1, 6)
WIKIS = ("enwiki", "dewiki")
# Fails for the days that are asked to fail; hours have an hour in their first column.
QUERY = (
    "SELECT '{{year}}-{{month}}-{{day}} {{hour}}:00' AS date,"
    " CASE WHEN '{{day}}' IN ({failing}) THEN abs(-9223372036854775807 - 1) ELSE 1 END AS n"
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def days(first: int, last: int) -> st.SearchStrategy[datetime]:
    """Moments so many days from now; those that lie back are as likely as the others."""
    return st.sampled_from([NOW + n * DAY for n in range(first, last + 1)])


def moments(first: int, last: int) -> st.SearchStrategy[datetime]:
    """The same, at any hour."""
    return st.builds(lambda day, n: day + n * HOUR, days(first, last), st.integers(0, 23))


@dataclass(frozen=True)
class Entry:
    """A report: its keys, and the intervals that each of its series has from before."""

    keys: dict[str, Any]
    failing: list[int]
    done: dict[str, list[datetime]]

    @property
    def granularity(self) -> Granularity:
        return Granularity(self.keys["granularity"])


def one_in(count: int) -> st.SearchStrategy[bool]:
    return st.sampled_from([True, *[False] * (count - 1)])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    granularity = draw(
        st.sampled_from(["days", "days", "days", "days", "weeks", "hours", "months"])
    )
    starts = draw(days(-2, -1) if granularity == "hours" else days(-30, -3))
    keys: dict[str, Any] = {"granularity": granularity, "starts": starts.isoformat()[:10]}
    optional = {
        "ends": st.integers(2, 40).map(lambda n: (starts + n * DAY).isoformat()[:10]),
        "lag": st.sampled_from([3600, 86400, 200_000]),
        "max_data_points": st.integers(1, 9),
        "schedule": st.sampled_from(["15 5 * * *", "0 12 * * sun", "*/30 * * * *", "0 0 1 * *"]),
        "backfill": st.integers(1, 5).map(lambda n: {"max_intervals": n}),
    }
    for name, values in optional.items():
        if draw(one_in(4)):
            keys[name] = draw(values)
    wikis: tuple[str, ...] = ()
    if draw(st.booleans()):
        wikis = WIKIS[: draw(st.integers(1, 2))]
        keys["explode_by"] = {"wiki": list(wikis)}
    done = {
        name: draw(st.lists(moments(-30, 3), min_size=2, max_size=9)) for name in wikis or ("",)
    }
    return Entry(keys, draw(st.sampled_from([[], [], [3, 17], [*range(1, 20)]])), done)


_names = st.sampled_from([[], [], ["a"]])


@dataclass(frozen=True)
class Step:
    """A moment, what a run is told, and the marks that somebody has left before it."""

    now: datetime
    arguments: list[str]
    marks: list[tuple[datetime, datetime, list[str]]]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    arguments: list[str] = []
    if draw(one_in(6)):
        arguments += ["--since", draw(days(-20, -2)).isoformat()]
    if draw(one_in(6)):
        arguments += ["--until", draw(days(-10, 3)).isoformat()]
    if draw(one_in(4)):
        arguments += ["--max-intervals", str(draw(st.integers(1, 4)))]
    if draw(one_in(4)):
        arguments += ["--report", draw(st.sampled_from("ab"))]
    if draw(one_in(4)):
        arguments += ["--only", "wiki=enwiki"]
    marks = []
    if draw(one_in(2)):
        since = draw(days(-30, 0))
        marks = [(since, since + draw(st.integers(3, 30)) * DAY, draw(_names))]
    return Step(draw(moments(-3, 12)), arguments, marks)


@settings(max_examples=30)
@given(st.tuples(entries(), entries()), st.lists(steps(), min_size=2, max_size=3))
def test_a_run_does_what_the_plan_says(reports: tuple[Entry, Entry], course: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as name, without_settings(Path(name)):
        folder = Path(name)
        project, output = folder / "project", folder / "output"
        made(project, output, dict(zip("ab", reports, strict=True)))
        for number, step in enumerate(course):
            for mark, (since, until, names) in enumerate(step.marks):
                path = project / ".reruns" / f"{number}-{mark}"
                path.parent.mkdir(exist_ok=True)
                path.write_text("\n".join([since.isoformat(), until.isoformat(), *names]))
            clock = ["--now", step.now.isoformat(), *step.arguments, str(project), str(output)]
            before = tree(folder)
            code, out = called("plan", "--json", "-l", "critical", *clock)
            if code == 2:  # no report has that series
                assert called("run", "-l", "critical", *clock) == (2, "")
                continue
            assert code == 0
            assert tree(folder) == before
            plan = intervals(json.loads(out))
            called("run", "--no-graphite", "-l", "critical", *clock)
            agree(plan, attempts(output))


def made(project: Path, output: Path, reports: dict[str, Entry]) -> None:
    """Make a project, and the TSVs that its output folder has from before."""
    project.mkdir()
    sqlite3.connect(project / "data.sqlite").close()
    config = {
        "databases": {"local": {"engine": "sqlite", "path": "data.sqlite"}},
        "reports": {name: {"db": "local", **entry.keys} for name, entry in reports.items()},
    }
    (project / "config.yaml").write_text(json.dumps(config))  # which is YAML too
    for name, entry in reports.items():
        failing = ", ".join(f"'{day:02}'" for day in entry.failing)
        (project / f"{name}.sql").write_text(QUERY.format(failing=failing or "''"))
        for wiki, done in entry.done.items():
            starts = sorted({floor(entry.granularity, moment) for moment in done})
            path = output / (f"{name}/{wiki}.tsv" if wiki else f"{name}.tsv")
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [f"{entry.granularity.label(start)}\t7\n" for start in starts]
            if rows:
                path.write_text("date\tn\n" + "".join(rows))


@contextlib.contextmanager
def without_settings(home: Path) -> Iterator[None]:
    """The program in this process, without the settings of whoever runs the tests.

    It is left as it was: the program sets up its own log.
    """
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home / "nobody"))
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)


def called(*arguments: str) -> tuple[int, str]:
    """A command's exit code, and what it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(arguments)
    return code, out.getvalue()


Work = dict[str, list[tuple[str, str]]]
"""TSV → the starts of intervals, each with the reason, oldest first."""


def intervals(plan: dict[str, Any]) -> Work:
    """What a plan says, interval by interval."""
    work: Work = defaultdict(list)
    for report in plan["reports"]:
        granularity = Granularity(report["granularity"])
        for series in report["series"]:
            for stretch in series["due"]:
                first, last = (granularity.place(stretch[name])[1] for name in ("first", "last"))
                assert last - first + 1 == stretch["count"]
                work[series["tsv"]] += [
                    (granularity.label(granularity.start(number)), stretch["reason"])
                    for number in range(first, last + 1)
                ]
        assert report["due"] == sum(len(work[one["tsv"]]) for one in report["series"])
    return {tsv: found for tsv, found in work.items() if found}


def attempts(output: Path) -> dict[str, list[tuple[str, str, bool]]]:
    """What the last run did, by its ledger."""
    found = defaultdict(list)
    path = output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        for tsv, *attempt in connection.execute(
            "SELECT tsv, start, reason, failed FROM attempts"
            " JOIN series ON series.id = attempts.series"
            " WHERE run = (SELECT MAX(id) FROM runs) ORDER BY tsv, start"
        ):
            found[tsv].append(tuple(attempt))
    return found


def agree(plan: Work, did: dict[str, list[tuple[str, str, bool]]]) -> None:
    """All that was planned was tried, and no more; where much fails, the rest waits."""
    assert plan.keys() == did.keys()
    for tsv, work in did.items():
        tried = [(start, reason) for start, reason, _ in work]
        if sum(failed for _, _, failed in work) < FAILURES_IN_A_ROW:
            assert tried == plan[tsv]
        else:
            assert set(tried) <= set(plan[tsv])
