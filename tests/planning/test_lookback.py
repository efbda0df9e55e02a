"""Which done intervals are computed again for late data."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity
from reportupdater.planning.lookback import looked_back
from reportupdater.planning.plan import Clock, window
from tests.making import granularities, report

DAYS = Granularity.DAYS
NONE = Coverage()


def days(*labels: str) -> Coverage:
    return Coverage.of(DAYS.place(one)[1] for one in labels)


ALL = days(*(f"2025-01-{day:02}" for day in range(1, 32)))


@pytest.mark.parametrize(
    ("now", "lag", "schedule", "last", "again"),
    [
        ("2025-01-10T00:00", 0, None, "2025-01-09T23:59", ("2025-01-07", "2025-01-08")),
        ("2025-01-10T00:00", 0, None, "2025-01-10T00:00", ()),
        ("2025-01-10T23:00", 0, None, "2025-01-10T05:00", ()),
        ("2025-01-10T01:00", 2, None, "2025-01-09T03:00", ()),  # the 9th waits for its lag
        ("2025-01-10T02:00", 2, None, "2025-01-09T03:00", ("2025-01-07", "2025-01-08")),
        ("2025-01-10T05:00", 0, "0 6 * * *", "2025-01-09T06:00", ()),
        ("2025-01-10T06:00", 0, "0 6 * * *", "2025-01-09T06:00", ("2025-01-07", "2025-01-08")),
        ("2025-01-10T09:00", 0, "0 6 * * *", "2025-01-10T06:00", ()),
    ],
)
def test_once_the_newest_is_due(
    now: str, lag: int, schedule: str | None, last: str, again: tuple[str, ...]
) -> None:
    one = report(
        starts=datetime(2025, 1, 1), lookback=2, lag=timedelta(hours=lag), schedule=schedule
    )
    moment = datetime.fromisoformat(last)
    clock = Clock(datetime.fromisoformat(now))
    found = looked_back(one, ALL, dict.fromkeys(ALL, moment), NONE, clock)
    assert found == days(*again)


def test_what_is_not_known_is_older() -> None:
    clock = Clock(datetime(2025, 1, 10, 5))
    one = report(starts=datetime(2025, 1, 1), lookback=2)
    assert looked_back(one, ALL, {}, NONE, clock) == days("2025-01-07", "2025-01-08")


def test_none_while_the_newest_fails() -> None:
    clock = Clock(datetime(2025, 1, 10))
    one = report(starts=datetime(2025, 1, 1), lookback=2)
    assert not looked_back(one, ALL, {}, days("2025-01-09"), clock)
    assert looked_back(one, ALL, {}, days("2025-01-08"), clock)


def test_what_is_not_done_is_missing_and_not_late() -> None:
    clock = Clock(datetime(2025, 1, 10))
    one = report(starts=datetime(2025, 1, 1), lookback=3)
    found = looked_back(one, days("2025-01-06", "2025-01-08"), {}, NONE, clock)
    assert found == days("2025-01-06", "2025-01-08")


def test_none_outside_of_what_is_computed() -> None:
    clock = Clock(datetime(2025, 1, 10))
    one = report(starts=datetime(2025, 1, 8), lookback=5)
    assert looked_back(one, ALL, {}, NONE, clock) == days("2025-01-08")
    one = report(starts=datetime(2025, 1, 1), lookback=5, max_data_points=3)
    done = days("2025-01-06", "2025-01-07", "2025-01-08")
    assert looked_back(one, done, {}, NONE, clock) == days("2025-01-07", "2025-01-08")
    one = report(starts=datetime(2025, 1, 1), ends=datetime(2025, 1, 8), lookback=1)
    assert looked_back(one, ALL, {}, NONE, clock) == days("2025-01-06")


@given(
    granularity=granularities,
    lookback=st.integers(0, 5),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_each_is_computed_again_as_often_as_newer_ones_come(
    granularity: Granularity, lookback: int, steps: list[int]
) -> None:
    """Runs at any moments: none is looked back at twice for one newer interval, nor left out."""
    start = datetime(2025, 1, 1)
    one = report(granularity=granularity, starts=start, lookback=lookback)
    unit = (granularity.start(granularity.number(start) + 1) - start) / 7
    now, done = start, NONE
    successes: dict[int, datetime] = {}
    before: int | None = None
    for step in steps:
        now += step * unit
        clock = Clock(now)
        allowed = window(one, now, done)
        again = looked_back(one, done, successes, NONE, clock)
        if not allowed:
            continue
        newest = allowed[-1]
        wanted = set(done) & set(range(newest - lookback, newest))
        assert set(again) == (set() if newest == before else wanted)
        before = newest
        successes.update(dict.fromkeys([*again, *done.missing(allowed[0], newest + 1)], now))
        done = Coverage.of([*done, *allowed])
