"""Queues of stretches, against plain lists of tasks."""

from __future__ import annotations

from itertools import chain, repeat

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.execution.lane import Lane
from reportupdater.model import Reason, Series, Task
from reportupdater.planning.due import Due, Stretch
from tests.making import report

FIRST = 735_599


@st.composite
def stretches(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """Some stretches that do not overlap, oldest first."""
    found, at = [], FIRST
    for gap, length, reason in draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 5), st.sampled_from(Reason)),
            min_size=1,
            max_size=4,
        )
    ):
        found.append(Stretch(at + gap, at + gap + length, reason))
        at += gap + length
    return tuple(found)


def seen(tasks: list[Task]) -> list[tuple[Series, str, Reason]]:
    return [(task.series, task.start, task.reason) for task in tasks]


@given(
    st.lists(stretches(), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=12),
)
def test_tasks_come_oldest_first_across_series_however_they_are_taken_and_put_back(
    all_stretches: list[tuple[Stretch, ...]], steps: list[tuple[int, int]]
) -> None:
    one = report(dimensions={"wiki": [f"w{n}" for n in range(len(all_stretches))]})
    dues = [Due(Series(one, (f"w{n}",)), some) for n, some in enumerate(all_stretches)]
    every = [task for due in dues for task in due.tasks()]
    expected = sorted(every, key=lambda task: task.interval.start)
    lane = Lane(dues)
    assert lane.count == sum(due.intervals for due in dues) == len(every)
    taken: list[Task] = []
    for most, kept in chain(steps, repeat((4, 4))):
        if not lane:
            break
        assert lane.series is expected[len(taken)].series
        tasks = lane.take(most)
        lane.put_back(tasks[kept:])
        taken += tasks[:kept]
        assert lane.count == len(every) - len(taken)
    assert seen(taken) == seen(expected)


def test_what_is_removed_of_a_series_is_all_that_is_left_of_it() -> None:
    one = report(dimensions={"wiki": ["a", "b"]})
    dues = [
        Due(Series(one, (wiki,)), (Stretch(FIRST, FIRST + 3, Reason.MISSING),)) for wiki in "ab"
    ]
    lane = Lane(dues)
    lane.take(2)
    assert lane.remove([dues[0].series]) == [
        Due(dues[0].series, (Stretch(FIRST + 1, FIRST + 3, Reason.MISSING),))
    ]
    assert lane.remove([dues[0].series]) == []
    assert lane.count == 2
    assert lane.dues == [Due(dues[1].series, (Stretch(FIRST + 1, FIRST + 3, Reason.MISSING),))]


def test_what_several_workers_give_back_is_handed_out_oldest_first() -> None:
    one = Series(report())
    lane = Lane([Due(one, (Stretch(FIRST, FIRST + 9, Reason.MISSING),))])
    every = list(Due(one, (Stretch(FIRST, FIRST + 9, Reason.MISSING),)).tasks())
    first, second = lane.take(4), lane.take(4)
    lane.put_back(first[2:])
    lane.put_back(second[1:])
    assert seen(lane.take(9)) == seen([*every[2:4], *every[5:]])
