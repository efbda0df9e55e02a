"""Tables fit the screen, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.terminal.table import Row, Screen, aligned, columns_of, lines
from tests.making import cells

rows = st.lists(st.lists(cells, max_size=6), max_size=5)


@given(st.lists(cells, max_size=6), rows, st.integers(1, 200))
def test_no_line_is_wider_than_the_screen_and_none_moves_the_cursor(
    header: list[str], rows: list[list[str]], width: int
) -> None:
    for line in aligned(header, rows, width):
        assert line.isprintable()
        assert columns_of(line) <= max(width, 2)  # a letter of an Asian script takes two


@given(st.lists(cells, min_size=1, max_size=6), rows)
def test_there_is_a_line_for_the_header_and_for_each_row(
    header: list[str], rows: list[list[str]]
) -> None:
    assert len(list(aligned(header, rows, 10_000))) == 1 + len(rows)


def test_numbers_are_aligned_to_the_right_and_texts_to_the_left() -> None:
    given = [("2025-01-01", "-1.5e3", "12"), ("2025-01-02", "", "x"), ("2025-01-03", "12", "")]
    assert list(aligned(("date", "n", "text"), given, 80)) == [
        "date             n  text",
        "2025-01-01  -1.5e3  12",
        "2025-01-02          x",
        "2025-01-03      12",
    ]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["date        description          m  long name", "2025-01-01  four words of text  12  the other of them"]),
        (45, ["date        description     m  long name", "2025-01-01  four words o…  12  the other of…"]),
        (36, ["date        descript…   m  long name", "2025-01-01  four wor…  12  the othe…"]),
        (25, ["date        descript…   m", "2025-01-01  four wor…  12", "and 1 more column: long …"]),
        (12, ["date", "2025-01-01", "and 3 more …"]),
    ],
)  # fmt: skip
def test_what_is_too_wide_is_cut_the_longest_first_and_the_date_last(
    width: int, lines: list[str]
) -> None:
    row = ("2025-01-01", "four words of text", "12", "the other of them")
    assert list(aligned(("date", "description", "m", "long name"), [row], width)) == lines


def test_letters_that_take_two_columns_are_counted_so() -> None:
    shown = list(
        aligned(
            ("date", "city", "n"), [("2025-01-01", "東京", "1"), ("2025-01-02", "Rio", "2")], 80
        )
    )
    assert shown[1:] == ["2025-01-01  東京  1", "2025-01-02  Rio   2"]


def test_wide_letters_in_names_keep_the_columns_of_a_status_aligned() -> None:
    head = Row("report", ["done"])
    rows = [Row("日本", ["1"]), Row("edits", ["22"], ["a note"], is_bad=True)]
    assert list(lines(head, rows, Screen(None, False))) == [
        "  report  done",
        "  日本       1",
        "! edits     22",
        "    a note",
    ]
