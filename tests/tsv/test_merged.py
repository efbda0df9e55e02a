"""Merging results into a TSV's content, against a dictionary of intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.intervals import Granularity
from reportupdater.tsv.rows import Content, Entry, Row, merged

WEEKS = Granularity.WEEKS
FIRST = 105_100

# The date column may change its name, and none of the others has it.
dates = st.sampled_from(["date", "day"])
names = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=3, unique=True)
values = st.sampled_from(["", "0", "1", "NULL", " x "])
Column = tuple[str, int]


@st.composite
def rows(draw: st.DrawFn, number: int, width: int) -> list[tuple[str, ...]]:
    """Rows of a week, in no order; several may share a day."""
    days = draw(st.lists(st.integers(0, 6), min_size=1, max_size=3))
    return [
        (WEEKS.label(WEEKS.start(number) + timedelta(day)), *draw(st.tuples(*[values] * width)))
        for day in days
    ]


@st.composite
def entries(draw: st.DrawFn, header: tuple[str, ...] | None = None) -> list[Entry]:
    """Results of different intervals, in no order."""
    numbers = draw(st.lists(st.integers(FIRST, FIRST + 9), max_size=5, unique=True))
    made = []
    for number in numbers:
        columns = header or (draw(dates), *draw(names))
        made.append(Entry(number, columns, draw(rows(number, len(columns) - 1))))
    return made


@st.composite
def contents(draw: st.DrawFn, header: tuple[str, ...] | None = None) -> Content:
    """Nothing, or a stored TSV whose rows are sorted; some of its names may be empty."""
    columns = header or (draw(dates), *draw(names), *[""] * draw(st.integers(0, 2)))
    found = [
        Row(number, cells)
        for number in draw(st.lists(st.integers(FIRST, FIRST + 9), max_size=6, unique=True))
        for cells in draw(rows(number, len(columns) - 1))
    ]
    if not found and draw(st.booleans()):
        return Content()
    return Content(columns, sorted(found, key=lambda row: row.cells[0]))


@dataclass
class Model:
    """Rows by interval, cells by column; empty names are distinguished by their order."""

    date: str = ""
    columns: list[Column] = field(default_factory=list)
    intervals: dict[int, list[tuple[str, dict[Column, str]]]] = field(default_factory=dict)

    def put(self, number: int, header: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
        self.intervals[number] = [
            (date, dict(zip(columns(header), rest, strict=True))) for date, *rest in cells
        ]

    def follow(self, header: tuple[str, ...]) -> None:
        if header == (self.date, *(name for name, _ in self.columns)):
            return
        new = columns(header)
        self.date = header[0]
        self.columns = new + sorted(column for column in self.columns if column not in new)

    def keep(self, count: int) -> None:
        newest = max(self.intervals, default=0)
        for number in list(self.intervals):
            if number <= newest - count:
                del self.intervals[number]

    @property
    def content(self) -> Content:
        found = []
        for number, members in sorted(self.intervals.items()):
            for date, cells in sorted(members, key=lambda member: member[0]):
                row = (date, *(cells.get(column, "") for column in self.columns))
                found.append(Row(number, row))
        return Content((self.date, *(name for name, _ in self.columns)), found)


def columns(header: tuple[str, ...]) -> list[Column]:
    rest = header[1:]
    return [(name, rest[:place].count(name)) for place, name in enumerate(rest)]


def model(content: Content, course: list[Entry], points: int | None) -> Content:
    made = Model(content.header[0] if content.header else "", columns(content.header))
    for number, members in groupby(content.rows, key=lambda row: row.number):
        made.put(number, content.header, [row.cells for row in members])
    for entry in sorted(course, key=lambda entry: entry.number):
        made.put(entry.number, entry.header, entry.rows)
        made.follow(entry.header)
    if points is not None:
        made.keep(points)
    return made.content


points = st.none() | st.integers(1, 6)


@given(contents(), entries(), points)
def test_each_result_replaces_its_interval(
    content: Content, course: list[Entry], keep: int | None
) -> None:
    if course:
        found = merged(content, course, max_data_points=keep)
        assert found == model(content, course, keep)


@given(contents(), entries(), points)
def test_merging_twice_changes_nothing(
    content: Content, course: list[Entry], keep: int | None
) -> None:
    """A checkpoint that was killed before it could forget its results is done again."""
    once = merged(content, course, max_data_points=keep)
    assert merged(once, course, max_data_points=keep) == once


@given(contents(), entries(), st.randoms(use_true_random=False))
def test_results_count_in_the_order_of_their_intervals(
    content: Content, course: list[Entry], order: Random
) -> None:
    shuffled = order.sample(course, len(course))
    assert merged(content, shuffled) == merged(content, course)


@given(contents(("date", "a", "")), entries(("date", "a")), st.integers(0, 5), points)
def test_with_one_header_it_does_not_matter_when_results_are_merged(
    content: Content, course: list[Entry], cut: int, keep: int | None
) -> None:
    course = sorted(course, key=lambda entry: entry.number)
    whole = merged(content, course, max_data_points=keep)
    first = merged(content, course[:cut], max_data_points=keep)
    assert merged(first, course[cut:], max_data_points=keep) == whole


@given(contents(), entries(), st.integers(1, 6), st.integers(735000, 737000))
def test_what_is_not_over_trims_nothing(
    content: Content, course: list[Entry], keep: int, over: int
) -> None:
    found = merged(content, course, max_data_points=keep, over=over)
    whole = merged(content, course)
    done = [row.number for row in whole.rows if row.number < over]
    oldest = max(done) - keep + 1 if done else 0
    assert found.rows == [row for row in whole.rows if row.number >= oldest]


@given(contents(), entries())
def test_rows_of_other_intervals_stay(content: Content, course: list[Entry]) -> None:
    found = merged(content, course)
    replaced = {entry.number for entry in course}
    stay = [row.cells[0] for row in content.rows if row.number not in replaced]
    assert [row.cells[0] for row in found.rows if row.number not in replaced] == stay
    assert all(len(row.cells) == len(found.header) for row in found.rows)


def row(date: str, *cells: str) -> Row:
    return Row(WEEKS.place(date)[1], (date, *cells))


def entry(header: tuple[str, ...], *found: tuple[str, ...]) -> Entry:
    return Entry(WEEKS.place(found[0][0])[1], header, list(found))


def test_rows_are_sorted_by_date_and_keep_their_order_within_one() -> None:
    header = ("date", "wiki")
    content = Content(header, [row("2015-01-11", "old")])
    found = merged(
        content,
        [entry(header, ("2015-01-06", "z"), ("2015-01-04", "b"), ("2015-01-04", "a"))],
    )
    assert [one.cells for one in found.rows] == [
        ("2015-01-04", "b"),
        ("2015-01-04", "a"),
        ("2015-01-06", "z"),
        ("2015-01-11", "old"),
    ]


def test_only_the_newest_intervals_are_kept_however_many_rows_they_have() -> None:
    header = ("date", "n")
    content = Content(header, [row("2015-01-01", "1"), row("2015-01-08", "2")])
    new = entry(header, ("2015-01-18", "3"), ("2015-01-19", "4"))
    found = merged(content, [new], max_data_points=2)
    # The week from the 11th has no rows, and still is one of the last two.
    assert [one.cells[1] for one in found.rows] == ["3", "4"]
    assert [one.cells[1] for one in merged(content, [new], max_data_points=3).rows] == list("234")


def test_a_result_older_than_what_is_kept_is_trimmed_at_once() -> None:
    header = ("date", "n")
    content = Content(header, [row("2015-03-01", "1")])
    late = entry(header, ("2015-01-04", "2"))
    assert merged(content, [late], max_data_points=3) == content
