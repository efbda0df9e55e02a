"""The table at the end of a soak, and its verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.__main__ import files

ROOT = Path(__file__).parents[2]


def left(path: Path, *figures: dict[str, str | float]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in figures))
    return path


def test_the_figures_of_a_row_are_added_up(tmp_path: Path) -> None:
    path = left(
        tmp_path / "figures",
        {"what": "kills", "cases": 400, "lost": 0, "wrong": 0, "left_over": 0, "runs": 60},
        {"what": "fuzzing", "cases": 70_000, "wrong": 0},
        {"what": "kills", "cases": 600, "lost": 0, "wrong": 2, "left_over": 1, "runs": 90},
    )
    rows = table.rows(table.read(path), ["kills", "clocks"])
    assert [(row.fault, row.cases, row.verdict) for row in rows] == [
        ("kills", 1000, "FAILS"),
        ("clocks", 0, "NOT RUN"),
        ("fuzzing", 70_000, "holds"),
    ]
    assert rows[0].others == {"runs": 150}
    assert table.lines(rows) == [
        "fault     cases  lost  wrong  left over  verdict",
        "kills     1,000     0      2          1  FAILS",
        "clocks        0     -      -          -  NOT RUN",
        "fuzzing  70,000     -      0          -  holds",
    ]


def test_rows_are_promised_where_figures_are_left(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        'tried = Tried("kills")\nagain = Tried("kills")\nrecord(\n    "clocks", runs=1)\n'
    )
    assert table.promised([path]) == ["kills", "clocks"]
    assert "kill -9 at random moments" in table.promised(files())


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ({"cases": 1, "lost": 0, "wrong": 0, "left_over": 0}, "holds"),
        ({"runs": 7}, "holds"),
        ({"cases": 1, "lost": 1}, "FAILS"),
        ({"cases": 1, "wrong": 1}, "FAILS"),
        ({"cases": 1, "left_over": 1}, "FAILS"),
        ({"cases": 0, "lost": 0}, "NOT RUN"),
        ({}, "NOT RUN"),
    ],
)
def test_the_verdict_of_a_row(figures: dict[str, int], verdict: str) -> None:
    [row] = table.rows({"it": figures}, ["it"])
    assert row.verdict == verdict
    assert table.holds([row]) == (verdict == "holds")


@pytest.mark.parametrize("missing", [False, True])
def test_the_exit_code_tells_whether_every_row_holds(tmp_path: Path, missing: bool) -> None:
    promised = table.promised(files())
    figures: list[dict[str, str | float]] = [{"what": name, "cases": 3} for name in promised]
    path = left(tmp_path / "figures", *figures[missing:])
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--table", path],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == missing, done.stderr
    assert done.stdout.count("NOT RUN") == missing
    assert done.stdout.count("holds") == len(promised) - missing
