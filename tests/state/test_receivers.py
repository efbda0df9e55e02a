"""Datapoints that an older version kept for one receiver under several names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.spelling import host
from reportupdater.state.database import State

NAMES = ("graphite://localhost:2003", "graphite://127.0.0.1:2003", "graphite://[::1]:2003")


def test_they_are_joined_and_the_newest_value_wins(tmp_path: Path) -> None:
    with State(tmp_path):
        pass
    path = tmp_path / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for version, name in enumerate(NAMES, 1):
            connection.execute(
                "INSERT INTO outbox VALUES (?, 'a', 0, ?, ?, 1, 0, 'r.tsv', 0)",
                (name, str(version % 3), version),
            )
            connection.execute(
                "INSERT INTO outbox VALUES (?, ?, 0, '7', ?, 1, 0, 'r.tsv', 0)",
                (name, f"b{version}", version),
            )
            connection.execute("INSERT INTO senders VALUES (?)", (name,))
            connection.execute("INSERT INTO sent_metrics VALUES (?, 'a')", (name,))
        connection.execute(
            "INSERT INTO outbox VALUES ('graphite://h:1', 'a', 0, '5', 3, 1, 0, '', 0)"
        )
        connection.execute("UPDATE outbox_version SET number = 3")
        connection.execute("PRAGMA user_version = 5")
    with State(tmp_path) as state, state.reading() as connection:
        found = connection.execute(
            "SELECT destination, key, value, version, sends FROM outbox ORDER BY destination, key"
        ).fetchall()
        assert found == [
            (NAMES[1], "a", "0", 3, 2),
            *((NAMES[1], f"b{version}", "7", version, 1) for version in (1, 2, 3)),
            ("graphite://h:1", "a", "5", 3, 1),
        ]
        for table in ("senders", "sent_metrics"):
            rows = connection.execute(f"SELECT destination FROM {table}").fetchall()
            assert rows == [(NAMES[1],)]


@given(st.from_regex(r"[A-Za-z0-9.:\[\]-]{1,30}", fullmatch=True))
def test_a_host_has_one_spelling(name: str) -> None:
    assert host(host(name)) == host(name)
    assert host(name.upper()) == host(name)
