"""What is remembered of TSVs never changes what is due: compared with a run that remembers nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportupdater.execution.due import due_of
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage, Granularity
from reportupdater.planning.plan import Clock
from reportupdater.state import coverage
from reportupdater.state.coverage import Identity
from reportupdater.state.database import State
from reportupdater.tsv import rows
from tests.making import report

CLOCK = Clock(datetime(2015, 1, 21))
SERIES = ("enwiki", "dewiki")
REPORT = report(dimensions={"wiki": SERIES})
HEADER = "date\tn\n"
_TICK = 0.011  # what changes a file twice within a tick of the kernel leaves the same times


def days(first: int, past: int) -> str:
    return "".join(f"2015-01-{day:02}\t{day}\n" for day in range(first, past))


def edit(path: Path, number: int) -> None:
    """Another date in a row, in place; the size stays."""
    if path.exists():
        text = path.read_text()
        at = len(HEADER) + number % max(1, text.count("\n")) * 12
        if text[at : at + 8] == "2015-01-":
            with path.open("r+") as file:
                file.seek(at + 8)
                file.write(f"{number % 20 + 1:02}")


def delete(path: Path, number: int) -> None:
    path.unlink(missing_ok=True)


def write(path: Path, number: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + days(1 + number % 5, 6 + number % 15))


def truncate(path: Path, number: int) -> None:
    if path.exists():
        os.truncate(path, number * 7 % (path.stat().st_size + 1))


def append(path: Path, number: int) -> None:
    if path.exists():
        with path.open("a") as file:
            file.write(days(20, 21))


def replace(path: Path, number: int) -> None:
    """As editors do: another file takes the name, with the old one's mtime."""
    if path.exists():
        other = path.with_name("other")
        other.write_text(HEADER + days(1, 2 + number % 19))
        found = path.stat()
        os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
        other.replace(path)


def back_up(path: Path, number: int) -> None:
    if path.exists():
        shutil.copy2(path, path.with_name(f"{path.name}.old"))


def restore(path: Path, number: int) -> None:
    """With the times that it had."""
    old = path.with_name(f"{path.name}.old")
    if old.exists():
        shutil.copy2(old, path)


CHANGES: list[Callable[[Path, int], None]] = [
    edit,
    delete,
    write,
    truncate,
    append,
    replace,
    back_up,
    restore,
]
changes = st.tuples(st.sampled_from(CHANGES), st.sampled_from(SERIES), st.integers(0, 99))


def due(state: State) -> tuple[list[str], list[str]]:
    """The tasks of the report, and what is wrong with its TSVs."""
    summary = Summary()
    dues = due_of(state, REPORT, [], CLOCK, summary)
    return [str(task) for due in dues for task in due.tasks()], list(summary.troubles)


@contextmanager
def nothing_remembered(state: State) -> Iterator[None]:
    """What is remembered is out of the way for a while."""
    with state.transaction() as connection:
        kept = connection.execute("SELECT * FROM coverage").fetchall()
        connection.execute("DELETE FROM coverage")
    yield
    with state.transaction() as connection:
        connection.execute("DELETE FROM coverage")
        marks = ", ".join("?" * 9)
        connection.executemany(f"INSERT INTO coverage VALUES ({marks})", kept)


@settings(max_examples=60)
@given(st.lists(changes, min_size=1, max_size=8))
def test_what_is_due_is_the_same_with_and_without_memory(
    course: list[tuple[Callable[[Path, int], None], str, int]],
) -> None:
    with (
        TemporaryDirectory() as folder,
        State(Path(folder)) as state,
        pytest.MonkeyPatch.context() as patch,
    ):
        # As if every file were read long after its last change.
        patch.setattr(coverage, "is_stable", lambda file: True)
        for wiki in SERIES:
            write(Path(folder) / "report" / f"{wiki}.tsv", 3)
        due(state)
        for change, wiki, number in course:
            time.sleep(_TICK)
            change(Path(folder) / "report" / f"{wiki}.tsv", number)
            found = due(state)
            with nothing_remembered(state):
                assert due(state) == found
            assert due(state) == found


def test_what_has_just_changed_is_not_remembered() -> None:
    now = time.time_ns()
    second = 1_000_000_000

    def file(mtime: int, ctime: int) -> Identity:
        return Identity(
            size=1, inode=1, mtime_ns=now + mtime * second, ctime_ns=now + ctime * second
        )

    assert coverage.is_stable(file(-3, -3))
    assert not coverage.is_stable(file(-1, -3))
    assert not coverage.is_stable(file(-3, -1))
    assert not coverage.is_stable(file(60, -3))  # by another clock


def test_files_of_another_granularity_are_read_again(tmp_path: Path) -> None:
    with State(tmp_path) as state, pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "is_stable", lambda file: True)
        for wiki in SERIES:
            write(tmp_path / "report" / f"{wiki}.tsv", 3)
        due(state)
        assert coverage.recall(state, "report", Granularity.DAYS).keys() == {
            "report/enwiki.tsv",
            "report/dewiki.tsv",
        }
        assert coverage.recall(state, "report", Granularity.WEEKS) == {}


def test_a_tsv_that_has_not_changed_is_not_read(tmp_path: Path) -> None:
    with State(tmp_path) as state, pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "is_stable", lambda file: True)
        for wiki in SERIES:
            write(tmp_path / "report" / f"{wiki}.tsv", 3)
        first = due(state)
        read: list[str] = []

        def reading(path: Path, _: Granularity) -> Coverage:
            read.append(path.name)
            return Coverage()

        patch.setattr(rows, "coverage", reading)
        assert due(state) == first
        assert read == []
        append(tmp_path / "report" / "enwiki.tsv", 0)
        due(state)
        assert read == ["enwiki.tsv"]
