"""What is due, against a model that walks through the calendar one interval after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Reason, Report, Series, Task
from reportupdater.planning.plan import Clock, due, requestable, requested, window
from reportupdater.planning.schedule import as_of
from reportupdater.tsv import rows
from tests.making import due_tasks, floor, following, granularities, preceding, report

DAYS = Granularity.DAYS
HEADER = ("date", "n")


@dataclass(frozen=True)
class Scene:
    """A report, and what a run finds."""

    report: Report
    done: frozenset[datetime]
    """Starts of intervals."""
    now: datetime

    @property
    def series(self) -> Series:
        return Series(self.report)

    @property
    def coverage(self) -> Coverage:
        return Coverage.of(self.report.granularity.number(start) for start in self.done)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Reports that began some dozen intervals before now, or begin soon."""
    granularity = draw(granularities)
    now = draw(st.datetimes(datetime(2015, 11, 1), datetime(2016, 4, 1)))
    unit = following(granularity, now) - now
    near = st.builds(lambda count, part: now + count * unit + part, st.integers(-12, 4), parts)
    one = report(
        granularity=granularity,
        starts=draw(near),
        ends=draw(st.none() | near),
        lag=draw(st.just(timedelta(0)) | st.integers(0, 5).map(lambda count: count * unit) | parts),
        max_data_points=draw(st.none() | st.integers(1, 8)),
    )
    # What is done may lie anywhere: people edit TSVs, and settings change.
    done = draw(st.frozensets(near.map(lambda moment: floor(granularity, moment)), max_size=12))
    return Scene(one, done, now)


parts = st.timedeltas(timedelta(0), timedelta(hours=30))


def possible(scene: Scene) -> list[datetime]:
    """The starts of the intervals that may be computed, by the rules as they are told to people."""
    one, granularity = scene.report, scene.report.granularity
    found = []
    start = floor(granularity, one.starts)
    while following(granularity, start) + one.lag <= scene.now:
        if one.ends is None or start < one.ends:
            found.append(start)
        start = following(granularity, start)
    if one.max_data_points is not None:
        oldest = oldest_kept(scene, one.max_data_points)
        found = [start for start in found if start >= oldest]
    return found


def oldest_kept(scene: Scene, count: int) -> datetime:
    """`count` intervals before the watermark or `ends`, or before the end of what is done and over."""
    granularity, ends = scene.report.granularity, scene.report.ends
    at = floor(granularity, scene.now - scene.report.lag)
    if ends is not None:
        first = floor(granularity, ends)
        at = min(at, first if first == ends else following(granularity, first))
    done = [following(granularity, start) for start in scene.done]
    at = max([at, *(end for end in done if end <= scene.now)])
    for _ in range(count):
        at = preceding(granularity, at)
    return at


def starts(numbers: range, granularity: Granularity) -> list[datetime]:
    return [granularity.start(number) for number in numbers]


@given(scenes())
def test_the_window_is_what_may_be_computed(scene: Scene) -> None:
    found = window(scene.report, scene.now, scene.coverage)
    assert starts(found, scene.report.granularity) == possible(scene)


@given(scenes())
def test_due_is_what_may_be_computed_and_is_not_done(scene: Scene) -> None:
    tasks = due_tasks(scene.series, scene.coverage, (), Clock(scene.now))
    assert [task.interval.start for task in tasks] == [
        start for start in possible(scene) if start not in scene.done
    ]
    for task in tasks:
        assert task.reason is Reason.MISSING
        assert task.interval.end == following(scene.report.granularity, task.interval.start)


@given(scenes(), st.data())
def test_what_is_marked_and_done_is_due_again(scene: Scene, data: st.DataObject) -> None:
    granularity = scene.report.granularity
    pool = sorted({*scene.done, *possible(scene)})
    marked = data.draw(st.sets(st.sampled_from(pool)) if pool else st.just(set()))
    numbers = [granularity.number(start) for start in marked]
    tasks = due_tasks(scene.series, scene.coverage, numbers, Clock(scene.now))
    assert [(task.interval.start, task.reason) for task in tasks] == [
        (start, Reason.RERUN if start in scene.done else Reason.MISSING)
        for start in possible(scene)
        if start not in scene.done or start in marked
    ]


@given(scenes(), st.integers(1, 8), st.booleans())
def test_a_cut_backlog_is_taken_oldest_first_and_with_its_newest(
    scene: Scene, most: int, by_run: bool
) -> None:
    whole = due_tasks(scene.series, scene.coverage, (), Clock(scene.now))
    limits = (most, 1) if not by_run else (1, most)  # what the run is told counts more
    series = Series(replace(scene.report, max_intervals=limits[0]))
    clock = Clock(scene.now, max_intervals=most if by_run else None)
    part = due_tasks(series, scene.coverage, (), clock)
    intervals = [task.interval for task in whole]
    if len(intervals) > most:
        intervals = intervals[: most - 1] + intervals[-1:]
    assert [task.interval for task in part] == intervals


