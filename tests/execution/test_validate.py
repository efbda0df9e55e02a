"""The rules that a result keeps before it is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.errors import ResultError
from reportupdater.execution.validate import Checked, checked
from reportupdater.intervals import Granularity
from reportupdater.model import Series, Table, Task
from tests.making import cells, granularities, moments, report

HEADER = ("date", "wiki", "n")
Rows = list[tuple[str, ...]]


def task(
    granularity: Granularity = Granularity.DAYS, moment: datetime = datetime(2015, 1, 2)
) -> Task:
    interval = granularity.interval(granularity.number(moment))
    return Task(Series(report(granularity=granularity)), interval)


WEEK = task(Granularity.WEEKS, datetime(2015, 1, 4))
HOUR = task(Granularity.HOURS, datetime(2015, 1, 2, 3))


def test_a_good_result_is_stored_as_it_is() -> None:
    rows: Rows = [
        ("2015-01-10", "z", ""),
        ("2015-01-04", "a", " NULL "),
        ("2015-01-04", "a", "0012"),
    ]
    assert checked(WEEK, Table(HEADER, rows)) == Checked(HEADER, rows, empty=False)


@given(granularities, moments, st.integers(0, 99), st.lists(cells, max_size=3))
def test_rows_dated_inside_the_interval_are_taken_with_any_text_beside_the_date(
    granularity: Granularity, moment: datetime, percent: int, texts: list[str]
) -> None:
    one = task(granularity, moment)
    inside = one.interval.start + percent / 100 * (one.interval.end - one.interval.start)
    header = ("date", *(f"c{place}" for place in range(len(texts))))
    found = checked(one, Table(header, [(inside.isoformat(" "), *texts)]))
    assert found.rows == [(granularity.label(inside), *texts)]
    assert not found.empty


@given(granularities, moments, st.sampled_from([-1, 1]), st.timedeltas(timedelta(0), timedelta(40)))
def test_a_row_dated_outside_the_interval_is_refused(
    granularity: Granularity, moment: datetime, side: int, far: timedelta
) -> None:
    moment = max(moment, datetime(2, 1, 1))
    one = task(granularity, moment)
    outside = one.interval.end + far
    if side < 0:
        outside = one.interval.start - timedelta.resolution - far
    text = outside.isoformat(" ")
    good = (one.start, "en", "1")
    with pytest.raises(ResultError) as caught:
        checked(one, Table(HEADER, [good, (text, "en", "1")]))
    what = f"row 2 is dated {text}, outside the interval [{one.start}, {one.end})"
    hint = "select only what is in the interval, whose end is exclusive"
    assert str(caught.value).startswith(f"{what} ({hint}")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2015-1-4", "2015-01-04"),
        ("2015-01-10 23:59:59", "2015-01-10"),
        ("2015-01-04T00:00:00.000", "2015-01-04"),
    ],
)
def test_dates_are_stored_padded_and_without_a_time(text: str, stored: str) -> None:
    assert checked(WEEK, Table(("date",), [(text,)])).rows == [(stored,)]


def test_hours_are_stored_as_hours() -> None:
    rows: Rows = [("2015-01-02 03:59:59",), ("2015-1-2 3",), ("2015-01-02T03:00:00",)]
    assert checked(HOUR, Table(("date",), rows)).rows == [("2015-01-02T03:00:00",)] * 3


@pytest.mark.parametrize("text", ["", "en", "20150104", "2015-01-04 ", "NULL", "2015-02-30"])
def test_a_row_without_a_date_is_refused(text: str) -> None:
    with pytest.raises(ResultError) as caught:
        checked(WEEK, Table(HEADER, [(text, "en", "1")]))
    assert str(caught.value) == (
        f"the first column of row 1: {text!r} is no date"
        " (the first column must be a date inside [2015-01-04, 2015-01-11))"
    )


def test_a_day_is_no_hour() -> None:
    with pytest.raises(ResultError) as caught:
        checked(HOUR, Table(("date",), [("2015-01-02",)]))
    assert str(caught.value) == (
        "the first column of row 1: '2015-01-02' has no hour (the first column must be a date"
        " inside [2015-01-02T03:00:00, 2015-01-02T04:00:00))"
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            ("2015-01-04", "1"),
            r"row 2 has 2 columns, the header has 3 (the row begins '2015-01-04\t1')",
        ),
        (("2015-01-04", "1", "2", ""), "row 2 has 4 columns, the header has 3"),
        ((), "row 2 has 0 columns, the header has 3 (the row begins '')"),
        (("x" * 70,), f"row 2 has 1 column, the header has 3 (the row begins '{'x' * 59}…')"),
    ],
)
def test_a_row_of_another_width_is_refused(row: tuple[str, ...], told: str) -> None:
    with pytest.raises(ResultError) as caught:
        checked(WEEK, Table(HEADER, [("2015-01-04", "en", "1"), row]))
    assert str(caught.value).startswith(told)


def test_a_result_without_rows_is_one_row_of_empty_values() -> None:
    found = checked(WEEK, Table(HEADER, []))
    assert found == Checked(HEADER, [("2015-01-04", "", "")], empty=True)
    assert checked(HOUR, Table(("h",), [])).rows == [("2015-01-02T03:00:00",)]


def test_a_trailing_empty_name_is_cut_where_there_are_no_rows() -> None:
    found = checked(WEEK, Table(("date", "n", ""), []))
    assert found == Checked(("date", "n"), [("2015-01-04", "")], empty=True)
    assert checked(WEEK, Table(("date", ""), [])).header == ("date",)


@pytest.mark.parametrize(
    ("header", "rows", "told"),
    [
        ((), [], "the result has no header (its first line must name the columns)"),
        (("",), [], "column 1 has no name (give every column a name)"),
        (("date", "", "n"), [], "column 2 has no name (give every column a name)"),
        (("date", "", ""), [], "column 2 has no name (give every column a name)"),
        (("date", ""), [("2015-01-04", "")], "column 2 has no name (give every column a name)"),
        (("date", "n", "n"), [], "two columns are called 'n' (rename one of them)"),
        (("n", "n"), [("2015-01-04", "1")], "two columns are called 'n' (rename one of them)"),
    ],
)
def test_a_header_names_every_column_once(
    header: tuple[str, ...], rows: list[tuple[str, ...]], told: str
) -> None:
    with pytest.raises(ResultError) as caught:
        checked(WEEK, Table(header, rows))
    assert str(caught.value) == told


@pytest.mark.parametrize("rows", [[], [("2015-01-05", "2")]])
@pytest.mark.parametrize("first", ["2015-01-04", "2015-1-4", "2015-01-04 00:00:00"])
def test_a_row_in_the_place_of_the_header_is_refused(
    first: str, rows: list[tuple[str, ...]]
) -> None:
    """Stored, it would be a TSV of which nobody could tell whether its header was lost."""
    with pytest.raises(ResultError) as caught:
        checked(WEEK, Table((first, "1"), rows))
    assert str(caught.value) == (
        f"the first column is called {first!r}: that is a date, and no header"
        " (the first line, or the query's AS, must name the columns)"
    )


@pytest.mark.parametrize("names", [("date", "a b", "n.x", "<=5", "2nd", "é", "\n", '"')])
def test_column_names_may_hold_anything(names: tuple[str, ...]) -> None:
    row = ("2015-01-04", *names[1:])
    assert checked(WEEK, Table(names, [row])).header == names


@pytest.mark.parametrize(
    ("granularity", "date", "ending"),
    [
        (
            Granularity.WEEKS,
            "2015-01-04",
            "; weeks run from Sunday to Saturday, in UTC, unless `week_starts: monday`)",
        ),
        (
            Granularity.WEEKS_FROM_MONDAY,
            "2015-01-05",
            "; weeks run from Monday to Sunday, in UTC)",
        ),
        (Granularity.DAYS, "2015-01-03", "; its dates are in UTC)"),
        (Granularity.DAYS, "2015-03-05", "whose end is exclusive)"),
    ],
)
def test_a_row_of_a_neighbouring_interval_says_how_intervals_are_counted(
    granularity: Granularity, date: str, ending: str
) -> None:
    one = task(granularity)
    with pytest.raises(ResultError) as caught:
        checked(one, Table(("date", "n"), [(one.start, "1"), (date, "2")]))
    assert str(caught.value).endswith(ending)
