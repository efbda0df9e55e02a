"""Whatever stands in a TSV or a file of marks, it is taken as it is or told with file and line."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportupdater.errors import Severity, TsvError
from reportupdater.execution.due import due_of
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Granularity
from reportupdater.model import Reason, Report
from reportupdater.planning.plan import Clock
from reportupdater.state import journal, reruns
from reportupdater.state.database import State
from reportupdater.state.journal import Result
from reportupdater.tsv import dialect, replacing
from reportupdater.tsv import rows as tsv
from tests.faults.soak import LONG, cases, record
from tests.machine import at
from tests.making import NASTY, cells, granularities, report

pytestmark = pytest.mark.timeout(3600 if LONG else 300)

LONGEST = 20.0
"""Seconds for one case: far more than any takes, far less than for ever."""
LONGEST_MESSAGE = 2000
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

BYTES = (
    *(text.encode() for text in NASTY),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0" * 4096, b"\x1b[2J", b"\r\r\n", b'"' * 9),
    *(b"0001-01-01", b"9999-12-31", b"9999-12-31T23:59:59.9999999", b"2015-02-30", b"2015-1-1", b"15-01-01"),
    *("२०१५-०१-०१".encode(), b"9" * 5000, b"x" * 100_000, b"\t" * 3000, b"\n" * 50, b"date\tn\n", b"<<<<<<< HEAD\n"),
)  # fmt: skip


def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """The same with something done to it."""
    at = draw(st.integers(0, len(data)))
    past = min(len(data), at + draw(st.sampled_from([0, 1, 3, 12, 60])))
    match draw(
        st.sampled_from(["put", "put", "over", "cut", "off", "twice", "bit", "cr lf", "line"])
    ):
        case "put":
            return data[:at] + draw(st.sampled_from(BYTES)) + data[at:]
        case "over":
            return data[:at] + draw(st.sampled_from(BYTES)) + data[past:]
        case "cut":
            return data[:at] + data[past:]
        case "off":
            return data[:at]
        case "twice":
            return data[:at] + data[at:past] + data[at:]
        case "bit" if at < len(data):
            bit = 1 << draw(st.integers(0, 7))
            return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        case "line":
            lines = data.splitlines(keepends=True)
            return b"".join(draw(st.permutations(lines))) if len(lines) < 20 else data
        case _:
            return data.replace(b"\n", b"\r\n")


@st.composite
def texts(draw: st.DrawFn, granularity: Granularity, around: datetime) -> bytes:
    """A TSV, valid or with up to three things done to it."""
    width = draw(st.integers(0, 3))
    names = draw(st.lists(cells, min_size=width, max_size=width, unique=True))
    first = granularity.number(around)
    numbers = sorted(draw(st.lists(st.integers(first, first + 9), max_size=8)))
    rows = [
        (granularity.label(granularity.start(number)), *draw(st.tuples(*[cells] * width)))
        for number in numbers
    ]
    data = dialect.lines([("date", *(name for name in names)), *rows]).encode()
    for _ in range(draw(st.integers(0, 3))):
        data = mutated(draw, data)
    return data


@st.composite
def mark_texts(draw: st.DrawFn, around: datetime) -> bytes:
    """A file of marks, valid or with up to three things done to it."""
    day = around.date()
    names = draw(st.sampled_from(["", "report\n", "other\nreport\n", "other\n"]))
    data = f"{day}\n{day + timedelta(days=40)}\n{names}".encode()
    for _ in range(draw(st.integers(0, 3))):
        data = mutated(draw, data)
    return data


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    """The state of an output folder that is used again and again."""
    with tempfile.TemporaryDirectory() as name, State(Path(name)) as state:
        (state.output / "report").mkdir()
        (state.output / ".reruns").mkdir()
        yield state


def forget_all(state: State) -> None:
    with state.transaction() as connection:
        for table in ("journal", "marks", "mark_files", "rerun_files"):
            connection.execute(f"DELETE FROM {table}")


def check_told(message: str, path: Path) -> None:
    """The message is one line that names the file, and a line that the file has."""
    place = re.match(re.escape(str(path)) + r":(\d+): ", message)
    assert place, message
    assert 1 <= int(place[1]) <= path.read_bytes().count(b"\n") + 1, message
    assert not CONTROL.search(message), repr(message)
    assert len(message) < LONGEST_MESSAGE, message


def look(state: State, one: Report, now: datetime) -> tuple[dict[str, set[str]], list[str]]:
    """Which intervals are missing of each TSV, and what is told."""
    rerun_files, problems = reruns.read_files(state.output)
    for problem in problems:
        assert problem.severity is Severity.WARNING
        assert problem.where is not None
        assert Path(problem.where.path).parent.name == ".reruns"
        if problem.where.line == 0:  # the file as a whole: not UTF-8
            assert problem.what == "this file requests nothing: not UTF-8"
        assert not CONTROL.search(str(problem)), str(problem)
        assert len(str(problem)) < LONGEST_MESSAGE, str(problem)
    assert len(rerun_files) + len(problems) == len(list((state.output / ".reruns").iterdir()))
    summary = Summary()
    missing: dict[str, set[str]] = {}
    dues = due_of(state, one, rerun_files, Clock(now), summary)
    for task in chain.from_iterable(due.tasks() for due in dues):
        if task.reason is Reason.MISSING:
            missing.setdefault(task.series.tsv, set()).add(task.start)
    told = [line.removeprefix("report: ") for line in summary.troubles]
    # Dates may be of any year, and rows that are not over are no damage.
    no_damage = ("which is not over by this machine's", "is of before this state")
    return missing, [line for line in told if not any(what in line for what in no_damage)]


def check_taken(content: tsv.Content, path: Path, granularity: Granularity) -> None:
    """What was read is what Python's csv reads, but for the spelling of dates."""
    text = path.read_bytes().decode("utf-8-sig")
    [header, *rows] = [row for row in csv.reader(io.StringIO(text, newline=""), "excel-tab") if row]
    assert list(content.header) == [header[0].lstrip("\ufeff"), *header[1:]]
    assert [list(row.cells[1:]) for row in content.rows] == [row[1:] for row in rows]
    for row, cells_ in zip(content.rows, rows, strict=True):
        assert (row.cells[0], row.number) == granularity.place(cells_[0])


