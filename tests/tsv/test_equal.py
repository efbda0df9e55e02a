"""When two tables hold the same."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.tsv.equal import same

NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
CELLS = st.one_of(NUMBERS, st.sampled_from(["", "NULL", "a", "0012", "1.10", "1.1", "-0", "1e5"]))
ROWS = st.lists(st.tuples(st.just("2024-01-01"), CELLS, CELLS), max_size=5)
Row = tuple[str, str, str]
HEADER = ("date", "a", "b")


def _same(one: str, other: str) -> bool:
    return same(("date", "n"), [("d", one)], ("date", "n"), [("d", other)])


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("5", "5.0", True),
        ("1.0E7", "10000000", True),
        ("1e-05", "0.00001", True),
        ("1.0E-5", "1e-05", True),
        ("9007199254740993", "9007199254740992.0", False),  # as floats they are one
        ("0012", "12", False),
        ("+5", "5", False),
        ("", "0", False),
        ("", "NULL", False),
        ("nan", "NaN", False),
        ("1e99999", "1e99999.0", False),
        ("2024-01-01 10:00:00.0", "2024-01-01 10:00:00", True),
        ("2024-01-01 10:00:00.5", "2024-01-01 10:00:00", False),
    ],
)
def test_two_texts(one: str, other: str, equal: bool) -> None:
    assert _same(one, other) == _same(other, one) == equal


def test_a_column_with_two_texts_of_one_number_is_text() -> None:
    versions = [("d", "1.1"), ("d", "1.10")]
    assert not same(("date", "v"), versions, ("date", "v"), [("d", "1.1"), ("d", "1.1")])
    assert not same(("date", "v"), versions, ("date", "v"), [("d", "1.1"), ("d", "1.100")])
    assert same(("date", "v"), versions, ("date", "v"), versions[::-1])


def test_columns_are_known_by_their_names() -> None:
    rows = [("d", "1", "2")]
    assert same(("date", "a", "b"), rows, ("date", "b", "a"), [("d", "2", "1")])
    assert not same(("date", "a", "b"), rows, ("date", "b", "a"), rows)
    assert not same(("date", "a", "b"), rows, ("date", "a"), [("d", "1")])
    assert not same(("date", "a", "b"), rows, ("day", "a", "b"), rows)
    assert same(("date", "a", "b"), [("d", "1", "")], ("date", "a"), [("d", "1")])
    assert not same(("date", "", ""), rows, ("date", "", ""), [("d", "2", "1")])


@given(ROWS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_order_of_rows_does_not_count(both: tuple[list[Row], list[Row]]) -> None:
    one, other = both
    assert same(HEADER, one, HEADER, other)


@given(ROWS, ROWS)
def test_what_is_the_same_has_the_same_numbers(one: list[Row], other: list[Row]) -> None:
    equal = same(HEADER, one, HEADER, other)
    assert equal == same(HEADER, other, HEADER, one)
    if sorted(one) == sorted(other):
        assert equal
    if equal:
        assert _numbers(one) == _numbers(other)


def _numbers(rows: list[Row]) -> list[list[Decimal]]:
    """Return the numbers in each column."""
    return [
        sorted(Decimal(row[at]) for row in rows if row[at].lstrip("-")[:1].isdigit())
        for at in (1, 2)
    ]
