"""Damaged TSVs: each kind of damage is told with its file and line, and nothing is read over."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv import rows
from tests.machine import at, write

DAYS, HOURS = Granularity.DAYS, Granularity.HOURS
HEAD = b"date\ta\tb\n2015-01-01\t1\t2\n"
MEND = "fix that line, or move the file away to have all of it computed again"
CUT = "delete that line to have its interval computed again, or end it if it is whole"

DAMAGE = {
    "too few columns": (
        HEAD + b"2015-01-02\t1\n2015-01-03\t1\t2\n",
        f"3: 2 columns where the header has 3 ({MEND})",
    ),
    "too many columns": (
        HEAD + b"2015-01-02\t1\t2\t\n",
        f"3: 4 columns where the header has 3 ({MEND})",
    ),
    "a line of spaces": (HEAD + b"  \n", f"3: 1 column where the header has 3 ({MEND})"),
    "a line of another kind": (
        HEAD + b"<<<<<<< HEAD\n",
        f"3: 1 column where the header has 3 ({MEND})",
    ),
    "torn in a cell": (
        HEAD + b"2015-01-02\t1\t2",
        f"3: the last line is not ended: the file may have been cut off in it ({CUT})",
    ),
    "torn in the header": (
        b"date\ta",
        f"1: the last line is not ended: the file may have been cut off in it ({CUT})",
    ),
    "torn before LF": (
        b"date\ta\r\n2015-01-02\t1\r",
        f"2: the last line is not ended: the file may have been cut off in it ({CUT})",
    ),
    "only a byte-order mark": (
        b"\xef\xbb\xbf",
        f"1: the last line is not ended: the file may have been cut off in it ({CUT})",
    ),
    "zeros at the end, as a crash leaves them": (
        HEAD + b"2015-01-02\t1\t2\n" + b"\0" * 9,
        f"4: the last line is not ended: the file may have been cut off in it ({CUT})",
    ),
    "no header": (
        b"2015-01-01\t1\n2015-01-02\t2\n",
        "1: the header line is missing (put it back as the first line)",
    ),
    "no header, and an unpadded date": (
        b"2015-1-1\t1\n",
        "1: the header line is missing (put it back as the first line)",
    ),
    "no header, and a byte-order mark below a blank line": (
        b"\n\xef\xbb\xbf2015-01-01\t1\n",
        "2: the header line is missing (put it back as the first line)",
    ),
    "a name twice": (b"date\ta\tb\ta\n", "1: the header has 'a' twice (fix the header line)"),
    "a name twice, after blank lines": (
        b"\n\ndate\ta\ta\n",
        "3: the header has 'a' twice (fix the header line)",
    ),
    "no UTF-8": (HEAD + b"2015-01-02\tM\xfcnchen\t2\n", f"3: not UTF-8 ({MEND})"),
    "no UTF-8 far behind": (
        HEAD + b"2015-01-02\t1\t2\n" * 5000 + b"2015-01-03\t\xff\t2\n",
        f"5003: not UTF-8 ({MEND})",
    ),
    "half a character at the end of a cell": (
        HEAD + b"2015-01-02\t\xf0\x9f\x98\t2\n",
        f"3: not UTF-8 ({MEND})",
    ),
    "a quote that is not closed": (
        HEAD + b'2015-01-02\t"1\t2\n2015-01-03\t1\t2\n',
        f"3: quotes do not match: unexpected end of data ({MEND})",
    ),
    "text after a quote": (
        HEAD + b'2015-01-02\t"1"x\t2\n',
        f"3: quotes do not match: '\t' expected after '\"' ({MEND})",
    ),
    "a carriage return within a line": (
        HEAD + b"2015-01-02\t1\t2\r2015-01-03\t1\t2\n",
        f"3: a carriage return within the line ({MEND})",
    ),
    "a bad date": (HEAD + b"yesterday\t1\t2\n", f"3: 'yesterday' is no date ({MEND})"),
    "a day that does not exist": (
        HEAD + b"2015-02-29\t1\t2\n",
        f"3: '2015-02-29' is no date ({MEND})",
    ),
    "the header again": (HEAD + b"date\ta\tb\n", f"3: 'date' is no date ({MEND})"),
    "no date": (HEAD + b"\t1\t2\n", f"3: '' is no date ({MEND})"),
    "no date in the first row": (b"date\ta\n\t1\n", f"2: '' is no date ({MEND})"),
    "spaces around a date": (
        HEAD + b"2015-01-02 \t1\t2\n",
        f"3: '2015-01-02 ' is no date ({MEND})",
    ),
    # Lines are counted as an editor counts them, and a row is where it begins.
    "damage after cells of several lines": (
        b'date\ta\n2015-01-01\t"1\n2\r3\r\n4"\n\n2015-01-02\t"a\nb"\tc\n',
        f"6: 3 columns where the header has 2 ({MEND})",
    ),
}


@pytest.mark.parametrize(("raw", "told"), DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_told_with_file_and_line(tmp_path: Path, raw: bytes, told: str) -> None:
    path = tmp_path / "r.tsv"
    path.write_bytes(raw)
    for look in (rows.read, rows.coverage):
        with pytest.raises(TsvError) as caught:
            look(at(path), DAYS)
        assert str(caught.value) == f"{path}:{told}"
    assert path.read_bytes() == raw


def test_a_row_of_an_hourly_report_needs_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("date\n2015-01-01T00:00:00\n2015-01-01\n")
    with pytest.raises(TsvError) as caught:
        rows.read(at(path), HOURS)
    assert str(caught.value) == f"{path}:3: '2015-01-01' has no hour ({MEND})"


def test_the_date_column_may_be_called_like_a_column_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    content = rows.Content(("date", "wiki"), [rows.Row(1, ("0001-01-01", "enwiki"))])
    entry = rows.Entry(2, ("wiki", "n"), [("0001-01-02", "5")])
    write(path, rows.merged(content, [entry]))
    assert path.read_text() == "wiki\tn\twiki\n0001-01-01\t\tenwiki\n0001-01-02\t5\t\n"
    again = rows.merged(rows.read(at(path), Granularity.DAYS), [entry])
    assert again == rows.read(at(path), Granularity.DAYS)
