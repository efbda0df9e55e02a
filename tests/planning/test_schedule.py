"""When a report is looked at, and when its next interval is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Series
from reportupdater.planning.plan import Clock
from reportupdater.planning.schedule import as_of, is_delayed, next_due, next_tick
from tests.making import due_tasks, granularities, report

SECOND = timedelta(seconds=1)


def test_without_a_schedule_a_report_is_looked_at_in_every_run() -> None:
    now = datetime(2025, 1, 4, 3)
    assert as_of(report(), now) == now
    assert next_tick(report(), now) is None


def test_with_a_schedule_the_last_tick_counts() -> None:
    one = report(schedule="15 5 * * *")
    assert as_of(one, datetime(2025, 1, 4, 3)) == datetime(2025, 1, 3, 5, 15)
    assert next_tick(one, datetime(2025, 1, 4, 3)) == datetime(2025, 1, 4, 5, 15)


def test_where_no_tick_ever_was_nothing_is_due() -> None:
    one = report(schedule="0 0 29 2 *", starts=datetime(1, 1, 1))
    assert due_tasks(Series(one), Coverage(), (), Clock(datetime(1, 2, 1))) == []


@given(
    granularities,
    st.datetimes(datetime(2014, 11, 1), datetime(2015, 3, 1)),
    st.none() | st.datetimes(datetime(2015, 1, 10), datetime(2015, 3, 1)),
    st.timedeltas(timedelta(0), timedelta(3)).map(lambda lag: timedelta(seconds=lag.seconds)),
    st.sampled_from([None, "15 5 * * *", "*/20 * * * *", "0 12 * * sun"]),
)
def test_the_next_interval_is_due_from_the_moment_that_is_told(
    granularity: Granularity,
    now: datetime,
    ends: datetime | None,
    lag: timedelta,
    schedule: str | None,
) -> None:
    one = report(
        granularity=granularity,
        starts=datetime(2015, 1, 1),
        ends=ends,
        lag=lag,
        schedule=schedule,
    )
    series = Series(one)

    def newest(at: datetime) -> datetime | None:
        tasks = due_tasks(series, Coverage(), (), Clock(at))
        return tasks[-1].interval.start if tasks else None

    ahead = next_due(one, now)
    if ahead is None:
        assert newest(now) == newest(now + timedelta(100))
        return
    assert ahead.due > now
    assert newest(ahead.due - SECOND) == newest(now)
    tasks = due_tasks(series, Coverage(), (), Clock(ahead.due))
    assert ahead.interval in [task.interval for task in tasks]


@pytest.mark.parametrize(
    ("granularity", "schedule", "lag", "expected"),
    [
        (Granularity.MONTHS, "0 5 1 * *", timedelta(days=1), True),
        (Granularity.MONTHS, "0 5 1 * *", timedelta(0), False),
        (Granularity.MONTHS, "0 5 2 * *", timedelta(days=1), False),
        (Granularity.DAYS, "0 5 * * *", timedelta(hours=6), True),
        (Granularity.DAYS, "0 5 * * *", timedelta(hours=5), False),
        (Granularity.DAYS, "0 5 * * *", timedelta(days=1), False),  # the lag itself is as long
        (Granularity.DAYS, "0 5 * * 1", timedelta(0), False),  # a week together, as it is meant
        (Granularity.DAYS, "0 5 * * 1", timedelta(hours=6), True),
        (Granularity.WEEKS, "0 5 * * 0", timedelta(hours=6), True),
        (Granularity.WEEKS, "0 5 * * *", timedelta(hours=6), False),
        (Granularity.HOURS, "10 * * * *", timedelta(minutes=20), True),
        (Granularity.HOURS, "30 * * * *", timedelta(minutes=20), False),
        (Granularity.HOURS, "0 5 * * 1", timedelta(0), False),
    ],
)
def test_a_schedule_that_ticks_before_the_lag_is_over_delays_each_interval(
    granularity: Granularity, schedule: str, lag: timedelta, expected: bool
) -> None:
    one = report(granularity=granularity, schedule=schedule, lag=lag)
    assert is_delayed(one, datetime(2025, 3, 4, 5, 6)) == expected
