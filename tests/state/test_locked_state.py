"""A state that another program, such as a backup or an open `sqlite3`, keeps locked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from reportupdater.errors import StateError
from reportupdater.state import database as states
from reportupdater.state.database import State

WHY = r"state\.sqlite: the state is locked by another program \(`fuser -v .*state\.sqlite` shows"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_STEP_SECONDS", 0.05)


@contextmanager
def locked(output: Path, how: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
    path = output / ".reportupdater" / "state.sqlite"
    with closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE" if "EXCLUSIVE" in how else "SELECT 1")
        connection.execute(how)
        yield connection


def test_it_is_waited_for_longer_than_sqlite_does(tmp_path: Path) -> None:
    with State(tmp_path) as state, locked(tmp_path) as other:
        freed = threading.Timer(0.5, other.execute, ["COMMIT"])
        freed.start()
        with state.transaction() as connection:
            connection.execute("SELECT 1")
        freed.join()


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_one_that_stays_locked_is_told_from_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(states, "_PATIENCE_SECONDS", 0.2)

    def write() -> None:
        with State(tmp_path) as state, state.transaction():
            pass

    write()
    with locked(tmp_path, how), pytest.raises(StateError, match=WHY) as caught:
        write()
    assert "space" not in str(caught.value)


def test_a_run_that_is_to_end_does_not_wait(tmp_path: Path) -> None:
    began = monotonic()
    with State(tmp_path, lambda: True) as state, locked(tmp_path):
        with pytest.raises(StateError, match=WHY), state.transaction():
            pass
        assert monotonic() - began < 30
