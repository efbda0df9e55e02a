"""Clocks that are set back or forward, time zones, and odd days: the same intervals everywhere."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import pytest

from reportupdater.intervals import Granularity
from tests.faults.soak import cases, record
from tests.helpers import Project
from tests.making import floor, following

pytestmark = pytest.mark.long

LAG = timedelta(minutes=45)
CONFIG = f"""
databases: {{local: {{engine: sqlite, path: data.sqlite}}}}
defaults: {{db: local, execute: one, starts: {{starts}}, lag: {LAG.seconds}}}
reports:
  hours: {{granularity: hours}}
  days: {{granularity: days, max_data_points: 9}}
  weeks: {{granularity: weeks}}
  months: {{granularity: months}}
  weeks_from_monday: {{granularity: weeks, week_starts: monday}}
"""
ZONES = [
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # its summer time is half an hour
    "Pacific/Kiritimati",  # 14 hours ahead
    "Pacific/Pago_Pago",  # 11 behind
    "Europe/Berlin",
    ":/nowhere",
]
# None is shortly before an interval ends by the lag: the program takes its time to look at the clock.
MOMENTS = [
    "2024-02-29T00:43:00",
    "2024-02-29T23:50:00",
    "2024-03-01T00:45:05",
    "2025-03-09T07:30:00",  # the hour that New York has not
    "2025-03-30T01:30:00",  # and Berlin
    "2025-10-26T00:30:00",  # the hour that Berlin has twice
    "2025-10-26T01:45:05",
    "2025-04-05T15:20:00",  # and Lord Howe's half
    "2024-12-31T23:50:00",
    "2025-01-01T00:43:00",
    "2025-01-01T00:45:01",
    "2025-01-05T00:45:05",  # a week begins
]


def at(moment: datetime) -> tuple[str, ...]:
    """Return what starts a command with the clock at this moment, UTC, or up to a second later.

    Never earlier: half a second before noon is another minute in what is printed.
    """
    assert shutil.which("faketime")
    ahead = ceil((moment - datetime.now(UTC).replace(tzinfo=None)).total_seconds())
    return ("faketime", "-m", "--exclude-monotonic", "-f", f"{ahead:+d}s")


def run(project: Project, moment: datetime, zone: str = "UTC", code: int = 0) -> str:
    """A run by that clock in that zone; what it says."""
    environment = {"TZ": zone, "NO_FAKE_STAT": "1"}
    with project.started(now=None, through=at(moment), environment=environment) as started:
        return started.ended(code)


def labels(granularity: Granularity, starts: datetime, now: datetime) -> list[str]:
    """How the intervals that are over are called, by the calendar alone."""
    found = []
    start = floor(granularity, starts)
    while (end := following(granularity, start)) <= now - LAG:
        form = "%Y-%m-%dT%H:%M:%S" if granularity is Granularity.HOURS else "%Y-%m-%d"
        found.append(start.strftime(form))
        start = end
    return found


def project_at(folder: Path, now: datetime) -> Project:
    starts = (now - timedelta(days=40)).date().isoformat()
    text = CONFIG.replace("{starts}", starts)
    return Project(folder, text, {"one.sql": QUERY})


def moment(name: str) -> str:
    """SQL that makes `2025-01-02T03:00:00` of a placeholder that stands for 20250102030000."""
    parts = [f"substr('{{{name}}}', {first}, {count})" for first, count in ((1, 4), (5, 2), (7, 2))]
    return " || '-' || ".join(parts) + f" || 'T' || substr('{{{name}}}', 9, 2) || ':00:00'"


# The date of an hour has its time.
QUERY = f"""
    SELECT CASE WHEN strftime('%s', until) - strftime('%s', since) = 3600
           THEN since ELSE date(since) END AS date, since, until
    FROM (SELECT {moment("from_timestamp")} AS since, {moment("to_timestamp")} AS until)
"""


def test_the_same_intervals_in_all_zones_on_all_odd_days(tmp_path: Path) -> None:
    rng = random.Random(1)
    pairs = [(moment, zone) for moment in MOMENTS for zone in ZONES]
    chosen = rng.sample(pairs, min(len(pairs), cases(3, len(pairs))))
    wrong = 0
    for number, (text, zone) in enumerate(chosen):
        now = datetime.fromisoformat(text)
        project = project_at(tmp_path / str(number), now)
        starts = datetime.fromisoformat((now - timedelta(days=40)).date().isoformat())
        assert run(project, now, zone) == ""
        for granularity in Granularity:
            expected = labels(granularity, starts, now)
            if granularity is Granularity.DAYS:
                expected = expected[-9:]
            wrong += project.dates(granularity.name.lower()) != expected
        by_option = project_at(tmp_path / f"{number} by option", now)
        by_option.run(now=text, environment={"TZ": zone})
        wrong += by_option.tsvs() != project.tsvs()
    assert wrong == 0
    record("time zones, summer time, leap day and year's end", cases=len(chosen), wrong=wrong)


NOTED = """#!/bin/sh
echo $1 >> "$NOTES"
printf 'date\\tn\\n%s\\t1\\n' $1
"""


def test_a_clock_that_jumps_loses_nothing_and_keeps_nothing_of_too_early(tmp_path: Path) -> None:
    """The script gives the number of the run: in the end each day is of one after which it was over."""
    config = """
