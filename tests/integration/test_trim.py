"""`max_data_points`: what it keeps, and that nothing of the past is lost to a slip or a wrong clock."""

from __future__ import annotations

from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

CONFIG = SQLITE + "reports: {edits: {max_data_points: 5}}\n"
DAYS = [f"2025-01-{day:02}" for day in range(1, 21)]


def project(folder: Path, config: str = CONFIG) -> Project:
    return Project(folder, config, {"edits.sql": ONE})


def test_a_row_of_the_far_future_trims_nothing(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-11")
    one.tsv("edits").write_text(one.text("edits") + "2205-01-01\t1\n")
    said = one.run(now="2025-01-13", code=1)
    assert (
        f"{one.tsv('edits')}: a row is dated 2205-01-01, which is not over by this machine's clock (is it"
        in said
    )
    assert one.dates("edits") == [*DAYS[7:12], "2205-01-01"]
    shown = one.call("status", one.folder, one.output, "--now", "2025-01-13", code=1).stdout
    assert "! edits" in shown
    assert "2025-01-12" in shown  # up to which it is done
    assert (
        "a row is dated 2205-01-01, which is not over by this machine's clock (is it right? then delete"
        in shown
    )
    assert one.dates("edits") == [*DAYS[7:12], "2205-01-01"]


def test_a_run_of_a_moment_that_is_to_come_is_refused(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-11")
    said = one.run(now="2105-01-11", code=2)
    assert "--now is 2105-01-11 00:00 UTC, which is still to come (`plan` shows what is due" in said
    assert one.dates("edits") == DAYS[5:10]
    # What is due then may be looked at.
    shown = one.call("plan", one.folder, one.output, "--now", "2105-01-11").stdout
    assert "edits: 5 intervals are due" in shown
    one.run(now="2025-01-13")
    assert one.dates("edits") == DAYS[7:12]


def test_with_ends_the_newest_before_it_are_kept(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {max_data_points: 5, ends: 2025-01-11}}\n"
    one = project(tmp_path, config)
    one.run(now="2025-03-01")
    assert one.dates("edits") == DAYS[5:10]
    assert one.run(now="2025-06-01") == ""
    assert one.dates("edits") == DAYS[5:10]
