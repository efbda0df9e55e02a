"""Rows as TSV text and back: nothing that a cell may hold is lost, altered or moved."""

from __future__ import annotations

import csv
import io
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv import rows as tsv
from reportupdater.tsv.dialect import lines, parse
from reportupdater.tsv.rows import Content, Row, read
from tests.machine import at, write
from tests.making import NASTY, cells

DAYS = Granularity.DAYS

tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.tuples(*[cells] * width), min_size=1, max_size=6)
)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """What a TSV of a daily report may hold: sorted dates, any text in the other cells."""
    width = draw(st.integers(1, 3))
    # A first name that is no date, and no name twice.
    header = draw(st.lists(cells, min_size=width, max_size=width, unique=True))
    numbers = sorted(draw(st.lists(st.integers(735600, 735604), max_size=5)))
    rows = [
        Row(number, (DAYS.label(DAYS.start(number)), *draw(st.tuples(*[cells] * width))))
        for number in numbers
    ]
    return Content(("date", *(name if name != "date" else "" for name in header)), rows)


@given(tables)
@example([tuple(NASTY), tuple(reversed(NASTY))])
def test_rows_survive_writing_and_reading(rows: list[tuple[str, ...]]) -> None:
    assert parse(lines(rows)) == rows


@given(tables)
@example([tuple(NASTY), tuple(reversed(NASTY))])
def test_python_reads_the_same(rows: list[tuple[str, ...]]) -> None:
    reader = csv.reader(io.StringIO(lines(rows), newline=""), dialect="excel-tab")
    assert [tuple(row) for row in reader] == rows


@given(tables)
@example([("",)])
@example([("a",), ("",)])
def test_rows_are_written_as_csv_writes_them(rows: list[tuple[str, ...]]) -> None:
    """Most are plain and need no `csv`, which takes four times as long."""
    written = io.StringIO()
    csv.writer(written, dialect="excel-tab").writerows(rows)
    # It ends lines in CR LF, and so quotes a CR; ours end in LF.
    quoted = "".join(f"{line}\n" for line in written.getvalue().split("\r\n")[:-1])
    if not any("\n" in cell for row in rows for cell in row):
        assert lines(rows) == quoted


@given(tables)
def test_texts_of_rows_can_be_joined(rows: list[tuple[str, ...]]) -> None:
    """The header and the rows are written one after the other."""
    assert lines(rows[:1]) + lines(rows[1:]) == lines(rows)
    assert lines([]) == ""


def test_only_what_must_be_quoted_is() -> None:
    row = ("0012", "NULL", " a b ", "it's", "a,b;c", "\u2028", "😀", "")
    assert lines([row]) == "0012\tNULL\t a b \tit's\ta,b;c\t\u2028\t😀\t\n"
    assert lines([('"', "a\tb", "a\nb", "a\rb")]) == '""""\t"a\tb"\t"a\nb"\t"a\rb"\n'


def test_every_line_ends_in_lf() -> None:
    assert lines([("a", "b"), ("c", "d")]) == "a\tb\nc\td\n"


@settings(max_examples=30)
@given(contents())
def test_a_file_survives_writing_and_reading(content: Content) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.tsv")
        write(path, content)
        assert read(at(path), DAYS) == content
        before = path.read_bytes()
        write(path, read(at(path), DAYS))
        assert path.read_bytes() == before
        assert list(tsv.coverage(at(path), DAYS)) == sorted({row.number for row in content.rows})


@settings(max_examples=15)
@given(contents(), st.sampled_from(["\n", "\r\n"]))
def test_a_file_that_is_cut_off_anywhere_is_damaged_or_ends_after_a_whole_row(
    content: Content, end: str
) -> None:
    text = io.StringIO(newline="")
    rows = [content.header, *(row.cells for row in content.rows)]
    csv.writer(text, dialect="excel-tab", lineterminator=end).writerows(rows)
    if end == "\n":  # where Python does not quote a CR
        text = io.StringIO(lines(rows))
    whole = text.getvalue().encode()
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.tsv")
        for size in range(len(whole) + 1):
            path.write_bytes(whole[:size])
            found = read_or_damage(path)
            if isinstance(found, TsvError):
                assert size != len(whole)
                assert found.where is not None
                assert found.where.path == str(path)
                assert 1 <= found.where.line <= whole.count(b"\n")
            else:
                assert found.header == (content.header if size else ())
                assert found.rows == content.rows[: len(found.rows)]
                assert size in (0, len(whole)) or len(found.rows) < len(content.rows)


def read_or_damage(path: Path) -> Content | TsvError:
    try:
        return read(at(path), DAYS)
    except TsvError as error:
        return error


def test_a_tsv_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read(at(tmp_path / "r.tsv"), DAYS) == Content()
    assert list(tsv.coverage(at(tmp_path / "none" / "r.tsv"), DAYS)) == []


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.touch()
    assert read(at(path), DAYS) == Content()
    assert list(tsv.coverage(at(path), DAYS)) == []


def test_a_header_alone_is_a_tsv_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("date\ta\n")
    assert read(at(path), DAYS) == Content(("date", "a"))


@pytest.mark.parametrize(
    "raw",
    [
        b"date\ta\r\n2015-01-01\t1\r\n2015-01-02\t2\r\n",
        b"\xef\xbb\xbfdate\ta\n2015-01-01\t1\n2015-01-02\t2\n",
        b"\n\ndate\ta\n\n2015-01-01\t1\n\r\n2015-01-02\t2\n\n",
        b'"date"\t"a"\n"2015-01-01"\t"1"\n2015-1-2\t2\n',
        b"date\ta\n2015-1-1\t1\n2015-01-02 00:00:00\t2\n",
        b"date\ta\r\n2015-01-01T00:00:00\t1\n2015-01-02\t2\r\r\n",
    ],
    ids=["CR LF", "byte-order mark", "blank lines", "all quoted", "other dates", "a mixture"],
)
def test_what_older_programs_and_people_write_is_read(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "r.tsv"
    path.write_bytes(raw)
    content = read(at(path), DAYS)
    write(path, content)
    assert path.read_bytes() == b"date\ta\n2015-01-01\t1\n2015-01-02\t2\n"


def test_line_ends_within_cells_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_bytes(b'date\ta\r\n2015-01-01\t"1\r\n2\n3\r4"\r\n')
    write(path, read(at(path), DAYS))
    assert path.read_bytes() == b'date\ta\n2015-01-01\t"1\r\n2\n3\r4"\n'


def test_rows_know_their_interval(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("date\n2015-01-04\n2015-01-10\n2015-01-11\n")
    weeks = Granularity.WEEKS
    first, same, next_ = (row.number for row in read(at(path), weeks).rows)
    assert first == same == next_ - 1
    assert list(tsv.coverage(at(path), weeks)) == [first, next_]


def test_a_tsv_keeps_its_mode_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.touch()
    path.chmod(0o604)
    write(path, Content(("date",)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    cells = ("2015-01-01", "x" * 200_000)  # more than Python's csv takes unless it is told
    write(tmp_path / "r.tsv", Content(("date", "a"), [Row(735599, cells)]))
    assert read(at(tmp_path / "r.tsv"), DAYS).rows == [Row(735599, cells)]
