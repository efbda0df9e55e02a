"""SQLite files in states in which they cannot be read or written, each with what to do about it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.engines.sqlite.engine import SqliteSession
from reportupdater.errors import ConnectionFailed, QueryError, ReportupdaterError
from reportupdater.model import Query
from tests.machine import ordinary_user


@pytest.fixture
def path() -> Iterator[Path]:
    """A file of another user's, in a folder that all may read and no one else may write to."""
    with tempfile.TemporaryDirectory(prefix="sqlite-") as folder:
        path = Path(folder) / "events.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE edit (n)")
            connection.execute("INSERT INTO edit VALUES (7)")
        path.chmod(0o444)
        yield path
        path.parent.chmod(0o755)


def closed_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def left_in_wal_mode(path: Path) -> None:
    """As a program leaves it that is killed: with what is not in the file yet."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO edit VALUES (8)")
        kept = [(Path(f"{path}{end}"), Path(f"{path}.kept{end}")) for end in ("", "-wal")]
        for one, copy in kept:
            shutil.copy(one, copy)
    for one, copy in kept:
        copy.replace(one)


def left_with_a_hot_journal(path: Path) -> None:
    """As a program leaves it that is killed while it writes."""
    copies = (Path(f"{path}.kept"), Path(f"{path}-journal.kept"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE large (x)")
        for _ in range(300):
            connection.execute("INSERT INTO large VALUES (randomblob(3000))")
        shutil.copy(path, copies[0])
        shutil.copy(f"{path}-journal", copies[1])
        connection.execute("ROLLBACK")
    copies[0].replace(path)
    copies[1].replace(f"{path}-journal")


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)


def of_another_kind(path: Path) -> None:
    path.write_text("date\tn\n" * 1000)


def unreadable(path: Path) -> None:
    path.chmod(0o000)


def ask(path: Path, query: str, *, writes: bool) -> None:
    with ordinary_user(), closing(SqliteSession(path, writes=writes)) as session:
        session.connect()
        session.run(Query(query), max_rows=10, timeout=60)


def failure(
    path: Path, query: str = "SELECT n FROM edit", *, writes: bool = False
) -> ReportupdaterError:
    """The error of an ordinary user's query, or of opening the file."""
    path.parent.chmod(0o555)
    with pytest.raises(ReportupdaterError) as caught:
        ask(path, query, writes=writes)
    return caught.value


@pytest.mark.parametrize("prepare", [closed_in_wal_mode, left_in_wal_mode])
def test_a_file_in_wal_mode_in_a_folder_that_cannot_be_written_to(
    path: Path, prepare: Callable[[Path], None]
) -> None:
    prepare(path)
    error = failure(path)
    assert isinstance(error, ConnectionFailed)
    assert not error.retry
    assert error.hint.startswith(
        "a file in WAL mode can only be read where its folder may be written"
    )
    assert str(path.parent) in error.hint


def test_a_hot_journal_in_a_folder_that_cannot_be_written_to(path: Path) -> None:
    left_with_a_hot_journal(path)
    error = failure(path)
    assert isinstance(error, ConnectionFailed)
    assert not error.retry
    assert error.hint == (
        "a program ended while it wrote to it, and left events.sqlite-journal: let a user who may write"
        f" there open it once, with sqlite3 {path} 'PRAGMA schema_version'"
    )
    path.parent.chmod(0o755)
    path.chmod(0o644)
    with closing(sqlite3.connect(path)) as connection:  # the cure
        connection.execute("PRAGMA schema_version")
    assert not Path(f"{path}-journal").exists()
    with ordinary_user(), closing(SqliteSession(path)) as session:
        session.connect()
        assert session.run(Query("SELECT n FROM edit"), max_rows=9, timeout=9).rows == [("7",)]


@pytest.mark.parametrize(
    ("prepare", "words", "hint"),
    [
        (damaged, "malformed", "PRAGMA integrity_check"),
        (of_another_kind, "not a database", "check the database's `path`"),
        (unreadable, "Permission denied", "check the database's `path`"),
        (Path.unlink, "No such file", "check the database's `path`"),
    ],
)
def test_what_is_no_file_to_read_has_a_hint_of_its_own(
    path: Path, prepare: Callable[[Path], None], words: str, hint: str
) -> None:
    path.chmod(0o644)
    prepare(path)
    error = failure(path)
    assert words in str(error)
    assert hint in str(error)


@pytest.mark.parametrize("mode", [0o444, 0o666])
def test_a_report_that_writes_where_it_may_not_is_told_the_folder(path: Path, mode: int) -> None:
    path.chmod(mode)
    error = failure(path, "INSERT INTO edit VALUES (1) RETURNING n", writes=True)
    assert isinstance(error, QueryError)
    assert error.hint == f"let the user write to the file and to its folder {path.parent}"


def test_a_query_that_writes_is_told_of_its_key(path: Path) -> None:
    path.chmod(0o666)
    error = failure(path, "DELETE FROM edit")
    assert isinstance(error, QueryError)
    assert error.hint == "a report whose query writes says `writes: true`"
