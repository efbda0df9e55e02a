"""Declared checks in runs: what they hold, and that it does not depend on how a run came to it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reportupdater import Request, run
from reportupdater.operations.rerun import rerun
from reportupdater.state import held
from reportupdater.state.connection import look
from tests.helpers import SQLITE, Project

FIRST = datetime(2025, 1, 1)
QUERY = "SELECT day AS date, wiki, n FROM source WHERE day = '{from_date}' ORDER BY wiki"
CHANGE = "checks: {change: {n: {percent: 50, of: 3, min_history: 2}}}"


def project(tmp_path: Path, report: str = CHANGE, concurrency: int = 4) -> Project:
    databases = SQLITE.replace(
        "path: data.sqlite", f"path: data.sqlite, concurrency: {concurrency}"
    )
    assert databases != SQLITE
    one = Project(tmp_path, f"{databases}reports: {{edits: {{{report}}}}}\n", {"edits.sql": QUERY})
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source:
        source.execute("CREATE TABLE source (day TEXT, wiki TEXT, n)")
    return one


def fill(one: Project, values: dict[int, object], wiki: str = "a") -> None:
    """Give days, by their places, one row each."""
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source, source:
        for day in values:
            source.execute("DELETE FROM source WHERE day = ? AND wiki = ?", (label(day), wiki))
        source.executemany(
            "INSERT INTO source VALUES (?, ?, ?)",
            [(label(day), wiki, value) for day, value in values.items()],
        )


def label(day: int) -> str:
    return f"{FIRST + timedelta(day):%Y-%m-%d}"


def request(one: Project, days: int) -> Request:
    return Request(
        project=one.folder, output=one.output, now=FIRST + timedelta(days), host_files=()
    )


def held_of(one: Project) -> dict[str, str]:
    """What is held, and why."""
    with look(one.output) as connection:
        assert connection is not None
        return {f"{one.start} {one.check}": one.why for one in held.listed(connection)}


def modelled(values: dict[int, float], percent: float = 50, of: int = 3) -> set[int]:
    """Which days change too much, of days that come one after the other."""
    published: dict[int, float] = {}
    bad = set()
    for day, value in values.items():
        before = [published[d] for d in range(day - 7, -1, -7) if d in published][:of]
        if len(before) >= 2 and abs(value - median(before)) * 100 > percent * median(before):
            bad.add(day)
        else:
            published[day] = value
    return bad


def test_what_fails_is_held_and_accepted(tmp_path: Path) -> None:
    report = "checks: {rows: {max: 1}, values: {wiki: {allowed: [a, b], severity: warn}}}"
    one = project(tmp_path, report)
    fill(one, {0: 5, 1: 6})
    fill(one, {1: 6}, "b")
    fill(one, {0: 5}, "x")
    fill(one, {2: 5}, "x")
    said = one.run(now=label(3), code=1)
    assert (
        "held: 2 of edits, the first is edits [2025-01-01, 2025-01-02): rows: the result has"
        in said
    )
    assert "'x' of column 'wiki' is none of a, b" in said  # a warning, of the third day
    assert one.dates("edits") == ["2025-01-03"]
    assert set(held_of(one)) == {"2025-01-01 rows", "2025-01-02 rows"}
    one.call("accept", one.folder, one.output, "--check", "rows", "--until", "2025-01-02")
    assert one.dates("edits") == ["2025-01-01", "2025-01-01", "2025-01-03"]


def test_a_column_that_is_missing_is_held_by_name(tmp_path: Path) -> None:
    one = project(tmp_path, "checks: {range: {edits: {min: 0}}}")
    fill(one, {0: 5})
    said = one.run(now=label(1), code=1)
    assert "range: the result has no column 'edits'" in said


@pytest.mark.long
@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("step", [1, 9, 60])
def test_outcomes_do_not_depend_on_concurrency_or_on_how_much_is_done_at_once(
    tmp_path: Path, concurrency: int, step: int
) -> None:
    random = Random(7)
    values: dict[int, float] = {day: random.choice([90, 100, 110]) for day in range(60)}
    values.update(dict.fromkeys(random.sample(range(25, 60), 5), 300.0))
    bad = modelled(values)
    assert len(bad) >= 4
    one = project(tmp_path, CHANGE, concurrency)
    fill(one, dict(values))
    for days in range(step, 61, step):
        run(request(one, days))
    run(request(one, 60))
    assert {start.split()[0] for start in held_of(one)} == {label(day) for day in bad}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    values=st.lists(st.sampled_from([60, *[100] * 5, 140, 0, 1000]), min_size=30, max_size=40),
    stops=st.sets(st.integers(1, 40), max_size=4),
    again=st.sets(st.integers(0, 39), max_size=5),
)
def test_a_baseline_is_of_published_intervals_before_and_never_of_the_one_under_test(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], stops: set[int], again: set[int]
) -> None:
    bad = modelled(dict(enumerate(values)))
    assume(not any({day, day + 1, day + 2} <= bad for day in bad))  # a series would wait then
    one = project(tmp_path_factory.mktemp("one"))
    fill(one, dict(enumerate(values)))
    for days in sorted({*(one for one in stops if one < len(values)), len(values)}):
        run(request(one, days))
    assert {start.split()[0] for start in held_of(one)} == {label(day) for day in bad}
    # What is computed again is compared with what is before it, as it was the first time.
    for day in again & {*range(len(values))}:
        since, until = FIRST + timedelta(day), FIRST + timedelta(day + 1)
        rerun(replace(request(one, len(values)), since=since, until=until))
    run(request(one, len(values)))
    assert {start.split()[0] for start in held_of(one)} == {label(day) for day in bad}


def test_accepting_starts_a_new_baseline(tmp_path: Path) -> None:
    one = project(tmp_path)
    fill(one, dict.fromkeys(range(21), 100))
    run(request(one, 21))
    fill(one, dict.fromkeys(range(21, 28), 400))
    run(request(one, 28))
    assert len(held_of(one)) == 3  # the rest waits
    one.call("accept", one.folder, one.output)
    run(request(one, 28))
    assert len(held_of(one)) == 3  # other weekdays
    one.call("accept", one.folder, one.output)
    run(request(one, 28))
    one.call("accept", one.folder, one.output)
    fill(one, dict.fromkeys(range(28, 35), 400))
    run(request(one, 35))
    # Of each weekday the median is of 100, 100 and 400 now: once more, and it is of 400.
    assert len(held_of(one)) == 3


def test_stored_intervals_are_checked_too(tmp_path: Path) -> None:
    one = project(tmp_path, "description: edits")
    fill(one, {**dict.fromkeys(range(28), 100), 15: 250, 22: 160})
    run(request(one, 28))
    config = (one.folder / "config.yaml").read_text()
    one.write("config.yaml", config.replace("description: edits", CHANGE))
    said = one.call("check", one.folder, "--output", one.output).stdout
    assert (
        "2 stored intervals of report 'edits' failed the check change (the first is edits 2025-01-16:"
        " the sum of 'n' is 250, 150 % off 100, the median of the 2 before; 50 % are allowed)"
        in said
    )
    one.call("check", one.folder, "--output", one.output, "--strict", code=1)


def test_a_trial_shows_each_check_with_its_baseline(tmp_path: Path) -> None:
    one = project(tmp_path, CHANGE.replace("{change", "{rows: {min: 1}, change"))
    fill(one, dict.fromkeys(range(21), 100))
    run(request(one, 20))
    line = ("try", one.folder, "edits", "--date", label(20))
    said = one.call(*line, "--output", one.output).stdout
    shown = [" ".join(row.split()) for row in said.splitlines()]
    assert "rows passed 1 at least 1" in shown
    assert "change n passed 100 50 % 100" in shown
    assert "change of n is not evaluated: --output FOLDER compares" in one.call(*line).stdout
    fill(one, {20: 900})
    answer = one.call(*line, "--output", one.output, code=1)
    assert "A run would hold the result" in answer.stdout
    assert "ERROR the check change fails: the sum of 'n' is 900, 800 % off 100" in answer.stderr
    assert json.loads(one.call("held", one.folder, one.output, "--json").stdout)["held"] == []
