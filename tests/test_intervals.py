"""Intervals: their numbers against the calendar, coverage against plain sets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity, Interval, parse_moment, watermark
from tests.making import GRANULARITIES, floor, following, granularities, moments

HOURS, DAYS, WEEKS, MONTHS = (
    Granularity.HOURS,
    Granularity.DAYS,
    Granularity.WEEKS,
    Granularity.MONTHS,
)
INSTANT = timedelta.resolution

# Few enough that they meet, and some of them below 0.
numbers = st.integers(-5, 30)


@given(granularities, moments)
@example(DAYS, datetime(2016, 2, 29, 23, 59))
@example(WEEKS, datetime(2015, 12, 31))
@example(MONTHS, datetime(2016, 2, 29))
@example(HOURS, datetime(2016, 12, 31, 23, 59, 59))
def test_the_number_of_a_moment_is_that_of_the_interval_around_it(
    granularity: Granularity, moment: datetime
) -> None:
    assert granularity.start(granularity.number(moment)) == floor(granularity, moment)


@given(granularities, moments)
def test_a_number_and_its_start_are_each_others_inverse(
    granularity: Granularity, moment: datetime
) -> None:
    number = granularity.number(moment)
    assert granularity.number(granularity.start(number)) == number


@given(granularities, moments)
@example(MONTHS, datetime(2015, 12, 1))
@example(DAYS, datetime(1900, 2, 28))
@example(DAYS, datetime(2000, 2, 28))
def test_intervals_follow_each_other_without_a_gap(
    granularity: Granularity, moment: datetime
) -> None:
    number = granularity.number(moment)
    this = granularity.interval(number)
    assert this.start <= moment < this.end
    assert this.end == granularity.interval(number + 1).start == following(granularity, this.start)
    assert granularity.number(this.end - INSTANT) == number


@pytest.mark.parametrize(
    ("granularity", "moment", "start", "end"),
    [
        (HOURS, datetime(2015, 12, 31, 23, 30), "2015-12-31T23:00:00", "2016-01-01T00:00:00"),
        (HOURS, datetime(2016, 2, 29, 0, 0), "2016-02-29T00:00:00", "2016-02-29T01:00:00"),
        (DAYS, datetime(2016, 2, 29, 12), "2016-02-29", "2016-03-01"),
        (DAYS, datetime(2015, 2, 28, 12), "2015-02-28", "2015-03-01"),
        (DAYS, datetime(2015, 12, 31, 12), "2015-12-31", "2016-01-01"),
        (WEEKS, datetime(2015, 1, 3), "2014-12-28", "2015-01-04"),  # a Saturday
        (WEEKS, datetime(2015, 1, 4), "2015-01-04", "2015-01-11"),  # a Sunday
        (WEEKS, datetime(2016, 3, 2), "2016-02-28", "2016-03-06"),
        (Granularity.WEEKS_FROM_MONDAY, datetime(2015, 1, 4), "2014-12-29", "2015-01-05"),
        (Granularity.WEEKS_FROM_MONDAY, datetime(2015, 1, 5), "2015-01-05", "2015-01-12"),
        (MONTHS, datetime(2016, 2, 29), "2016-02-01", "2016-03-01"),
        (MONTHS, datetime(2015, 12, 31), "2015-12-01", "2016-01-01"),
    ],
)
def test_intervals_are_those_of_the_calendar(
    granularity: Granularity, moment: datetime, start: str, end: str
) -> None:
    interval = granularity.interval(granularity.number(moment))
    assert granularity.label(interval.start) == start
    assert granularity.label(interval.end) == end


@given(granularities, moments)
def test_the_ceiling_is_the_first_interval_that_starts_at_or_after_a_moment(
    granularity: Granularity, moment: datetime
) -> None:
    number = granularity.ceiling(moment)
    assert granularity.start(number) >= moment
    assert granularity.start(number - 1) < moment
    assert granularity.ceiling(granularity.start(number)) == number


@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_the_ceiling_is_known_from_the_first_day_to_the_last(granularity: Granularity) -> None:
    """Somebody will write 0001-01-01 and 9999-12-31 to mean all of it."""
    first, last = granularity.ceiling(datetime.min), granularity.ceiling(datetime.max)
    assert granularity.start(first) >= datetime.min
    assert granularity.start(last - 1) <= datetime.max
    everything = granularity.numbers(datetime.min, datetime.max)
    assert granularity.number(datetime(2015, 1, 1)) in everything


@pytest.mark.parametrize("granularity", GRANULARITIES)
@given(day=st.integers(1, 40), hour=st.integers(0, 23))
def test_whether_one_starts_is_known_from_the_first_day_on(
    granularity: Granularity, day: int, hour: int
) -> None:
    moment = datetime.fromordinal(day) + timedelta(hours=hour)
    midnight = hour == 0
    starts = {
        HOURS: True,
        DAYS: midnight,
        WEEKS: midnight and moment.weekday() == 6,
        Granularity.WEEKS_FROM_MONDAY: midnight and moment.weekday() == 0,
        MONTHS: midnight and moment.day == 1,
    }
    assert granularity.starts_at(moment) == starts[granularity]


@given(granularities, moments, st.timedeltas(timedelta(-2), timedelta(100)))
def test_the_numbers_in_a_range_are_of_intervals_that_start_in_it(
    granularity: Granularity, since: datetime, length: timedelta
) -> None:
    until = min(since + length, datetime(9999, 11, 30))
    starts = []
    start = floor(granularity, since)
    while start < until:
        if start >= since:
            starts.append(start)
        start = following(granularity, start)
    assert [granularity.start(n) for n in granularity.numbers(since, until)] == starts


def test_an_interval_that_only_overlaps_a_range_is_not_in_it() -> None:
    overlapping = WEEKS.numbers(datetime(2015, 1, 5), datetime(2015, 1, 11))
    assert list(overlapping) == []
    touching = WEEKS.numbers(datetime(2015, 1, 4), datetime(2015, 1, 4, 0, 0, 1))
    assert [WEEKS.start(n) for n in touching] == [datetime(2015, 1, 4)]


@given(granularities, moments)
def test_a_label_is_placed_in_the_interval_that_it_labels(
    granularity: Granularity, moment: datetime
) -> None:
    label = granularity.label(moment)
    number = granularity.number(moment)
    assert granularity.place(label) == (label, number)


@given(granularities, moments, st.sampled_from(["T", " "]))
def test_a_moment_with_its_time_is_placed_like_its_label(
    granularity: Granularity, moment: datetime, sep: str
) -> None:
    label, number = granularity.label(moment), granularity.number(moment)
    assert granularity.place(moment.isoformat(sep)) == (label, number)
    unpadded = f"{moment.year:04}-{moment.month}-{moment.day}{sep}{moment.hour}:{moment.minute:02}"
    assert granularity.place(unpadded) == (label, number)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2015-01-02", "2015-01-02"),
        ("2015-1-2", "2015-01-02"),
        ("2015-1-2 3:04", "2015-01-02"),
        ("2015-01-2", "2015-01-02"),
        ("2015-01-02 00:00:00", "2015-01-02"),
        ("2015-01-02T23:59:59.999999", "2015-01-02"),
        ("2016-02-29", "2016-02-29"),
    ],
)
def test_dates_are_placed_padded_and_without_their_time(text: str, label: str) -> None:
    assert DAYS.place(text)[0] == label


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "NULL",
        "date",
        "2015",
        "2015-01",
        "201-01-01",
        "20150102",
        "2015-W01-1",
        "2015-001",
        "15-01-02",
        "2015-01-02\n",
        " 2015-01-02",
        "2015-01-02 ",
        "2015/01/02",
        "2015-01-02T",
        "2015-01-02T03:00:00Z",
        "2015-01-02 03:00+01",
        "-2015-01-02",
        "２０１５-01-02",
        "2015-01-0٢",
        "2015-13-01 00",
        "2015-02-29",
        "2015-02-29 00",
        "2015-00-10",
        "2015-01-00",
        "0000-01-01",
        "2015-01-02 24:00",
        "2015-01-02 23:60",
        "10000-01-01",
    ],
)
def test_what_is_no_date_is_refused_with_what_it_was(granularity: Granularity, text: str) -> None:
    with pytest.raises(ValueError, match="is no date") as caught:
        granularity.place(text)
    assert str(caught.value) == f"{text!r} is no date"


def test_a_bare_date_is_no_hour() -> None:
    with pytest.raises(ValueError, match=r"'2015-01-02' has no hour"):
        HOURS.place("2015-01-02")
    assert HOURS.place("2015-1-2 3") == HOURS.place("2015-01-02T03:59:59")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2015-01-02", datetime(2015, 1, 2)),
        (" 2015-1-2 ", datetime(2015, 1, 2)),
        ("2015-01-02T03", datetime(2015, 1, 2, 3)),
        ("2015-01-02 03:04", datetime(2015, 1, 2, 3, 4)),
        ("2015-01-02T03:04:05Z", datetime(2015, 1, 2, 3, 4, 5)),
    ],
)
def test_people_write_moments_in_several_ways(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "Z", "tomorrow", "2015-02-30", "2015-01-02T03:04:05+02:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        parse_moment(text)


@given(granularities, moments, st.timedeltas(timedelta(0), timedelta(400)))
def test_below_the_watermark_are_the_intervals_whose_end_is_past_by_the_lag(
    granularity: Granularity, now: datetime, lag: timedelta
) -> None:
    now = max(now, datetime(4, 1, 1))
    past = watermark(granularity, now, lag)
    assert granularity.interval(past - 1).end + lag <= now
    assert granularity.interval(past).end + lag > now


def test_a_lag_of_millennia_lets_nothing_be_computed() -> None:
    assert watermark(DAYS, datetime(2015, 1, 1), timedelta(days=365 * 3000)) == 0


@given(st.sets(numbers), st.sets(numbers))
def test_what_is_in_one_coverage_and_not_in_another_is_a_difference_of_sets(
    one: set[int], other: set[int]
) -> None:
    assert Coverage.of(one).without(Coverage.of(other)) == Coverage.of(one - other)


@given(st.sets(numbers), numbers, numbers)
@example({0, 23, 24, 25}, 25, 24)  # nothing is wanted
def test_coverage_is_a_set_of_numbers(done: set[int], first: int, past: int) -> None:
    coverage = Coverage.of(done)
    assert list(coverage) == sorted(done)
    assert [number for number in range(-10, 40) if number in coverage] == sorted(done)
    assert coverage.newest == max(done, default=None)
    assert list(coverage.missing(first, past)) == sorted(set(range(first, past)) - done)
    assert len(coverage) == len(done)
    assert list(coverage.within(range(first, past))) == sorted(set(range(first, past)) & done)


@given(st.lists(numbers))
def test_runs_of_a_coverage_are_sorted_and_do_not_touch(done: list[int]) -> None:
    runs = Coverage.of(done).runs
    bounds = [bound for run in runs for bound in run]
    assert bounds == sorted(set(bounds))


@given(st.sets(numbers))
def test_a_coverage_is_made_again_from_what_it_holds(done: set[int]) -> None:
    assert Coverage.of(Coverage.of(done)) == Coverage.of(done)


def test_intervals_sort_by_time() -> None:
    days = [DAYS.interval(n) for n in (3, 1, 2)]
    assert sorted(days) == [Interval(DAYS.start(n), DAYS.start(n + 1)) for n in (1, 2, 3)]


@pytest.mark.parametrize("text", ["2025-01-01 7", "2025-01-01T7", "2025-1-1 23", "2025-1-1 7"])
def test_a_bare_hour_is_taken_for_hours_alone(text: str) -> None:
    assert HOURS.place(text)[0].startswith("2025-01-01T")
    for granularity in (Granularity.DAYS, Granularity.WEEKS, Granularity.MONTHS):
        with pytest.raises(ValueError, match=f"'{text}' is no date: is there a space in the place"):
            granularity.place(text)
        assert granularity.place(f"{text}:00")[0] == "2025-01-01"
