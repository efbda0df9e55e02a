"""How far a series is, told from what is remembered and the end of its file, is as all of it tells."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportupdater.errors import TsvError
from reportupdater.intervals import Coverage, Granularity
from reportupdater.state import coverage
from reportupdater.state import reach as reaching
from reportupdater.state.coverage import Identity
from reportupdater.state.reach import Reach, is_empty, reach
from reportupdater.tsv import rows as tsv
from tests.machine import at

DAYS = Granularity.DAYS
NAME = "r/enwiki.tsv"
Known = tuple[Identity, Coverage] | None

dates = st.integers(1, 9).map(lambda day: f"2025-01-{day:02}")
values = st.sampled_from(["", "", "", "1", "a b", '"a\nb"', '"\t"', "é", " "])
rows = st.tuples(dates | st.sampled_from(["2025-1-7", "2025-01-07 05:00"]), values, values).map(
    "\t".join
)
odd = rows | st.sampled_from(
    ["", "2025-01-08\t1", "date\tn\tm", "not a date\t1\t1", '2025-01-08\t"']
)
lines = (
    st.lists(rows, max_size=12).map(sorted)  # as nearly all files are
    | st.lists(rows, max_size=12)
    | st.lists(odd, max_size=12)
)
files = st.builds(
    lambda rows, end, last: end.join(["date\tn\tm", *rows]) + last,
    lines,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["\n", "\n", "\n", "\n\n", "\r\n", ""]),
) | st.sampled_from(["", "\n", "date\tn\tm\n", "\ufeffdate\tn\n2025-01-01\t\n", "\n\ndate\tn\n"])
pendings: st.SearchStrategy[dict[str, bool]] = st.just({}) | st.dictionaries(
    dates, st.booleans(), max_size=4
)


def from_all_of_it(path: Path, pending: Mapping[str, bool]) -> Reach | str:
    """How far a series is, from all rows of its file."""
    intervals = {}
    try:
        content = tsv.read(at(path), DAYS)
    except TsvError as error:
        return str(error)
    for number, found in groupby(content.rows, key=lambda row: row.number):
        intervals[number] = is_empty(row.cells for row in found)
    for start, empty in pending.items():
        intervals[DAYS.place(start)[1]] = empty
    count = 0
    for number in sorted(intervals, reverse=True):
        if not intervals[number]:
            break
        count += 1
    return Reach(Coverage.of(intervals), count)


def found(path: Path, known: Known, pending: Mapping[str, bool]) -> Reach | str:
    try:
        return reach(at(path), DAYS, known, pending)
    except TsvError as error:
        return str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("output")
    (output / "r").mkdir()
    return output


@pytest.mark.parametrize("end", [1, 16, 256])
@settings(deadline=None)  # how long it takes depends on the machine
@given(text=files, pending=pendings)
def test_the_end_of_a_file_tells_what_all_of_it_tells(
    folder: Path, end: int, text: str, pending: dict[str, bool]
) -> None:
    path = folder / NAME
    path.write_bytes(text.encode())
    expected = from_all_of_it(path, pending)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reaching, "_END", end)
        assert found(path, None, pending) == expected
        if isinstance(expected, Reach):
            file = coverage.identity(at(path))
            assert file
            known = file, tsv.coverage(at(path), DAYS)
            assert found(path, known, pending) == expected


def test_of_a_file_that_is_as_it_was_only_the_end_is_read(output: Path) -> None:
    path = output / NAME
    path.parent.mkdir()
    path.write_text("no header\n" + "no row\n" * 1000 + "2025-01-08\t1\n2025-01-09\t\n")
    done = Coverage(((DAYS.place("2024-01-01")[1], DAYS.place("2025-01-10")[1]),))
    file = coverage.identity(at(path))
    assert file
    assert reach(at(path), DAYS, (file, done), {}) == Reach(done, 1)
    changed = file._replace(mtime_ns=file.mtime_ns + 1)
    with pytest.raises(TsvError, match="'no row' is no date"):
        reach(at(path), DAYS, (changed, done), {})


def test_a_file_that_is_not_there_has_what_the_journal_has(output: Path) -> None:
    number = DAYS.place("2025-01-02")[1]
    pending = {"2025-01-01": False, "2025-01-02": True}
    done = Coverage(((number - 1, number + 1),))
    for place in (None, at(output / "r.tsv")):
        assert reach(place, DAYS, None, {}) == Reach(Coverage(), 0)
        assert reach(place, DAYS, None, pending) == Reach(done, 1)
