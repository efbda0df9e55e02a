from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import reportupdater.engines.sqlite.engine as module
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.engines.sqlite.engine import SqliteEngine, SqliteSession
from reportupdater.errors import ConnectionFailed, QueryError, ResultError
from reportupdater.model import Query, Table
from tests.engines.tasks import sql_task
from tests.helpers import patient


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "edits #1 100%? ü.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE edit (date TEXT, wiki TEXT, size REAL)")
        connection.execute("INSERT INTO edit VALUES ('2015-01-02', 'enwiki', 3)")
    return path


@pytest.fixture
def session(path: Path) -> Iterator[SqliteSession]:
    with closing(SqliteSession(path)) as session:
        session.connect()
        yield session


def ask(session: SqliteSession, text: str) -> Table:
    return session.run(Query(text), max_rows=1000, timeout=600)


def failure(path: Path) -> ConnectionFailed:
    session = SqliteSession(path)
    with pytest.raises(ConnectionFailed) as caught:
        session.connect()
    assert not session.connected
    return caught.value


def test_a_file_is_a_server(path: Path) -> None:
    engine = SqliteEngine()
    task = sql_task(SqliteDatabase(name="data", path=path), "SELECT {from_timestamp}")
    assert str(engine.server(task)) == f"sqlite {path}"
    assert engine.query(task) == Query("SELECT 20150102000000")
    assert not engine.has_side_effects(task)
    writing = sql_task(SqliteDatabase(name="data", path=path), "SELECT 1", writes=True)
    assert engine.access(writing) != engine.access(task)
    assert engine.has_side_effects(writing)


def test_any_file_name_works(session: SqliteSession) -> None:
    assert ask(session, "SELECT * FROM edit") == Table(
        ("date", "wiki", "size"), [("2015-01-02", "enwiki", "3.0")]
    )


def test_blobs_are_taken_as_utf8(session: SqliteSession) -> None:
    assert ask(session, "SELECT X'C3BC' AS x").rows == [("ü",)]
    with pytest.raises(ResultError, match="column 'x' of row 2 "):
        ask(session, "SELECT X'00' AS x UNION ALL SELECT X'FF'")


def test_text_that_is_not_utf8_is_an_error_of_the_result(session: SqliteSession) -> None:
    with pytest.raises(ResultError, match=r"not UTF-8: .*column 'x'"):
        ask(session, "SELECT CAST(X'FF' AS TEXT) AS x")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELEC 1", 'near "SELEC": syntax error .*`reportupdater try`'),
        ("SELECT * FROM nowhere", "no such table: nowhere .*check the table"),
        ("DELETE FROM edit", "readonly database .*`writes: true`"),
        ("INSERT INTO edit VALUES (1, 2, 3) RETURNING date", "readonly database .*`writes: true`"),
        ("SELECT '\0'", "null character"),
        ("SELECT :x", "binding"),
        ("SELECT randomblob(2000000000)", "too big"),
    ],
)
def test_sqlites_own_words_are_shown(session: SqliteSession, query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(session, query)
    assert ask(session, "SELECT count(*) AS n FROM edit").rows == [("1",)]


def test_a_report_that_says_that_it_writes_may_write(path: Path) -> None:
    with closing(SqliteSession(path, writes=True)) as session:
        session.connect()
        insert = "INSERT INTO edit VALUES ('2015-01-03', 'dewiki', 1) RETURNING wiki"
        assert ask(session, insert).rows == [("dewiki",)]
        with pytest.raises(ResultError, match="no table"):
            ask(session, "DELETE FROM edit WHERE wiki = 'enwiki'")
    with closing(SqliteSession(path)) as session:
        session.connect()
        assert ask(session, "SELECT wiki FROM edit").rows == [("dewiki",)]


def test_no_other_file_can_be_reached(session: SqliteSession, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="too many attached databases"):
        ask(session, f"ATTACH DATABASE '{tmp_path}/other' AS other")
    assert not (tmp_path / "other").exists()


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    error = failure(tmp_path / "nowhere.sqlite")
    assert str(error) == (
        f"cannot open the database file {tmp_path}/nowhere.sqlite: No such file or directory"
        " (check the database's `path`; it is relative to the project)"
    )
    assert not error.retry
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("2015-01-02\t5\n" * 1000)
    error = failure(text)
    assert "not a database" in str(error)
    assert not error.retry
    assert not failure(tmp_path).retry


def test_a_file_in_wal_mode_is_read_while_it_is_written_to(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as writer,
        closing(SqliteSession(path)) as session,
    ):
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO edit VALUES ('2015-01-03', 'dewiki', 4)")
        session.connect()
        assert ask(session, "SELECT count(*) AS n FROM edit").rows == [("1",)]
        writer.execute("COMMIT")
        assert ask(session, "SELECT count(*) AS n FROM edit").rows == [("2",)]


def test_a_lock_is_waited_for(path: Path, session: SqliteSession) -> None:
    with closing(locked(path)) as writer:
        timer = threading.Timer(0.8, writer.execute, ["COMMIT"])
        timer.start()
        assert ask(session, "SELECT count(*) AS n FROM edit").rows == [("1",)]
        timer.join()


def test_a_lock_that_stays_is_a_failed_connection(
    path: Path, session: SqliteSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_TIMEOUT", 0.6)
    with closing(locked(path)):
        with pytest.raises(ConnectionFailed, match=f"{path.parent}.* is locked") as caught:
            ask(session, "SELECT * FROM edit")
        assert caught.value.retry
        assert failure(path).retry
    session.connect()
    assert ask(session, "SELECT count(*) AS n FROM edit").rows == [("1",)]


def test_waiting_for_a_lock_can_be_cancelled(path: Path, session: SqliteSession) -> None:
    with closing(locked(path)):
        timer = threading.Timer(0.2, session.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(ConnectionFailed):
            ask(session, "SELECT * FROM edit")
        assert time.monotonic() - began < patient(2)
        timer.join()


def test_a_query_that_failed_holds_no_lock(path: Path, session: SqliteSession) -> None:
    with pytest.raises(ResultError):
        session.run(Query("SELECT 1 FROM edit UNION ALL SELECT 2 FROM edit"), max_rows=1, timeout=1)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as writer:
        writer.execute("DELETE FROM edit")


def test_nothing_stays_open_after_close(path: Path, session: SqliteSession) -> None:
    def is_open() -> bool:
        return any(
            os.path.realpath(f"/proc/self/fd/{fd}") == str(path)
            for fd in os.listdir("/proc/self/fd")
        )

    ask(session, "SELECT * FROM edit")
    assert is_open()
    session.close()
    assert not is_open()


def locked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    return connection