def check_merged(before: tsv.Content, after: tsv.Content, number: int, cell: str) -> None:
    """A result has replaced its interval, and every other row has all that it had."""
    kept = [row for row in before.rows if row.number != number]
    assert [sorted(filter(None, row.cells)) for row in after.rows if row.number != number] == [
        sorted(filter(None, row.cells)) for row in sorted(kept, key=lambda row: row.cells[0])
    ]
    [new] = [row for row in after.rows if row.number == number]
    assert new.cells[after.header.index("x", 1)] == cell


def test_a_tsv_is_taken_or_told_and_harms_no_other_series(state: State) -> None:
    tried = damaged = 0
    slowest = 0.0
    enwiki, dewiki = (state.output / "report" / f"{wiki}.tsv" for wiki in ("enwiki", "dewiki"))

    @settings(
        max_examples=cases(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        data=st.data(),
        granularity=granularities,
        around=st.sampled_from([datetime(2015, 1, 1), datetime(1, 1, 8), datetime(9999, 2, 1)])
        | st.datetimes(datetime(1900, 1, 1), datetime(9998, 1, 1)),
        max_data_points=st.sampled_from([None, None, 1, 5]),
    )
    def one(
        data: st.DataObject,
        granularity: Granularity,
        around: datetime,
        max_data_points: int | None,
    ) -> None:
        nonlocal tried, damaged, slowest
        around = granularity.start(granularity.ceiling(around))
        starts = min(max(around, datetime(1900, 1, 1)), datetime(9998, 1, 1))
        now = min(starts + timedelta(days=20), datetime(9999, 11, 1))
        daily = report(
            granularity=granularity,
            starts=starts,
            max_data_points=max_data_points,
            dimensions={"wiki": ["enwiki", "dewiki"]},
        )
        forget_all(state)
        rerun_file = state.output / ".reruns" / "a"
        rerun_file.unlink(missing_ok=True)
        enwiki.unlink(missing_ok=True)
        dewiki.write_bytes(f"date\tn\n{granularity.label(starts)}\t1\n".encode())
        others = look(state, daily, now)[0].get("report/dewiki.tsv", set())

        raw = data.draw(texts(granularity, around))
        enwiki.write_bytes(raw)
        rerun_file.write_bytes(data.draw(mark_texts(around)))
        began = time.monotonic()
        missing, told = look(state, daily, now)
        assert missing.get("report/dewiki.tsv", set()) == others
        before: tsv.Content | None = None
        if told:
            [message] = told
            check_told(message, enwiki)
            assert "report/enwiki.tsv" not in missing
        else:
            before = tsv.read(at(enwiki), granularity)
            if before.header:
                check_taken(before, enwiki, granularity)

        # A result comes, as from a task that began before the damage.
        number = granularity.number(around)
        cell = data.draw(cells)
        start = granularity.label(around)
        rows = dialect.lines([(start, cell)])
        with state.transaction() as connection:
            series = state.series_id(connection, "report/enwiki.tsv", "report")
            result = Result(start, granularity, ("date", "x"), rows, None, None)
            journal.add(connection, [(series, "report/enwiki.tsv", result)])
        if before is None:
            with pytest.raises(TsvError) as caught:
                journal.merge(state, "report/enwiki.tsv", datetime(2100, 1, 1))
            assert [str(caught.value)] == told
            assert enwiki.read_bytes() == raw
        else:
            merged = journal.merge(state, "report/enwiki.tsv", datetime(2100, 1, 1))
            assert merged is not None
            assert replacing.make_durable([merged.file]) == {}
            check_merged(before, tsv.read(at(enwiki), granularity), number, cell)
        took = time.monotonic() - began
        assert took < LONGEST
        assert not list(state.output.rglob("*.tmp"))
        tried, damaged, slowest = tried + 1, damaged + bool(told), max(slowest, took)

    one()
    assert tried
    record("TSVs and marks", cases=tried, damaged=damaged, slowest_seconds=round(slowest, 3))
