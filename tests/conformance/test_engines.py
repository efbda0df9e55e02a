"""What every engine does alike. A new engine is one more subject."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from reportupdater.engines.base import Session
from reportupdater.errors import ConnectionFailed, QueryError, ResultError
from reportupdater.model import Table, Task
from tests.conformance.subjects import (
    NO_ROWS,
    ROWS,
    VALUES,
    HiveSubject,
    MysqlSubject,
    ScriptSubject,
    SqliteSubject,
    Subject,
    ToySubject,
)
from tests.helpers import patient

SUBJECTS = ("sqlite", "mysql", "script", "hive", "spark", "toy")

CANCEL_SECONDS = 3.0
"""A cancelled call ends within about two seconds."""


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    if request.param == "sqlite":
        return SqliteSubject(tmp_path)
    if request.param == "toy":
        return ToySubject()
    if request.param == "mysql":
        return MysqlSubject(
            request.getfixturevalue("mariadb"), request.getfixturevalue("fresh_database")
        )
    if request.param in ("hive", "spark"):
        return HiveSubject(request.getfixturevalue(request.param))
    return ScriptSubject(tmp_path)


@pytest.fixture
def open_session(subject: Subject) -> Iterator[Callable[[], Session]]:
    """Makes sessions that are connected, and closes them when the test is over."""
    sessions: list[Session] = []

    def opened() -> Session:
        session = subject.engine.session(subject.task("rows"))
        sessions.append(session)
        session.connect()
        return session

    yield opened
    for session in sessions:
        session.close()


@pytest.fixture
def session(open_session: Callable[[], Session]) -> Session:
    return open_session()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def run(subject: Subject, session: Session, task: Task, max_rows: int = 1_000_000) -> Table:
    return session.run(subject.engine.query(task), max_rows=max_rows, timeout=600)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def assert_works(subject: Subject, session: Session) -> None:
    if not session.connected:
        session.connect()
    assert run(subject, session, subject.task("rows")) == ROWS


def assert_cancelled(call: Future[Table]) -> None:
    with pytest.raises(ConnectionFailed):
        call.result(patient(CANCEL_SECONDS))


def test_values_of_all_kinds_come_as_texts(subject: Subject, session: Session) -> None:
    assert run(subject, session, subject.task("values")) == VALUES


def test_rows_keep_their_order(subject: Subject, session: Session) -> None:
    assert run(subject, session, subject.task("rows")) == ROWS


def test_a_result_without_rows_has_its_header(subject: Subject, session: Session) -> None:
    assert run(subject, session, subject.task("no rows")) == NO_ROWS


def test_the_interval_and_the_dimensions_are_put_in(subject: Subject, session: Session) -> None:
    table = run(subject, session, subject.task("placeholders", {"wiki": "enwiki"}))
    assert table == Table(("date", "until", "wiki"), [("2015-01-02", "2015-01-03", "enwiki")])


def test_all_rows_of_a_large_result_come(subject: Subject, session: Session) -> None:
    table = run(subject, session, subject.task("many"), max_rows=200_000)
    assert table.header == ("date", "n")
    assert table.rows == [("2015-01-02", str(number)) for number in range(1, 200_001)]


def test_one_row_more_than_max_rows_is_an_error(subject: Subject, session: Session) -> None:
    assert run(subject, session, subject.task("rows"), max_rows=5) == ROWS
    with pytest.raises(ResultError, match=r"more than 4 rows .*`max_rows`"):
        run(subject, session, subject.task("rows"), max_rows=4)
    assert_works(subject, session)


def test_the_rest_of_a_result_that_is_too_large_is_not_waited_for(
    subject: Subject, session: Session
) -> None:
    with pytest.raises(ResultError, match="more than 1,000 rows"):
        run(subject, session, subject.task("many"), max_rows=1000)
    assert_works(subject, session)


def test_an_error_tells_what_the_server_said_and_the_session_goes_on(
    subject: Subject, session: Session
) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        run(subject, session, subject.task("broken"))
    assert session.connected
    assert_works(subject, session)


def test_what_gives_no_table_is_an_error(subject: Subject, session: Session) -> None:
    with pytest.raises(ResultError):
        run(subject, session, subject.task("no table"))
    assert_works(subject, session)


def test_tasks_with_equal_access_share_a_session(subject: Subject, session: Session) -> None:
    one, other = subject.task("rows"), subject.task("no rows")
    assert subject.engine.access(one) == subject.engine.access(other)
    assert subject.engine.server(one) == subject.engine.server(other)
    assert run(subject, session, one) == ROWS
    assert run(subject, session, other) == NO_ROWS


def test_a_session_that_is_not_connected_says_so(subject: Subject) -> None:
    session = subject.engine.session(subject.task("rows"))
    if session.connected:
        assert subject.engine.server(subject.task("rows")).engine == "script"
    else:
        with pytest.raises(ConnectionFailed):
            run(subject, session, subject.task("rows"))


def test_two_sessions_work_at_once(
    subject: Subject, open_session: Callable[[], Session], pool: ThreadPoolExecutor
) -> None:
    barrier = threading.Barrier(2, timeout=60)

    def work(wiki: str) -> set[str]:
        session = open_session()
        barrier.wait()
        task = subject.task("placeholders", {"wiki": wiki})
        return {run(subject, session, task).rows[0][2] for _ in range(20)}

    calls = [pool.submit(work, wiki) for wiki in ("enwiki", "dewiki")]
    assert [call.result(120) for call in calls] == [{"enwiki"}, {"dewiki"}]


def test_a_cancelled_query_ends_here_and_on_the_server(
    subject: Subject, session: Session, pool: ThreadPoolExecutor
) -> None:
    call = pool.submit(run, subject, session, subject.task("endless"))
    if isinstance(subject, SqliteSubject | ToySubject):
        time.sleep(0.2)
    else:
        assert wait_until(lambda: subject.running() == 1)
    began = time.monotonic()
    session.cancel()
    assert time.monotonic() - began < patient(0.1)
    assert_cancelled(call)
    assert wait_until(lambda: subject.running() == 0)
    assert_works(subject, session)


def test_one_cancelled_query_leaves_the_others_alone(
    subject: Subject, open_session: Callable[[], Session], pool: ThreadPoolExecutor
) -> None:
    one, other = open_session(), open_session()
    calls = [pool.submit(run, subject, s, subject.task("endless")) for s in (one, other)]
    time.sleep(0.3)
    one.cancel()
    assert_cancelled(calls[0])
    time.sleep(0.3)
    assert not calls[1].done()
    other.cancel()
    assert_cancelled(calls[1])


def test_a_cancel_at_any_moment_ends_the_call(
    subject: Subject, session: Session, pool: ThreadPoolExecutor
) -> None:
    moments = random.Random(1)
    for _ in range(15):
        if not session.connected:
            session.connect()
        call = pool.submit(run, subject, session, subject.task("endless"))
        time.sleep(moments.choice((0.0, 0.0001, 0.001, 0.01)) * moments.random())
        session.cancel()
        assert_cancelled(call)
    assert wait_until(lambda: subject.running() == 0)
    assert_works(subject, session)


def test_a_cancel_before_connect_ends_that_call_only(subject: Subject) -> None:
    session = subject.engine.session(subject.task("rows"))
    session.cancel()
    with pytest.raises(ConnectionFailed):
        session.connect()
    assert_works(subject, session)
    session.close()


def test_a_cancel_between_two_queries_ends_the_next_with_an_error(
    subject: Subject, session: Session
) -> None:
    assert_works(subject, session)
    session.cancel()
    session.cancel()
    with pytest.raises(ConnectionFailed):
        run(subject, session, subject.task("rows"))
    assert_works(subject, session)


def test_close_and_cancel_are_safe_at_any_time(subject: Subject) -> None:
    session = subject.engine.session(subject.task("rows"))
    session.close()
    session.connect()
    assert_works(subject, session)
    session.close()
    session.cancel()
    session.close()
    with pytest.raises(ConnectionFailed):
        session.connect()
    assert_works(subject, session)
    session.close()
