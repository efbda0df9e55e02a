"""Intervals that fail keep no others from being computed, unless a report says that they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project

QUERY = """
SELECT '{from_date}' AS date,
    CASE WHEN '{from_date}' < '2025-01-04' THEN abs(-9223372036854775808) ELSE 1 END AS n
"""
SCRIPT = """#!/bin/sh
[ "$1" \\< 2025-01-04 ] && exit 1
echo "$1" >> "$NOTES"
printf 'date\\tn\\n%s\\t1\\n' "$1"
"""
DAYS = [f"2025-01-{day:02}" for day in range(4, 11)]


@pytest.mark.parametrize("keys", ["", ", max_intervals: 4"])
def test_three_that_always_fail_keep_no_newer_one_from_being_done(
    tmp_path: Path, keys: str
) -> None:
    keys = ", backfill: {max_intervals: 4}" if keys else ""
    one = Project(
        tmp_path, SQLITE + f"reports: {{edits: {{retries: 0{keys}}}}}\n", {"edits.sql": QUERY}
    )
    assert "3 of edits, the first is edits [2025-01-01," in one.run(now="2025-01-11", code=1)
    for _ in range(3):
        one.run(now="2025-01-11", code=1)
    assert one.dates("edits") == DAYS
    said = one.run(now="2025-01-11", code=1)
    assert ": 0 done, 0 empty, 0 failed" in said
    assert "3 intervals of edits: failed, the last time at" in said
    shown = one.call("status", one.folder, one.output, "--now", "2025-01-11", code=1).stdout
    assert "2025-01-10" in shown


def test_a_script_goes_on_after_what_fails_and_in_order_where_it_says_so(tmp_path: Path) -> None:
    config = (
        "defaults: {type: script, granularity: days, starts: 2025-01-01}\n"
        "reports: {free: {execute: it}, strict: {execute: it, ordered: true}}\n"
    )
    one = Project(tmp_path, config, {"it": SCRIPT})
    environment = {"NOTES": str(tmp_path / "notes")}
    for _ in range(2):
        one.run(now="2025-01-11", code=1, environment=environment)
    assert one.dates("free") == DAYS
    assert not one.tsv("strict").exists()
    assert (tmp_path / "notes").read_text().split() == DAYS
    one.write("it", SCRIPT.replace("2025-01-04", "2024"))
    one.run(now="2025-01-11", environment=environment)
    assert one.dates("strict")[:3] == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert one.dates("free")[:3] == ["2025-01-01", "2025-01-02", "2025-01-03"]
