"""Upgrades of the state, and what is noticed when it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.model import Datapoint
from reportupdater.state import outbox, schema, versions
from reportupdater.state.connection import look
from reportupdater.state.database import State
from tests.state.versions import VERSION_1_WITH_VERSIONS, made

HERE = "graphite://graphite.example.org:2003"
BEFORE = "graphite.example.org:2003"
"""The same, as versions before 4 wrote it."""
A = Datapoint("edits.daily", "1", 1735689600)
FIRST = """
DROP TABLE outbox_version;
DROP TABLE outbox;
CREATE TABLE outbox (
    destination TEXT NOT NULL, path TEXT NOT NULL, timestamp INTEGER NOT NULL, value TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1, owed INTEGER NOT NULL DEFAULT 1,
    in_doubt INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (destination, path, timestamp)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def altered(output: Path, script: str) -> None:
    """Change the state of an output folder as no run does."""
    with State(output) as state:
        path = state.path
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def set_aside(output: Path) -> bool:
    with State(output):
        pass
    return any((output / ".reportupdater").glob("*.damaged-*"))


def test_what_is_owed_by_a_state_of_the_first_version_stays_owed(output: Path) -> None:
    owed = f"INSERT INTO outbox VALUES ('{BEFORE}', 'edits.daily', 1735689600, '1', 7, 2, 1);"
    altered(output, FIRST + owed)
    with State(output) as state:
        assert outbox.batch(state, HERE, 10) == outbox.Batch([A], 7)
        with state.transaction() as connection:
            outbox.put(connection, HERE, "edits.tsv", [A._replace(value="2")])
            assert connection.execute("SELECT version, sends FROM outbox").fetchone() == (8, 2)
    assert not set_aside(output)


@pytest.mark.parametrize(
    ("given", "highest"),
    [
        ("UPDATE outbox_version SET number = 9;", 9),
        ("UPDATE outbox_version SET number = 3;", 7),
        ("DELETE FROM outbox_version;", 7),
        ("INSERT INTO outbox_version VALUES (8), (2);", 8),
    ],
)
def test_a_version_1_state_that_has_outbox_version_already_is_upgraded(
    output: Path, given: str, highest: int
) -> None:
    owed = f"INSERT INTO outbox VALUES ('{BEFORE}', 'edits.daily', 1735689600, '1', 7, 2, 1);"
    made(output, VERSION_1_WITH_VERSIONS + owed + given)
    with State(output) as state:
        assert outbox.batch(state, HERE, 10) == outbox.Batch([A], highest)
        with state.transaction() as connection:
            found = connection.execute("SELECT number FROM outbox_version").fetchall()
            assert found == [(highest,)]
            version = connection.execute("PRAGMA user_version").fetchone()
            assert version == (schema.VERSION,)
    assert not set_aside(output)


@pytest.mark.parametrize("version", range(1, schema.VERSION))
def test_a_state_whose_tables_are_newer_than_its_number_is_upgraded(
    output: Path, version: int
) -> None:
    altered(output, f"PRAGMA user_version = {version};")
    assert not set_aside(output)
    with State(output) as state, state.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_state_of_before_its_results_had_checksums_is_set_aside(output: Path) -> None:
    altered(output, FIRST + "ALTER TABLE journal DROP COLUMN checksum;")
    assert set_aside(output)


def test_every_version_can_be_brought_to_the_present_one() -> None:
    assert sorted(versions.UPGRADES) == list(range(1, schema.VERSION))


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE marks",
        "INSERT INTO journal VALUES (1, 9, '2025-01-01', 'days', 'date', '', NULL, NULL, 0)",
        "INSERT INTO marks VALUES (9, '2025-01-01', '', 0)",
        "DELETE FROM outbox_version",
        "INSERT INTO outbox_version VALUES (5)",
        "UPDATE outbox_version SET number = 'text'",
        "INSERT INTO outbox VALUES ('a:1', 'p', 0, '1', 3, 1, 0, '', 0)",
    ],
)
def test_a_state_that_does_not_hang_together_is_set_aside(output: Path, script: str) -> None:
    altered(output, script)
    assert set_aside(output)


def test_a_page_in_the_place_of_another_is_noticed(output: Path) -> None:
    with State(output) as state:
        path = state.path
        with state.transaction() as connection:
            points = [A._replace(timestamp=number) for number in range(1000)]
            outbox.put(connection, HERE, "edits.tsv", points)
            root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outbox'")
            page = root.fetchone()[0]
    content = bytearray(path.read_bytes())
    size = 4096
    leaves = [
        at
        for at in range(page * size, len(content), size)
        if content[at] == 0x0A and content[at + 4]
    ]
    first, last = leaves[0], leaves[-1]
    content[first : first + size] = content[last : last + size]
    path.write_bytes(content)
    assert set_aside(output)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT tsv FROM answered JOIN series ON id = answered.series WHERE report = 'r'",
        "SELECT id FROM runs WHERE started < '2015-01-01'",
        "SELECT 1 FROM runs WHERE project = 'p' AND id > 5",
        "SELECT 1 FROM attempts WHERE run = 5",
    ],
)
def test_what_is_asked_of_a_report_or_a_run_is_found_without_a_look_at_all(
    output: Path, query: str
) -> None:
    with State(output) as state, state.transaction() as connection:
        connection.executemany(
            "INSERT INTO series (tsv, report) VALUES (?, ?)",
            [(f"r{number}.tsv", f"r{number}") for number in range(100)],
        )
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
        assert [step for *_, step in plan if step.startswith("SCAN")] == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("graphite.example.org:2003", "graphite://graphite.example.org:2003"),
        ("::1:2003", "graphite://127.0.0.1:2003"),
    ],
)
def test_destinations_of_older_versions_are_carried_over(
    output: Path, before: str, now: str
) -> None:
    point = f"INSERT INTO outbox VALUES ('{before}', 'edits.daily', 1735689600, '1', 7, 1, 0);"
    sent = f"INSERT INTO sent_metrics VALUES ('{before}', 'edits.daily');"
    sender = f"INSERT INTO senders VALUES ('{before}');"
    made(output, VERSION_1_WITH_VERSIONS + point + sent + sender)
    if not before.startswith("::1"):  # an older version called it by another name
        assert outbox.sent_metrics(output, now) == {"edits.daily"}  # read before it is upgraded
    with State(output) as state:
        assert outbox.batch(state, now, 10).points == [A]
        with state.reading() as connection:
            assert connection.execute("SELECT * FROM senders").fetchall() == [(now,)]
            assert connection.execute("SELECT series FROM outbox").fetchall() == [("",)]
    assert outbox.sent_metrics(output, now) == {"edits.daily"}


def test_a_state_of_version_7_keeps_what_is_pending(output: Path) -> None:
    with State(output) as state, state.transaction() as connection:
        outbox.put(connection, HERE, "edits.tsv", [Datapoint("a", "1", 0), Datapoint("b", "2", 0)])
    with closing(sqlite3.connect(output / ".reportupdater" / "state.sqlite")) as connection:
        connection.executescript(
            "DROP INDEX outbox_unnumbered; ALTER TABLE outbox DROP COLUMN revision;"
            "DROP TABLE last_revisions; DROP TABLE numbered; PRAGMA user_version = 7"
        )
    with look(output) as read:
        assert read is not None
        assert outbox.pending(read) == {HERE: 2}
    with State(output) as state:
        points = outbox.batch(state, HERE, 10).points
        assert points == [Datapoint("a", "1", 0, 0), Datapoint("b", "2", 0, 0)]
        with state.transaction() as connection:
            schema.check(connection)
