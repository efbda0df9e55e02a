"""Who works on what next: fair between reports, and in order within a series."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.errors import QueryError
from reportupdater.execution.dispatch import BATCH_SECONDS, Batch, Dispatcher
from reportupdater.execution.outcome import Failure, Outcome, answer
from reportupdater.execution.validate import Checked
from reportupdater.model import Report, Series, Server, Task
from reportupdater.planning.due import Due, of_tasks
from reportupdater.planning.explode import explode
from tests.helpers import patient
from tests.making import report

SERVER = Server("mysql", "db1.example.org:3306")
FIRST = 735_599
SLOW, QUICK = 1.0, BATCH_SECONDS / 10


def tasks(one: Report, days: int) -> list[Task]:
    return [
        Task(series, one.granularity.interval(FIRST + day))
        for series in explode(one)
        for day in range(days)
    ]


def dispatcher(*some: list[Task], alone: bool = False) -> Dispatcher:
    every = [task for members in some for task in members]
    return Dispatcher(of_tasks(every), lambda _: SERVER, lambda _: alone)


def done(task: Task) -> Outcome:
    return answer(task, Checked(("date",), [(task.start,)], empty=False), 0.0)


def take(one: Dispatcher) -> Batch:
    batch = one.take(SERVER)
    assert batch is not None
    return batch


def test_a_slow_report_does_not_keep_others_waiting_while_a_worker_is_free() -> None:
    slow, other = report(), report()
    one = dispatcher(tasks(slow, 50), tasks(other, 50))
    reports = [take(one).tasks[0].series.report for _ in range(4)]
    assert Counter(reports) == {slow: 2, other: 2}


@given(
    st.integers(1, 4),
    st.integers(1, 30),
    st.integers(1, 5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_a_series_is_handed_out_oldest_first_and_every_task_once(
    series: int, days: int, workers: int, quick: bool, random: Random
) -> None:
    one = report(dimensions={"wiki": [f"w{number}" for number in range(series)]})
    every = tasks(one, days)
    dispatch = dispatcher(every)
    handed: dict[Series, list[datetime]] = {}
    working: list[Batch] = []
    count = 0
    while count < len(every) or working:
        if count < len(every) and len(working) < workers:
            batch = take(dispatch)
            count += len(batch.tasks)
            for task in batch.tasks:
                handed.setdefault(task.series, []).append(task.interval.start)
            working.append(batch)
        else:
            batch = working.pop(random.randrange(len(working)))
            outcomes = [done(task) for task in batch.tasks]
            dispatch.give_back(batch, outcomes, QUICK if quick else SLOW)
    assert dispatch.take(SERVER) is None
    assert all(starts == sorted(set(starts)) for starts in handed.values())
    assert sum(map(len, handed.values())) == len(every)


def test_slow_queries_are_handed_out_one_by_one_and_quick_ones_together() -> None:
    one = dispatcher(tasks(report(), 300))
    sizes = []
    for seconds in (QUICK, QUICK, QUICK, SLOW, SLOW, SLOW, SLOW):
        batch = take(one)
        sizes.append(len(batch.tasks))
        one.give_back(batch, [done(task) for task in batch.tasks], seconds)
    assert sizes == [1, 2, 4, 8, 4, 2, 1]


def test_what_has_side_effects_runs_one_at_a_time_oldest_first_across_series() -> None:
    one = report(dimensions={"wiki": ["b", "a"]})
    dispatch = dispatcher(tasks(one, 3), alone=True)
    order = []
    while batch := dispatch.take(SERVER):
        order += [(task.start, task.series.values[0]) for task in batch.tasks]
        dispatch.give_back(batch, [done(task) for task in batch.tasks], SLOW)
    assert order == [
        (day, wiki) for day in ("2015-01-01", "2015-01-02", "2015-01-03") for wiki in "ba"
    ]


def test_after_three_failures_in_a_row_the_rest_of_a_series_waits() -> None:
    dispatch = dispatcher(tasks(report(), 10))
    given_up: list[Due] = []
    for _ in range(3):
        batch = take(dispatch)
        failures = [Failure(task, QueryError("no such table")) for task in batch.tasks[:1]]
        given_up = dispatch.give_back(batch, failures, SLOW)
    assert [due.intervals for due in given_up] == [7]
    assert given_up[0].oldest.start == "2015-01-04"
    assert dispatch.take(SERVER) is None


def test_a_free_worker_takes_what_a_batch_in_work_gives_back() -> None:
    dispatch = dispatcher(tasks(report(), 3))
    first = take(dispatch)
    dispatch.give_back(first, [done(first.tasks[0])], QUICK)
    batch = take(dispatch)
    assert len(batch.tasks) == 2
    with ThreadPoolExecutor(1) as worker:
        other = worker.submit(dispatch.take, SERVER)
        with pytest.raises(TimeoutError):  # it waits, though there is nothing to hand out
            other.result(0.1)
        failed = Failure(batch.tasks[0], QueryError("no such table"))
        dispatch.give_back(batch, [failed], SLOW)
        taken = other.result(patient(20))
    assert taken is not None
    assert list(map(str, taken.tasks)) == list(map(str, batch.tasks[1:]))
    dispatch.give_back(taken, [done(taken.tasks[0])], SLOW)
    assert dispatch.take(SERVER) is None
