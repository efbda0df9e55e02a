"""The rows of a few intervals are found as a reading of the whole file finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv import dialect, files, lookup, rows
from reportupdater.tsv.files import Place

DAYS = Granularity.DAYS
CELLS = st.sampled_from(["", "5", "a b", 'say "no"', "two\nlines", "a\tb", "\r"])
DATES = st.dates(min_value=DAYS.start(738000).date(), max_value=DAYS.start(738009).date())
ROWS = st.lists(st.tuples(DATES.map(str), CELLS, CELLS), max_size=12)


def _place(folder: Path, text: str) -> Place:
    (folder / "a.tsv").write_bytes(text.encode())
    place = files.place(files.opened(folder), "a.tsv")
    assert place is not None
    return place


@given(table=ROWS, wanted=st.sets(st.integers(737999, 738010)), ends=st.sampled_from("\n\r"))
def test_as_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[str, ...]],
    wanted: set[int],
    ends: str,
) -> None:
    text = dialect.lines([("date", "a", "b"), *table])
    if ends == "\r" and "\r" not in text:
        text = text.replace("\n", "\r\n")
    place = _place(tmp_path_factory.mktemp("tsv"), text)
    content = rows.read(place, DAYS)
    found = lookup.rows_of(place, DAYS, wanted)
    assert found.header == content.header == ("date", "a", "b")
    for number in wanted:
        expected = [row.cells for row in content.rows if row.number == number]
        assert found.rows.get(number, []) == expected
    assert set(found.rows) <= wanted


def test_dates_of_another_spelling_are_found(tmp_path: Path) -> None:
    place = _place(tmp_path, "date\ta\n2021-7-1\t5\n2021-07-02\t6\n")
    number = DAYS.place("2021-07-01")[1]
    assert lookup.rows_of(place, DAYS, {number}).rows == {number: [("2021-07-01", "5")]}


def test_nothing_is_there(tmp_path: Path) -> None:
    assert lookup.rows_of(None, DAYS, {5}) == ((), {})
    assert lookup.rows_of(_place(tmp_path, ""), DAYS, {5}) == ((), {})


def test_what_is_damaged_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TsvError, match=r"a\.tsv:3: 1 column where"):
        lookup.rows_of(_place(tmp_path, "date\ta\n2021-07-01\t5\n2021-07-02\n"), DAYS, {5})
