"""Where each task is to be asked is known before any is."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from reportupdater.engines import registry
from reportupdater.engines.base import Engine
from reportupdater.engines.mysql.config import MysqlDatabase, Shards
from reportupdater.engines.mysql.engine import MysqlEngine
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.execution.execute import Execution
from reportupdater.execution.outcome import Answer
from reportupdater.model import Series, Server, Task
from reportupdater.planning.due import of_tasks
from tests.engines.tasks import sql_task


class CountingEngine(MysqlEngine):
    """Counts what is looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_up: Counter[Series] = Counter()

    def server(self, task: Task) -> Server:
        self.looked_up[task.series] += 1
        return super().server(task)


def days(task: Task, count: int) -> list[Task]:
    """Tasks of the same series."""
    granularity = task.series.report.granularity
    first = granularity.number(task.interval.start)
    return [replace(task, interval=granularity.interval(first + n)) for n in range(count)]


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    """Three tasks of one series that can be asked, and before and after them four of two others."""
    path = tmp_path / "data.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (date TEXT)")
    lite = SqliteDatabase(name="lite", path=path)
    nowhere = MysqlDatabase(
        name="farm",
        shards=Shards(tmp_path, "_{section}._tcp.example.org"),
        wiki_dimension="wiki",
    )
    start = datetime(2015, 1, 2)
    asked = sql_task(lite, "SELECT '{from_date}' AS date, 1 AS n", start=start)
    lost = [sql_task(nowhere, "SELECT 1", dimensions={"wiki": wiki}) for wiki in ("a", "b")]
    return [*days(lost[0], 2), *days(asked, 3), *days(lost[1], 2)]


def test_tasks_whose_server_cannot_be_found_fail_before_others_are_asked(
    tasks: list[Task],
) -> None:
    with Execution(of_tasks(tasks), registry.engine) as execution:
        batches = iter(execution)
        first = next(batches)
        assert first.outcomes == []
        assert first.tasks == 4
        assert [due.series for due, _ in first.unasked] == [tasks[0].series, tasks[-1].series]
        for _, error in first.unasked:
            assert "dblists has no s[0-9]*.dblist, where a was looked for" in str(error)
        assert execution.doing == []
        others = [outcome for batch in batches for outcome in batch.outcomes]
    assert sorted(str(outcome.task) for outcome in others) == [str(task) for task in tasks[2:5]]
    assert all(isinstance(outcome, Answer) for outcome in others)


def test_the_server_of_a_series_is_looked_up_once(tasks: list[Task]) -> None:
    engines: dict[str, Engine] = {"mysql": CountingEngine(), "sqlite": registry.engine("sqlite")}
    engine: Callable[[str], Engine] = engines.__getitem__
    with Execution(of_tasks(tasks), engine) as execution:
        ended = sum(batch.tasks for batch in execution)
    assert ended == len(tasks)
    counting = engines["mysql"]
    assert isinstance(counting, CountingEngine)
    assert sorted(counting.looked_up.values()) == [1, 1]
    assert {series.values for series in counting.looked_up} == {("a",), ("b",)}


def test_where_nothing_can_be_found_all_fail_and_no_worker_begins(tasks: list[Task]) -> None:
    lost = [*tasks[:2], *tasks[-2:]]
    with Execution(of_tasks(lost), registry.engine) as execution:
        (batch,) = execution
    assert [str(task) for due, _ in batch.unasked for task in due.tasks()] == list(map(str, lost))
