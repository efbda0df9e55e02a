"""How headers follow results, against the rules as they are written down."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.tsv.header import Header, evolved, moved, positions, repeated

DATES = ["date", "day", ""]
NAMES = ["b", "a", "c", "A", "10", "9", "n <= 5", "é"]

# A stored header may hold empty names, a new one may not.
stored: st.SearchStrategy[Header] = st.builds(
    lambda date, names, empty, order: (date, *order.sample([*names, *empty], len(names + empty))),
    st.sampled_from(DATES),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.lists(st.just(""), max_size=3),
    st.randoms(use_true_random=False),
)
results: st.SearchStrategy[Header] = st.builds(
    lambda date, names: (date, *names),
    st.sampled_from(DATES[:-1]),
    st.lists(st.sampled_from(NAMES), unique=True),
)


@given(stored, results)
def test_the_new_columns_come_first_as_they_are_and_what_is_gone_last_by_name(
    old: Header, new: Header
) -> None:
    whole = evolved(old, new)
    assert whole[: len(new)] == new
    gone = Counter(old[1:]) - Counter(new[1:])
    assert list(whole[len(new) :]) == sorted(gone.elements())


@given(stored, results)
def test_the_same_result_again_changes_nothing(old: Header, new: Header) -> None:
    assert evolved(evolved(old, new), new) == evolved(old, new)


@given(stored, st.lists(results, max_size=5))
def test_the_same_results_again_change_nothing(old: Header, course: list[Header]) -> None:
    def followed(whole: Header) -> Header:
        for new in course:
            whole = evolved(whole, new)
        return whole

    assert followed(followed(old)) == followed(old)


@given(stored)
def test_a_file_without_a_header_takes_the_results(new: Header) -> None:
    assert evolved((), new) == new


@given(stored, results)
def test_no_cell_is_lost_or_moved_to_another_column(old: Header, new: Header) -> None:
    whole = evolved(old, new)
    for columns in (old, new):
        row = tuple(f"{place}:{name}" for place, name in enumerate(columns))
        places = positions(columns, whole)
        fitted = row if places is None else moved(row, places, len(whole))
        assert len(fitted) == len(whole)
        assert fitted[0] == row[0]
        assert sorted(filter(None, fitted)) == sorted(row)
        for name, cell in zip(whole[1:], fitted[1:], strict=True):
            assert cell == "" or cell.partition(":")[2] == name


def test_empty_names_are_told_apart_by_their_order() -> None:
    old = ("date", "", "x", "")
    whole = evolved(old, ("date", "y"))
    assert whole == ("date", "y", "", "", "x")
    places = positions(old, whole)
    assert places is not None
    assert moved(("2015-01-01", "1", "2", "3"), places, 5) == ("2015-01-01", "", "1", "3", "2")


def test_a_date_column_without_a_name_is_not_taken_for_another_without_one() -> None:
    old = ("", "", "x")
    whole = evolved(old, ("date", "x"))
    assert whole == ("date", "x", "")
    assert positions(old, whole) == [0, 2, 1]


def test_a_column_that_is_called_as_the_date_column_was_is_a_new_one() -> None:
    old = ("date", "x")
    whole = evolved(old, ("day", "date"))
    assert whole == ("day", "date", "x")
    assert positions(old, whole) == [0, 2]


def test_capitals_come_before_small_letters() -> None:
    assert evolved(("date", "b", "B", "a"), ("date", "c")) == ("date", "c", "B", "a", "b")


def test_names_that_stand_twice_are_found_but_for_empty_ones() -> None:
    assert repeated(("date", "a", "b")) is None
    assert repeated(("date", "", "")) is None
    assert repeated(("date", "b", "a", "a", "b")) == "a"
    assert repeated(("date", "date")) == "date"
