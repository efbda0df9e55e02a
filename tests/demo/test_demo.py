"""The demo project: its data, and that its TSVs say what plain Python counts in the same rows."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from tests.helpers import ENVIRONMENT

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "queries" / "demo"
WIKIS = ["enwiki", "dewiki", "frwiki", "wikidatawiki", "commonswiki"]


@dataclass(frozen=True)
class Edit:
    wiki: str
    day: date
    user_type: str
    interface: str
    bytes: int


@pytest.fixture(scope="module")
def edits() -> list[Edit]:
    with sqlite3.connect(f"file:{DEMO / 'events.sqlite'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT wiki, timestamp, user_type, interface, bytes FROM edits")
        return [Edit(wiki, date.fromisoformat(when[:8]), *rest) for wiki, when, *rest in rows]


def run(output: Path) -> subprocess.CompletedProcess[str]:
    # Where no package stands beside it, run.py runs the one that is tested, wheel or work tree.
    output.parent.mkdir(exist_ok=True)
    run_py = shutil.copy(ROOT / "run.py", output.parent)
    return subprocess.run(
        [sys.executable, run_py, "-l", "info", DEMO, output],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "output"
    result = run(folder)
    assert result.returncode == 1, result.stderr  # for the fault that is planted
    (held,) = [line for line in result.stderr.splitlines() if " held: " in line]
    assert "weekly_users [2025-11-02, 2025-11-09): change: the sum of 'edits' of user_type=" in held
    return folder


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DEMO / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def days() -> list[date]:
    return [date(2025, 1, 1) + timedelta(days=day) for day in range(365)]


def weeks() -> list[tuple[date, date]]:
    return list(pairwise(date(2025, 1, 5) + timedelta(weeks=week) for week in range(52)))


def months() -> list[tuple[date, date]]:
    return list(pairwise([*(date(2025, month, 1) for month in range(1, 13)), date(2026, 1, 1)]))


def is_rounded(text: str, exact: float) -> bool:
    """Whether `text` is `exact` with one decimal, whichever way a tie went."""
    return len(text.partition(".")[2]) == 1 and abs(float(text) - exact) <= 0.05 + 1e-9


def count(edits: Iterable[Edit], condition: Callable[[Edit], bool]) -> int:
    return sum(map(condition, edits))


def test_the_shipped_events_are_what_the_generator_makes(tmp_path: Path) -> None:
    load("make_events").write(tmp_path / "events.sqlite")

    def dump(path: Path) -> list[str]:
        with sqlite3.connect(path) as database:
            return list(database.iterdump())

    assert dump(tmp_path / "events.sqlite") == dump(DEMO / "events.sqlite")


def test_the_events_are_those_of_every_day_of_2025_on_the_listed_wikis(edits: list[Edit]) -> None:
    assert (DEMO / "wikis.txt").read_text().splitlines() == WIKIS
    assert {(edit.wiki, edit.day) for edit in edits} == {
        (wiki, day) for wiki in WIKIS for day in days()
    }


def test_the_sample_data_is_small() -> None:
    assert (DEMO / "events.sqlite").stat().st_size < 600_000


@pytest.mark.parametrize("wiki", WIKIS)
def test_daily_edits_are_those_of_each_wiki(output: Path, edits: list[Edit], wiki: str) -> None:
    wanted = [["date", "edits", "by_anonymous", "by_bots", "bytes"]]
    for day in days():
        of_day = [edit for edit in edits if edit.wiki == wiki and edit.day == day]
        users = Counter(edit.user_type for edit in of_day)
        size = sum(edit.bytes for edit in of_day)
        numbers = len(of_day), users["anonymous"], users["bot"], size
        wanted.append([day.isoformat(), *map(str, numbers)])
    assert table(output / "daily_edits" / f"{wiki}.tsv") == wanted


def test_daily_interfaces_have_a_row_for_each_that_was_used(
    output: Path, edits: list[Edit]
) -> None:
    sizes: dict[tuple[str, str], list[int]] = {}
    for edit in edits:
        if edit.user_type != "bot":
            sizes.setdefault((edit.day.isoformat(), edit.interface), []).append(edit.bytes)
    header, *rows = table(output / "daily_interfaces.tsv")
    assert header == ["date", "interface", "edits", "mean_bytes"]
    assert [(day, interface, int(number)) for day, interface, number, _ in rows] == [
        (*key, len(sizes[key])) for key in sorted(sizes)
    ]
    for day, interface, _, mean in rows:
        of_both = sizes[day, interface]
        assert is_rounded(mean, sum(of_both) / len(of_both))


def test_weekly_wikis_stand_side_by_side(output: Path, edits: list[Edit]) -> None:
    wanted = [["week", *WIKIS]]
    for start, end in weeks():
        counts = Counter(edit.wiki for edit in edits if start <= edit.day < end)
        wanted.append([start.isoformat(), *(str(counts[wiki]) for wiki in WIKIS)])
    assert table(output / "weekly_wikis.tsv") == wanted


def test_weekly_users_lack_the_week_in_which_each_edit_is_counted_three_times(
    output: Path, edits: list[Edit]
) -> None:
    wanted = [["week", "user_type", "edits"]]
    for start, end in weeks():
        counts = Counter(edit.user_type for edit in edits if start <= edit.day < end)
        if start != date(2025, 11, 2):
            wanted += [[start.isoformat(), kind, str(counts[kind])] for kind in sorted(counts)]
    assert table(output / "weekly_users.tsv") == wanted


def test_the_monthly_summary_is_over_all_wikis(output: Path, edits: list[Edit]) -> None:
    header, *rows = table(output / "monthly_summary.tsv")
    assert header == ["month", "edits", "edits_a_day", "bot_percent", "ve_percent"]
    assert [row[0] for row in rows] == [start.isoformat() for start, _ in months()]
    for row, (start, end) in zip(rows, months(), strict=True):
        of_month = [edit for edit in edits if start <= edit.day < end]
        number = len(of_month)
        assert row[1] == str(number)
        assert is_rounded(row[2], number / (end - start).days)
        bots = count(of_month, lambda edit: edit.user_type == "bot")
        assert is_rounded(row[3], 100 * bots / number)
        visual = count(of_month, lambda edit: edit.interface == "visualeditor")
        assert is_rounded(row[4], 100 * visual / number)


def test_monthly_edit_sizes_are_quartiles(output: Path, edits: list[Edit]) -> None:
    header, *rows = table(output / "monthly_edit_sizes.tsv")
    assert header == ["month", "q1", "median", "q3", "largest"]
    assert [row[0] for row in rows] == [start.isoformat() for start, _ in months()]
    for row, (start, end) in zip(rows, months(), strict=True):
        sizes = sorted(abs(edit.bytes) for edit in edits if start <= edit.day < end)
        for text, part in zip(row[1:4], (0.25, 0.5, 0.75), strict=True):
            at = part * (len(sizes) + 1)
            below, above = sizes[int(at) - 1], sizes[int(at)]
            assert float(text) == below + (above - below) * (at % 1)
        assert row[4] == str(sizes[-1])


def test_the_demo_run_again_finds_nothing_due_and_touches_nothing(output: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in output.glob("**/*.tsv")}
    assert len(before) == 10
    result = run(output)
    assert result.returncode == 1
    assert "nothing is due, 1 result held before" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in output.glob("**/*.tsv")} == before


def test_the_plot_fits_the_terminal(output: Path) -> None:
    plot = load("plot").plot
    for path in output.glob("**/*.tsv"):
        for column in table(path)[0][1:]:
            if column in ("interface", "user_type"):
                continue
            lines = plot(path, column).splitlines()
            assert len(lines) == 11
            assert max(map(len, lines)) <= 80


def test_the_plot_draws_averages(tmp_path: Path) -> None:
    tsv = tmp_path / "a.tsv"
    tsv.write_text("date\tn\n" + "".join(f"{day}\t{4 if day.month > 6 else 2}\n" for day in days()))
    title, top, *_, middle, _, _, _, _, axis = load("plot").plot(tsv, "n").splitlines()
    assert title.strip() == "n, 365 dates, a bar is the average of 7"
    assert top == f"       4 ┤{' ' * 26}{'█' * 27}"
    assert middle == f"       2 ┤{'█' * 53}"
    assert axis.split() == ["2025-01-01", "2025-12-31"]


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("date\tn\n", "m", "no column 'm' (it has: n)"),
        ("date\tn\n2025-01-01\tx\n", "n", "'x' in column 'n' is no number"),
        (None, "n", "No such file"),
    ],
)
def test_the_plot_says_what_it_cannot_draw(
    tmp_path: Path, content: str | None, column: str, message: str
) -> None:
    tsv = tmp_path / "a.tsv"
    if content is not None:
        tsv.write_text(content)
    result = subprocess.run(
        [sys.executable, DEMO / "plot.py", tsv, column],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
