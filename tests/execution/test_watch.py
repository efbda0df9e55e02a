"""Calls that never end: whoever makes them is left behind, and the run goes on and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic

import pytest

from reportupdater.engines.base import Session
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.engines.sqlite.engine import SqliteEngine, SqliteSession
from reportupdater.execution import watch, work
from reportupdater.execution.execute import Execution
from reportupdater.execution.outcome import Answer, Failure, Outcome
from reportupdater.model import Query, Series, Table, Task
from reportupdater.planning.due import of_tasks
from tests.engines.tasks import sql_task

CALLS = ("connect", "run", "close")


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """What a call waits for that hangs, until the test is over."""
    event = threading.Event()
    yield event
    event.set()


class Hanging(SqliteSession):
    """A session of which one call hangs, whatever is done to stop it."""

    def __init__(self, path: Path, which: str, never: threading.Event) -> None:
        super().__init__(path)
        self._which = which
        self._never = never

    def _hang(self, which: str) -> None:
        if which == self._which:
            self._never.wait()

    def connect(self) -> None:
        self._hang("connect")
        super().connect()

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        self._hang("run")
        return super().run(query, max_rows=max_rows, timeout=timeout)

    def close(self) -> None:
        self._hang("close")
        super().close()


class HangingEngine(SqliteEngine):
    """An engine whose sessions hang."""

    def __init__(self, path: Path, which: str, never: threading.Event) -> None:
        self._path = path
        self._which = which
        self._never = never

    def session(self, task: Task) -> Session:
        return Hanging(self._path, self._which, self._never)


def test_a_call_that_is_stopped_late_has_all_of_its_time_to_end(
    never: threading.Event,
) -> None:
    watched = watch.Watched(threading.Event())
    called = threading.Event()

    def call() -> None:
        called.set()
        never.wait()

    def make() -> None:
        with suppress(watch.LeftBehind):
            watched.make(call, 1.0, None, None)

    threading.Thread(target=make, daemon=True).start()
    assert called.wait(20)
    late = monotonic() + 100  # whoever looks was busy for so long
    assert watched.look(late) is None
    assert watched.look(late + watch.GRACE - 1) is None
    assert watched.look(late + watch.GRACE + 1) == pytest.approx(1.0)


@pytest.mark.parametrize("which", CALLS)
def test_a_call_that_never_ends_costs_its_task_and_its_worker_and_the_run_ends(
    tmp_path: Path, never: threading.Event, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr(watch, "GRACE", 0.3)
    monkeypatch.setattr(work, "CONNECT_TIMEOUT", 5)
    monkeypatch.setattr(work, "_CLOSE_TIMEOUT", 0.3)
    monkeypatch.setattr(Hanging, "connect_timeout", 0.3)
    path = tmp_path / "data.sqlite"
    path.touch()
    lite = SqliteDatabase(name="lite", path=path, concurrency=2)
    start = datetime(2015, 1, 2)
    task = sql_task(lite, "SELECT '{from_date}' AS date, 1 AS n", start=start)
    series = Series(replace(task.series.report, timeout=0.3))
    granularity = series.report.granularity
    first = granularity.number(start)
    tasks = [Task(series, granularity.interval(first + n)) for n in range(6)]
    outcomes: list[Outcome] = []
    with Execution(of_tasks(tasks), lambda _: HangingEngine(path, which, never)) as execution:
        for batch in execution:
            outcomes += batch.outcomes
            outcomes += [
                Failure(task, error) for due, error in batch.unasked for task in due.tasks()
            ]
        assert execution.doing == []
    assert sorted(outcome.task.start for outcome in outcomes) == [task.start for task in tasks]
    if which == "close":
        assert all(isinstance(outcome, Answer) for outcome in outcomes)
        return
    errors = [str(one.error) for one in outcomes if isinstance(one, Failure)]
    assert len(errors) == len(tasks)
    assert all("does its disk, mount or network hang?" in error for error in errors)
