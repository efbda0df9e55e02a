"""Why the rest is not due: every interval that is over is due, or has one reason not to be."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Report, Series
from reportupdater.planning.due import Due
from reportupdater.planning.plan import Clock, due
from reportupdater.planning.rest import Why, rest
from tests.making import granularities, report
from tests.planning.test_plan import SCHEDULES, Scene, scenes

DAYS = Granularity.DAYS


@given(scenes(), st.none() | SCHEDULES, st.none() | st.integers(1, 4), st.data())
def test_every_interval_that_is_over_is_due_or_has_a_reason_not_to_be(
    scene: Scene, schedule: str | None, most: int | None, data: st.DataObject
) -> None:
    moments = st.none() | st.datetimes(scene.now - timedelta(400), scene.now + timedelta(60))
    clock = Clock(scene.now, data.draw(moments), data.draw(moments), most)
    one = replace(scene.report, schedule=schedule)
    series, granularity = Series(one), one.granularity
    wanted = due(series, scene.coverage, (), clock)
    found = rest(series, scene.coverage, wanted, clock)
    numbers = [n for part in found for first, past in part.runs for n in range(first, past)]
    numbers += [granularity.number(task.interval.start) for task in wanted.tasks()]
    past = granularity.number(scene.now)
    if one.ends is not None:
        past = min(past, granularity.ceiling(one.ends))
    assert sorted(numbers) == list(range(granularity.number(one.starts), past))
    assert len({part.why for part in found}) == len(found)


def reasons(one: Report, clock: Clock, done: Coverage) -> dict[str, list[str]]:
    series = Series(one)
    wanted = due(series, done, (), clock)
    found = {"due": [task.start for task in wanted.tasks()]}
    for part in rest(series, done, wanted, clock):
        numbers = [n for first, past in part.runs for n in range(first, past)]
        found[part.why.value] = [DAYS.label(DAYS.start(n)) for n in numbers]
    return found


def test_each_reason() -> None:
    one = report(
        starts=datetime(2015, 1, 1),
        lag=timedelta(days=1),
        max_data_points=6,
        schedule="0 12 * * *",
        max_intervals=2,
    )
    done = Coverage.of([DAYS.number(datetime(2015, 1, 3))])
    clock = Clock(datetime(2015, 1, 10, 6), since=datetime(2015, 1, 4))
    assert reasons(one, clock, done) == {
        "max_data_points": ["2015-01-01"],
        "done": ["2015-01-03"],
        "range": ["2015-01-02"],
        "due": ["2015-01-04", "2015-01-07"],
        "backfill": ["2015-01-05", "2015-01-06"],
        "schedule": ["2015-01-08"],
        "lag": ["2015-01-09"],
    }
    clock = Clock(datetime(2015, 1, 10, 6), until=datetime(2015, 1, 6), max_intervals=9)
    assert reasons(one, clock, Coverage()) == {
        "max_data_points": ["2015-01-01"],
        "due": ["2015-01-02", "2015-01-03", "2015-01-04", "2015-01-05"],
        "range": ["2015-01-06", "2015-01-07", "2015-01-08"],
        "lag": ["2015-01-09"],
    }


@given(granularities)
def test_of_a_report_that_begins_later_nothing_is_told(granularity: Granularity) -> None:
    series = Series(report(granularity=granularity, starts=datetime(2015, 6, 1)))
    assert rest(series, Coverage(), Due(series), Clock(datetime(2015, 1, 1))) == []


def test_the_reasons_come_in_the_order_of_their_list() -> None:
    one = report(lag=timedelta(days=1))
    done = Coverage.of([DAYS.number(datetime(2015, 1, 1))])
    series = Series(one)
    found = rest(series, done, Due(series), Clock(datetime(2015, 1, 4)))
    assert [part.why for part in found] == [Why.DONE, Why.BACKFILL, Why.LAG]


def test_gaps_that_alternate_with_what_is_done_cost_no_more_than_their_number() -> None:
    hours = Granularity.HOURS
    one = report(granularity=hours, starts=datetime(2015, 1, 1), max_intervals=20_000)
    now = datetime(2025, 1, 1)
    first, past = hours.number(one.starts), hours.number(now)
    done = Coverage(tuple((number, number + 1) for number in range(first, past, 2)))
    series, clock = Series(one), Clock(now)
    began = time.process_time()
    wanted = due(series, done, (), clock)
    found = {part.why: part.intervals for part in rest(series, done, wanted, clock)}
    assert time.process_time() - began < 10  # a tenth of a second; the square of it were minutes
    assert wanted.intervals == 20_000
    assert found == {Why.DONE: len(done), Why.BACKFILL: (past - first) // 2 - 20_000}
