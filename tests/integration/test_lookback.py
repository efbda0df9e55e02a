"""Late data: the newest intervals are computed again when a new one is due."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reportupdater.state import revisions
from reportupdater.state.connection import look
from tests.helpers import SQLITE, Project
from tests.servers.receivers import reads_all, receiver

QUERY = (
    "SELECT '{from_date}' AS date, coalesce(sum(n), 0) AS n FROM events WHERE day = '{from_date}'"
)


def project(tmp_path: Path, more: str = "", top: str = "") -> Project:
    reports = f"reports: {{edits: {{lookback: 2{more}}}}}\n"
    one = Project(tmp_path, top + SQLITE + reports, {"edits.sql": QUERY})
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source, source:
        source.execute("CREATE TABLE events (day TEXT, n INTEGER)")
    return one


def come(one: Project, day: str, n: int) -> None:
    """Let data of a day come."""
    with closing(sqlite3.connect(one.folder / "data.sqlite")) as source, source:
        source.execute("INSERT INTO events VALUES (?, ?)", (day, n))


def test_late_data_is_found_and_sent(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
        sink = ", graphite: {path: 'x.{_metric}', metrics: {n: n}}"
        one = project(tmp_path, sink, top)
        for day in range(1, 5):
            come(one, f"2025-01-0{day}", day)
        one.run(now="2025-01-05")
        assert len(graphite.lines) == 4
        for day in range(1, 5):
            come(one, f"2025-01-0{day}", 10)
        assert "nothing is due" in one.run("-l", "info", now="2025-01-05T23:00")
        said = one.call("plan", one.folder, one.output, "--now", "2025-01-06").stdout
        assert "lookback 2025-01-03 to 2025-01-04 (2), missing 2025-01-05" in said
        one.run(now="2025-01-06")
        assert [row[1] for row in one.rows("edits")[1:]] == ["1", "2", "13", "14", "0"]
        # What has changed is sent, and what is new.
        assert sorted(line.split()[1] for line in graphite.lines[4:]) == ["0", "13", "14"]
        with look(one.output) as connection:
            assert connection is not None
            found = revisions.of_series(connection, "edits.tsv")
        assert [(r.start, r.reason, r.rows) for r in found] == [
            (f"2025-01-0{day}", "lookback", ((f"2025-01-0{day}", str(day)),)) for day in (3, 4)
        ]
        assert "nothing is due" in one.run("-l", "info", now="2025-01-06T05:00")


def test_a_lookback_that_fails_is_tried_again_and_one_of_a_failing_newest_is_not(
    tmp_path: Path,
) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-05")
    one.write("edits.sql", "SELECT nothing")
    one.run(now="2025-01-06", code=1)
    # They failed with the newest one: now only that is tried, until it succeeds.
    said = one.run("-l", "info", "--report", "edits", now="2025-01-06", code=1)
    assert "0 done, 0 empty, 1 failed" in said
    one.write("edits.sql", QUERY)
    assert "1 done" in one.run("-l", "info", now="2025-01-06")
    assert "2 done" in one.run("-l", "info", now="2025-01-06")
    assert "nothing is due" in one.run("-l", "info", now="2025-01-06")


def test_a_lookback_may_be_set_later_and_is_no_more_than_it_keeps(tmp_path: Path) -> None:
    one = project(tmp_path, ", max_data_points: 2")
    config = (one.folder / "config.yaml").read_text()
    one.write("config.yaml", config.replace("lookback: 2", "lookback: 0"))
    one.run(now="2025-01-05")
    one.write("config.yaml", config)
    assert "1 done" in one.run("-l", "info", now="2025-01-05")
    assert one.dates("edits") == ["2025-01-03", "2025-01-04"]


def test_how_far_is_bounded(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write("config.yaml", SQLITE + "reports: {edits: {lookback: 101}}\n")
    said = one.run(now="2025-01-05", code=2)
    assert "config.yaml:3:29: 'lookback'" in said
    assert "from 0 to 100" in said