defaults: {type: script, granularity: days, starts: 2025-02-20, execute: noted}
reports: {all: {}, some: {max_data_points: 5}}
"""
    numbered = NOTED.replace("%s\\t1\\n' $1", "%s\\t%s\\n' $1 $RUN")
    rounds = cases(2, 20)
    runs = again = lost = wrong = 0
    for seed in range(rounds):
        rng = random.Random(seed)
        project = Project(tmp_path / str(seed), config, {"noted": numbered})
        notes = tmp_path / f"notes {seed}"
        now = datetime(2025, 2, 27, 12)
        clocks: list[datetime] = []
        for number in range(6):
            if number == 5:  # all is over: what was requested is answered
                now = max(clocks) + timedelta(days=2)
            environment = {"NOTES": str(notes), "NO_FAKE_STAT": "1", "RUN": str(number)}
            with project.started(now=None, through=at(now), environment=environment) as started:
                said = started.ended(0).splitlines()
            assert all("computed while a clock was ahead" in line for line in said), said
            clocks.append(now)
            now += timedelta(hours=rng.choice([-24, -23, -1, 1, 24, 25, 48]))
            # A run refuses one that is set back more.
            now = max(now, max(clocks) - timedelta(hours=23))
        runs += len(clocks)
        days = [datetime(2025, 2, 20) + timedelta(days=day) for day in range(60)]
        over = [f"{day:%Y-%m-%d}" for day in days if day + timedelta(days=1) <= clocks[-1]]
        lost += project.dates("all") != over
        lost += project.dates("some") != over[-5:]
        for day, of_run in [*project.rows("all")[1:], *project.rows("some")[1:]]:
            end = datetime.fromisoformat(day) + timedelta(days=1)
            wrong += any(clock < end for clock in clocks[int(of_run) :])
        counts = Counter(notes.read_text().split())
        again += sum(max(0, count - 2) for count in counts.values())
    assert (lost, wrong) == (0, 0)
    record(
        "clocks set back and forward between runs",
        runs=runs,
        lost=lost,
        wrong=wrong,
        **{"computed again": again},
    )


def test_a_mark_is_answered_once_whatever_the_clock_does(tmp_path: Path) -> None:
    config = (
        "reports: {all: {type: script, granularity: days, starts: 2025-02-20, execute: noted}}\n"
    )
    project = Project(tmp_path, config, {"noted": NOTED})
    notes = tmp_path / "notes"

    def at_noon(day: int, hour: int = 12) -> Mapping[str, int]:
        notes.write_text("")
        environment = {"NOTES": str(notes), "NO_FAKE_STAT": "1"}
        through = at(datetime(2025, 2, day, hour))
        with project.started(now=None, through=through, environment=environment) as started:
            said = started.ended(0).splitlines()
        assert all("computed while a clock was ahead" in line for line in said), said
        return Counter(notes.read_text().split())

    assert len(at_noon(25)) == 5
    project.write(".reruns/mark", "2025-02-22\n2025-02-25\n")
    # The clock is set back: what is not over by it keeps its mark.
    assert at_noon(24, 13) == {"2025-02-22": 1, "2025-02-23": 1}
    said = run(project, datetime(2025, 2, 23, 12), code=2)
    assert (
        "this machine's clock is at 2025-02-23 12:00 UTC, and a run of this output folder" in said
    )
    assert "began at 2025-02-25 12:00 (set the clock; if it is right now" in said
    assert at_noon(25) == {"2025-02-24": 1}
    assert at_noon(26) == {"2025-02-25": 1}


def test_a_clock_that_was_ahead_is_gone_on_from_when_that_is_accepted(tmp_path: Path) -> None:
    config = (
        "reports: {all: {type: script, granularity: days, starts: 2025-02-20, execute: noted,"
        " max_data_points: 5}}\n"
    )
    project = Project(tmp_path, config, {"noted": NOTED})
    environment = {"NOTES": str(tmp_path / "notes"), "NO_FAKE_STAT": "1"}

    def go(moment: datetime, *arguments: str, code: int = 0) -> str:
        through = at(moment)
        with project.started(*arguments, now=None, through=through, environment=environment) as run:
            return run.ended(code)

    go(datetime(2025, 2, 25, 12))
    before = project.dates("all")
    go(datetime(2026, 2, 25, 12))  # ahead by a year: it trims by its own clock, as it must
    ahead = project.dates("all")
    assert "--accept-clock goes on" in go(datetime(2025, 2, 26, 12), code=2)
    assert project.dates("all") == ahead
    said = go(datetime(2025, 2, 26, 12), "--accept-clock", code=1)
    assert "a row is dated 2026-02-24, which is not over by this machine's clock" in said
    assert [day for day in project.dates("all") if day < "2025-03"] == [*before[1:], "2025-02-25"]
    project.write_tsv("all", "date\tn\n" + "".join(f"{day}\t1\n" for day in before))
    assert go(datetime(2025, 2, 27, 12)) == ""
    assert project.dates("all")[-1] == "2025-02-26"


def test_what_was_computed_too_early_is_computed_again_when_it_is_over(tmp_path: Path) -> None:
    config = (
        "reports: {all: {type: script, granularity: hours, starts: 2025-02-25, execute: noted}}\n"
    )
    project = Project(tmp_path, config, {"noted": NOTED})
    notes = tmp_path / "notes"
    environment = {"NOTES": str(notes), "NO_FAKE_STAT": "1"}

    def go(hour: int) -> tuple[str, Counter[str]]:
        notes.write_text("")
        through = at(datetime(2025, 2, 25, hour, 30))
        with project.started(now=None, through=through, environment=environment) as run:
            said = run.ended(0)
        return said, Counter(notes.read_text().split())

    assert sum(go(5)[1].values()) == 5
    assert sum(go(8)[1].values()) == 3  # really it is six: two of them are not over
    said, noted = go(6)
    assert "3 intervals were computed while a clock was ahead: they are computed again" in said
    assert noted == {"2025-02-25T05:00:00": 1}
    assert go(7) == ("", {"2025-02-25T06:00:00": 1})
    assert go(8) == ("", {"2025-02-25T07:00:00": 1})
    assert go(9) == ("", {"2025-02-25T08:00:00": 1})
