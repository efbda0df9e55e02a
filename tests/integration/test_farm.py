"""The farm that `make bench farm` measures on is as runs leave an output folder."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.farm import Farm, Size, build
from tests.helpers import ENVIRONMENT

SMALL = Size(days=40, history=True, reports=2, wikis=3)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    return build(tmp_path_factory.mktemp("farm"), SMALL)


def called(farm: Farm, command: str, *arguments: str | Path) -> str:
    words = [sys.executable, "-m", "reportupdater", command, "--now", farm.now, *arguments]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def facts(farm: Farm) -> list[list[tuple[object, ...]]]:
    """What a state holds, but for moments and numbers of runs."""
    queries = (
        "SELECT tsv, report FROM series ORDER BY tsv",
        "SELECT tsv, answers FROM answered JOIN series ON series.id = series ORDER BY tsv",
        "SELECT report, granularity, dimensions FROM owners ORDER BY report",
        """SELECT tsv, start, failed, reason, rows, error FROM attempts
        JOIN series ON series.id = attempts.series ORDER BY tsv, start""",
    )
    with closing(sqlite3.connect(farm.state)) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def test_a_farm_is_as_a_run_leaves_it(farm: Farm, tmp_path: Path) -> None:
    made = replace(farm, output=tmp_path / "output")
    called(made, "run", made.project, made.output)
    assert facts(farm) == facts(made)
    one = "report_01/w002wiki.tsv"
    wanted = (made.output / one).read_text().splitlines()
    found = (farm.output / one).read_text().splitlines()
    assert [line.split("\t")[0] for line in found] == [line.split("\t")[0] for line in wanted]
    assert len(found) == 1 + SMALL.days


def test_nothing_is_due_on_a_farm(farm: Farm) -> None:
    plan = json.loads(called(farm, "plan", "--json", farm.project, farm.output))
    assert plan["due"] == 0
    status = json.loads(called(farm, "status", "--json", farm.output, farm.project))
    assert [(one["series"], one["missing"]) for one in status["reports"]] == [(3, 0), (3, 0)]
    assert called(farm, "run", farm.project, farm.output) == ""


def test_a_farm_is_built_once(tmp_path: Path) -> None:
    size = replace(SMALL, days=2)
    built = build(tmp_path, size)
    before = built.state.stat().st_mtime_ns
    assert build(tmp_path, size) == built
    assert built.state.stat().st_mtime_ns == before
    build(tmp_path, replace(size, days=3))
    assert len((built.output / "report_00" / "w000wiki.tsv").read_text().splitlines()) == 1 + 3
