"""How a series stands, against a model that looks at one interval after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Series
from reportupdater.planning.missing import NotRequested, ending, is_late, missing, not_requested
from reportupdater.planning.plan import Clock, requested
from tests.making import due_tasks, report
from tests.planning.test_plan import Scene, scenes

DAY = timedelta(days=1)
NOW = datetime(2015, 6, 10, 12)


@given(scenes())
def test_missing_is_what_a_run_would_do_without_marks(scene: Scene) -> None:
    tasks = due_tasks(scene.series, scene.coverage, (), Clock(scene.now))
    assert missing(scene.report, scene.coverage, scene.now) == len(tasks)


@given(scenes(), st.integers(-15, 15), st.integers(0, 20))
def test_what_a_mark_takes_and_passes_over_is_all_of_its_range(
    scene: Scene, first: int, length: int
) -> None:
    granularity = scene.report.granularity
    number = granularity.number(scene.now) + first
    since, until = granularity.start(number), granularity.start(number + length)
    wanted = granularity.numbers(since, until)
    marking = requested(scene.series, scene.coverage, wanted, scene.now)
    over = not_requested(scene.report, scene.coverage, wanted, scene.now)
    assert len(marking.numbers) + sum(over) == length
    assert over.before_starts + over.too_old + over.after_ends >= marking.dropped
    missed = {
        task.interval for task in due_tasks(scene.series, scene.coverage, (), Clock(scene.now))
    }
    assert over.not_done == sum(granularity.interval(one) in missed for one in wanted)


def test_what_is_passed_over_is_counted_by_why() -> None:
    one = report(starts=datetime(2015, 6, 1), ends=datetime(2015, 6, 20))
    done = Coverage.of([Granularity.DAYS.number(datetime(2015, 6, 2))])
    wanted = Granularity.DAYS.numbers(datetime(2015, 5, 30), datetime(2015, 6, 23))
    assert not_requested(one, done, wanted, NOW) == NotRequested(
        before_starts=2, after_ends=3, not_over=10, not_done=8
    )
    trimmed = report(starts=datetime(2015, 6, 1), max_data_points=3)
    assert not_requested(trimmed, done, wanted, NOW) == NotRequested(
        before_starts=2, too_old=6, not_over=13, not_done=3
    )


@pytest.mark.parametrize(("done_up_to", "late"), [(None, True), (7, True), (8, False), (9, False)])
def test_late_is_what_lacks_an_interval_that_has_been_due_for_a_day(
    done_up_to: int | None, late: bool
) -> None:
    # At noon of the 10th the 8th has been over for a day and a half, the 9th for half a day.
    done = Coverage()
    if done_up_to:
        done = Coverage.of([Granularity.DAYS.number(datetime(2015, 6, done_up_to))])
    assert is_late(report(starts=datetime(2015, 6, 1)), done, NOW) == late


def test_a_hole_in_the_past_is_missing_and_not_late() -> None:
    one = report(starts=datetime(2015, 6, 1))
    done = Coverage.of([Granularity.DAYS.number(datetime(2015, 6, day)) for day in (1, 8, 9)])
    assert missing(one, done, NOW) == 6
    assert not is_late(one, done, NOW)


def test_what_is_not_due_yet_is_not_late() -> None:
    assert not is_late(report(starts=datetime(2015, 6, 9)), Coverage(), NOW)
    assert not is_late(report(starts=datetime(2016, 1, 1)), Coverage(), NOW)
    lagging = report(starts=datetime(2015, 6, 1), lag=timedelta(days=30))
    assert not is_late(lagging, Coverage(), NOW)


@pytest.mark.parametrize(
    ("ends", "notice"),
    [
        (None, None),
        (datetime(2015, 7, 11), None),
        (datetime(2015, 7, 10), "ends soon: 2015-07-10"),
        (datetime(2015, 6, 10, 12), "`ends` has passed: 2015-06-10 12:00"),
        (datetime(2014, 1, 1), "`ends` has passed: 2014-01-01"),
    ],
)
def test_the_end_of_a_report_is_a_notice(ends: datetime | None, notice: str | None) -> None:
    assert ending(report(ends=ends), NOW) == notice


def test_a_mark_spells_its_intervals_as_the_state_does() -> None:
    one = Series(report(dimensions={"wiki": ["a"]}), ("a",))
    done = Coverage.of([Granularity.DAYS.number(datetime(2015, 6, 2))])
    june = Granularity.DAYS.numbers(datetime(2015, 6, 1), datetime(2015, 7, 1))
    marking = requested(one, done, june, NOW)
    assert marking.starts(one) == [("report/a.tsv", "2015-06-02")]


def test_a_report_with_a_schedule_misses_nothing_before_its_tick() -> None:
    one = report(starts=datetime(2015, 6, 1), schedule="0 6 * * 1")  # Mondays
    done = Coverage.of(one.granularity.numbers(datetime(2015, 6, 1), datetime(2015, 6, 8)))
    wednesday = datetime(2015, 6, 10)
    assert missing(one, done, wednesday) == 0
    assert not is_late(one, done, wednesday)
    assert missing(one, done, datetime(2015, 6, 15, 6)) == 7
    assert not is_late(one, done, datetime(2015, 6, 15, 6))
    assert is_late(one, done, datetime(2015, 6, 16, 6))