@given(scenes(), st.integers(1, 3))
def test_run_after_run_a_cut_backlog_comes_to_its_end(scene: Scene, most: int) -> None:
    assume(scene.report.max_data_points is None)
    series = Series(replace(scene.report, max_intervals=most))
    done, runs = scene.coverage, 0
    whole = len(due_tasks(scene.series, done, (), Clock(scene.now)))
    while tasks := due_tasks(series, done, (), Clock(scene.now)):
        numbers = (scene.report.granularity.number(task.interval.start) for task in tasks)
        done = Coverage.of([*done, *numbers])
        runs += 1
    assert runs == -(-whole // most)
    assert due_tasks(scene.series, done, (), Clock(scene.now)) == []


@given(scenes())
def test_marks_are_not_cut(scene: Scene) -> None:
    marked = [scene.report.granularity.number(start) for start in scene.done]
    whole = due_tasks(scene.series, scene.coverage, marked, Clock(scene.now))
    part = due_tasks(scene.series, scene.coverage, marked, Clock(scene.now, max_intervals=1))
    reruns = [task.interval for task in whole if task.reason is Reason.RERUN]
    assert [task.interval for task in part if task.reason is Reason.RERUN] == reruns
    assert sum(task.reason is Reason.MISSING for task in part) <= 1


SCHEDULES = st.sampled_from(["15 5 * * *", "*/20 * * * *", "0 12 * * sun", "30 0 1 * *"])


@given(scenes(), st.data())
def test_what_has_failed_comes_last_and_keeps_no_others_from_being_done(
    scene: Scene, data: st.DataObject
) -> None:
    series, clock = scene.series, Clock(scene.now)
    whole = due(series, scene.coverage, (), clock)
    numbers = [*whole.numbers]
    failing = data.draw(st.sets(st.sampled_from(numbers)) if numbers else st.just(set()))
    found = due(series, scene.coverage, (), clock, failing)
    assert found.numbers == whole.numbers
    first, last = found.parts()
    assert [*first.numbers] == [number for number in numbers if number not in failing]
    assert [*last.numbers] == sorted(failing)
    most = data.draw(st.integers(1, 5))
    part = due(series, scene.coverage, (), clock._replace(max_intervals=most), failing)
    assert len(part.numbers) == min(most, len(numbers))
    fresh = [number for number in numbers if number not in failing]
    if len(fresh) >= most:  # there is no room for those that failed
        assert [*part.numbers] == [*fresh[: most - 1], fresh[-1]]
    else:
        assert set(fresh) <= {*part.numbers}


@given(scenes(), SCHEDULES)
def test_with_a_schedule_missing_is_what_was_so_at_the_last_tick(
    scene: Scene, schedule: str
) -> None:
    series = Series(replace(scene.report, schedule=schedule))
    tick = as_of(series.report, scene.now)
    found = due_tasks(series, scene.coverage, (), Clock(scene.now))
    at_tick = due_tasks(scene.series, scene.coverage, (), Clock(tick))
    granularity, points = scene.report.granularity, scene.report.max_data_points
    newest = scene.coverage.newest_before(granularity.number(scene.now))
    # What a merge would trim now is not computed, though it would not have been at the tick.
    kept = -1 if points is None or newest is None else newest + 1 - points
    assert [task.interval for task in found] == [
        task.interval for task in at_tick if granularity.number(task.interval.start) >= kept
    ]


@given(scenes(), SCHEDULES)
def test_marks_do_not_wait_for_a_schedule(scene: Scene, schedule: str) -> None:
    series = Series(replace(scene.report, schedule=schedule))
    marked = [scene.report.granularity.number(start) for start in scene.done]

    def reruns(one: Series) -> list[datetime]:
        tasks = due_tasks(one, scene.coverage, marked, Clock(scene.now))
        return [task.interval.start for task in tasks if task.reason is Reason.RERUN]

    assert reruns(series) == reruns(scene.series)


@given(scenes(), st.data())
def test_a_run_can_be_told_to_look_only_at_a_part_of_time(
    scene: Scene, data: st.DataObject
) -> None:
    moments = st.none() | st.datetimes(scene.now - timedelta(400), scene.now + timedelta(60))
    since, until = data.draw(moments), data.draw(moments)
    marked = [scene.report.granularity.number(start) for start in scene.done]
    whole = due_tasks(scene.series, scene.coverage, marked, Clock(scene.now))
    part = due_tasks(scene.series, scene.coverage, marked, Clock(scene.now, since, until))
    assert [task.interval for task in part] == [
        task.interval
        for task in whole
        if (since is None or task.interval.start >= since)
        and (until is None or task.interval.start < until)
    ]


@given(scenes(), st.data())
def test_a_mark_asks_for_what_is_done_and_will_be_kept(scene: Scene, data: st.DataObject) -> None:
    moments = st.datetimes(scene.now - timedelta(400), scene.now + timedelta(200))
    since, until = sorted((data.draw(moments), data.draw(moments)))
    asked = scene.report.granularity.numbers(since, until)
    marking = requested(scene.series, scene.coverage, asked, scene.now)
    wanted = sorted(start for start in scene.done if since <= start < until)
    one = scene.report
    oldest = floor(one.granularity, one.starts)
    if one.max_data_points is not None:
        oldest = max(oldest, oldest_kept(scene, one.max_data_points))
    expected = [
        start for start in wanted if start >= oldest and (one.ends is None or start < one.ends)
    ]
    assert [scene.report.granularity.start(n) for n in marking.numbers] == expected
    assert marking.dropped == len(wanted) - len(expected)


@given(scenes())
def test_all_that_may_be_computed_may_be_marked(scene: Scene) -> None:
    allowed = requestable(scene.report, scene.now, scene.coverage)
    assert all(number in allowed for number in window(scene.report, scene.now, scene.coverage))


def test_a_mark_beyond_the_watermark_waits_for_it() -> None:
    series = Series(report(lag=timedelta(days=3)))
    coverage = Coverage.of([DAYS.number(datetime(2015, 1, day)) for day in range(1, 10)])
    asked = DAYS.numbers(datetime(2015, 1, 5), datetime(2015, 1, 8))
    marking = requested(series, coverage, asked, datetime(2015, 1, 10))
    assert marking.dropped == 0

    def due_on(day: int) -> list[str]:
        clock = Clock(datetime(2015, 1, day))
        return [task.start for task in due_tasks(series, coverage, marking.numbers, clock)]

    assert due_on(10) == ["2015-01-05", "2015-01-06"]
    assert due_on(11)[:3] == ["2015-01-05", "2015-01-06", "2015-01-07"]


def test_nothing_is_due_before_a_report_starts() -> None:
    one = Series(report(starts=datetime(2015, 1, 1)))
    assert due_tasks(one, Coverage(), (), Clock(datetime(2014, 6, 1))) == []
    assert due_tasks(one, Coverage(), (), Clock(datetime(2015, 1, 1, 23, 59, 59))) == []
    assert len(due_tasks(one, Coverage(), (), Clock(datetime(2015, 1, 2)))) == 1


def test_the_interval_in_which_a_report_starts_is_its_first() -> None:
    weeks = report(granularity=Granularity.WEEKS, starts=datetime(2015, 1, 7))
    [task] = due_tasks(Series(weeks), Coverage(), (), Clock(datetime(2015, 1, 11)))
    assert str(task) == "report [2015-01-04, 2015-01-11)"


def test_an_interval_that_starts_before_the_end_of_a_report_is_whole() -> None:
    weeks = report(
        granularity=Granularity.WEEKS, starts=datetime(2015, 1, 4), ends=datetime(2015, 1, 12)
    )
    tasks = due_tasks(Series(weeks), Coverage(), (), Clock(datetime(2016, 1, 1)))
    assert [task.start for task in tasks] == ["2015-01-04", "2015-01-11"]


Step = tuple[timedelta, timedelta, int]

# How the clock goes on (or is set back), the lag then, and how many of the tasks fail.
steps = st.lists(
    st.tuples(
        st.timedeltas(timedelta(-40), timedelta(60)),
        st.timedeltas(timedelta(0), timedelta(50)),
        st.sampled_from([0, 0, 1, 3]),
    ),
    min_size=1,
    max_size=6,
)


@given(granularities, st.integers(1, 6), steps)
def test_what_is_computed_stays_however_clock_and_lag_change(
    granularity: Granularity, points: int, course: list[Step]
) -> None:
    """`max_data_points` must not trim what was just computed, to compute it again for ever."""
    content = rows.Content()
    now = datetime(2016, 1, 20, 12)
    for gone_by, lag, failing in course:
        now += gone_by
        one = report(
            granularity=granularity,
            starts=datetime(2015, 10, 5),
            lag=lag,
            max_data_points=points,
        )
        series = Series(one)
        tasks = due_tasks(series, covered(content), (), Clock(now))
        failed, computed = tasks[:failing], tasks[failing:]
        over = granularity.number(now)
        content = rows.merged(content, entries(computed), max_data_points=points, over=over)
        left = due_tasks(series, covered(content), (), Clock(now))
        assert [task.interval for task in left] == [task.interval for task in failed]
        assert len([number for number in covered(content) if number < over]) <= points


def entries(tasks: list[Task]) -> Iterator[rows.Entry]:
    for task in tasks:
        number = task.series.report.granularity.number(task.interval.start)
        yield rows.Entry(number, HEADER, [(task.start, "1")])


def covered(content: rows.Content) -> Coverage:
    return Coverage.of(row.number for row in content.rows)


@given(scenes())
def test_without_max_data_points_every_interval_is_computed_once(scene: Scene) -> None:
    assume(scene.report.max_data_points is None)
    tasks = due_tasks(scene.series, scene.coverage, (), Clock(scene.now))
    numbers = [scene.report.granularity.number(task.interval.start) for task in tasks]
    done = Coverage.of([*scene.coverage, *numbers])
    assert due_tasks(scene.series, done, (), Clock(scene.now)) == []
