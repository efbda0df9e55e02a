"""A backfill with a real carbon: every datapoint is read back, and connections are few."""

from __future__ import annotations

from pathlib import Path

from tests.delivery.projects import arrive, before, config, edits, owed, stored
from tests.helpers import Project
from tests.servers.carbon import Carbon
from tests.servers.receivers import reads_all, receiver

WIKIS, DAYS = 50, 60
METRICS = ("edits", "bytes", "share", "delta")
QUERY = """
    SELECT '{from_date}' AS date, '{wiki}' AS wiki,
        CAST(strftime('%j', '{from_date}') AS INTEGER) * 1000 + CAST(substr('{wiki}', 2, 2) AS INTEGER) AS edits,
        1152921504606846975 AS bytes,
        round(CAST(substr('{wiki}', 2, 2) AS REAL) / 7, 4) AS share,
        -CAST(substr('{from_date}', 9) AS INTEGER) AS delta
"""


def test_every_datapoint_of_a_backfill_is_in_graphite_and_connections_are_few(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    wikis = ", ".join(f"w{number:02}wiki" for number in range(WIKIS))
    metrics = ", ".join(f"{name}: {name}" for name in METRICS)
    with receiver(before(carbon)) as relay:
        project = Project(
            tmp_path,
            config(relay.port, edits(fresh_node, wikis, metrics)),
            {"edits.sql": QUERY},
        )
        assert project.run(now="2025-03-02") == ""
        expected = stored(project, fresh_node, METRICS)
        assert len(expected) == WIKIS * DAYS * len(METRICS)
        arrive(carbon, fresh_node, expected)
        assert relay.connections < len(expected) / 500
        assert owed(project) == 0
        # A run with nothing due and nothing owed does not even connect.
        connections = relay.connections
        assert project.run(now="2025-03-02") == ""
        assert relay.connections == connections


def test_a_slow_backfill_does_not_connect_for_every_few_points(tmp_path: Path) -> None:
    slow = """
        WITH RECURSIVE busy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM busy LIMIT 30000)
        SELECT '{from_date}' AS date, '{wiki}' AS wiki, max(n) AS edits FROM busy
    """
    with receiver(reads_all) as server:
        project = Project(tmp_path, config(server.port, edits("m")), {"edits.sql": slow})
        project.run(now="2025-03-02")
        assert len(server.lines) == 120
        assert server.connections <= 2  # its first points, and all others
