"""`plan`: what it prints, for people and for programs, and that it leaves everything as it was."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reportupdater.state import history
from reportupdater.state.database import State
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project, wait_until
from tests.integration.plans import PROGRAM, plan, planned, shown

WIKIS = ", ".join(f"w{number:03}wiki" for number in range(217))


def project_with(folder: Path, reports: str) -> Project:
    names = ("edits", "users", "totals")
    return Project(folder, SQLITE + reports, {f"{name}.sql": ONE for name in names})


def test_before_the_first_run_all_is_due_and_nothing_is_made(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    assert shown(project) == (
        "edits: 3 intervals are due, how long that takes is not known\n"
        "  missing 2025-01-01 to 2025-01-03 (3)\n"
        "  next: 2025-01-04, due from 2025-01-05 00:00 UTC on\n"
    )
    assert not project.output.exists()


def test_many_series_of_which_the_same_is_due_are_one_line(tmp_path: Path) -> None:
    project = project_with(tmp_path, f"reports: {{edits: {{explode_by: {{wiki: '{WIKIS}'}}}}}}\n")
    project.run()
    project.write(".reruns/mark", "2025-01-02\n2025-01-03\n")
    project.tsv("edits/w007wiki").unlink()
    found = shown(project, now="2025-01-05")
    assert found == (
        "edits: 436 intervals are due, less than 1 s if one after the other\n"
        "  216 series each: rerun 2025-01-02, missing 2025-01-04\n"
        "    2 done: 2025-01-01, 2025-01-03\n"
        "  wiki=w007wiki: missing 2025-01-01 to 2025-01-04 (4)\n"
        "  next: 2025-01-05, due from 2025-01-06 00:00 UTC on\n"
    )


def test_each_reason_not_to_be_due_is_told(tmp_path: Path) -> None:
    keys = 'lag: 3600, max_data_points: 8, schedule: "15 5 * * *", backfill: {max_intervals: 2}'
    project = project_with(
        tmp_path, f"reports: {{edits: {{{keys}}}, users: {{ends: 2025-01-03}}}}\n"
    )
    project.write_tsv("edits", "date\tn\n2025-01-05\t1\n")
    assert shown(project, "--report", "edits", "--since", "2025-01-06", now="2025-01-13T00:30") == (
        "edits: 2 intervals are due, how long that takes is not known\n"
        "  missing 2025-01-06, missing 2025-01-11\n"
        "    1 done: 2025-01-05\n"
        "    3 older than max_data_points keeps: 2025-01-01 to 2025-01-03\n"
        "    1 outside of --since and --until: 2025-01-04\n"
        "    4 left to later runs by max_intervals: 2025-01-07 to 2025-01-10\n"
        "    1 waiting for the lag: 2025-01-12\n"
        "  next: 2025-01-12, due from 2025-01-13 05:15 UTC on\n"
        "  next tick of '15 5 * * *': 2025-01-13 05:15 UTC\n"
    )
    project.run(now="2025-01-13T00:30")
    found = shown(project, now="2025-01-13T02:00")
    assert "    1 waiting for the next tick of the schedule: 2025-01-12\n" in found
    assert found.endswith(
        "users: nothing is due\n"
        "  2 done: 2025-01-01 to 2025-01-02\n"
        "  no further interval: the report ends\n"
        "\n"
        "in all 2 intervals are due, less than 1 s if one after the other\n"
    )


def test_what_fails_is_told_with_how_often_and_the_last_error(tmp_path: Path) -> None:
    project = project_with(
        tmp_path,
        'reports: {edits: {concurrency: 1, explode_by: {wiki: "enwiki, dewiki"}}, users: {}}\n',
    )
    project.write("edits.sql", "SELECT nonsense")
    project.run("--until", "2025-01-03", code=1)
    project.run("--only", "wiki=dewiki", "--until", "2025-01-03", code=1)
    found = shown(project)
    assert (
        "  failing: 4 intervals, most often wiki=dewiki 2025-01-01, 2 times in a row, the\n"
        "      last time: no such column: nonsense\n"
    ) in found
    series = planned(project, "--report", "edits")["reports"][0]["series"]
    assert [(one["failing"], one["last_error_times"]) for one in series] == [(2, 1), (2, 2)]
    assert series[0]["last_error"] == "no such column: nonsense"
    assert series[0]["last_error_interval"] == "2025-01-02"


def test_an_interval_that_fails_is_told_though_later_ones_have_been_done(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    bad = (
        "SELECT CASE '{from_date}' WHEN '2025-01-01' THEN '2024-01-01' ELSE '{from_date}' END AS d"
    )
    project.write("edits.sql", f"{bad}, 1 AS n")
    project.run(code=1)
    project.run("--report", "edits", code=1)
    found = shown(project)
    assert "  failing: 2025-01-01 2 times in a row, the last time: row 1 is dated\n" in found
    (series,) = planned(project)["reports"][0]["series"]
    status = json.loads(project.call("status", project.output, "--json", "--series", code=1).stdout)
    (same,) = status["reports"][0]["each_series"]
    fields = {"failing", *(name for name in series if name.startswith("last_error"))}
    assert len(fields) == 5
    assert {name: series[name] for name in fields} == {name: same[name] for name in fields}
    project.write("edits.sql", ONE)
    project.run()
    (series,) = planned(project)["reports"][0]["series"]
    assert (series["failing"], series["last_error"], series["last_error_times"]) == (0, None, 0)


def test_how_long_it_takes_is_known_from_each_series(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki'}}}\n")
    project.run("--until", "2025-01-02", "--only", "wiki=enwiki")
    state = project.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("UPDATE answered SET seconds = 90 * answers")
    found = planned(project)["reports"][0]
    # The other one has no history of its own: the report's mean is taken.
    assert [one["expected_seconds"] for one in found["series"]] == [180.0, 270.0]
    assert "5 intervals are due, about 8 min if one after the other" in shown(project)


def test_the_json_has_the_fields_that_the_page_lists(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'reports: {edits: {explode_by: {wiki: "enwiki"}}}\n')
    project.write_tsv("edits/enwiki", "date\tn\n2025-01-02\t1\n")
    assert planned(project) == {
        "version": 1,
        "project": str(project.folder / "config.yaml"),
        "output": str(project.output),
        "now": "2025-01-04T00:00:00Z",
        "errors_in_configuration": 0,
        "due": 2,
        "expected_seconds": None,
        "reports": [
            {
                "report": "edits",
                "granularity": "days",
                "schedule": None,
                "next_tick": None,
                "next_interval": "2025-01-04",
                "next_due": "2025-01-05T00:00:00Z",
                "held": None,
                "trouble": None,
                "due": 2,
                "expected_seconds": None,
                "older_query": None,
                "series": [
                    {
                        "tsv": "edits/enwiki.tsv",
                        "dimensions": {"wiki": "enwiki"},
                        "trouble": None,
                        "due": [
                            {"reason": "missing", "first": day, "last": day, "count": 1}
                            for day in ("2025-01-01", "2025-01-03")
                        ],
                        "not_due": [
                            {
                                "why": "done",
                                "first": "2025-01-02",
                                "last": "2025-01-02",
                                "count": 1,
                            }
                        ],
                        "expected_seconds": None,
                        "not_ready": [],
                        "failing": 0,
                        "last_error": None,
                        "last_error_at": None,
                        "last_error_interval": None,
                        "last_error_times": 0,
                    }
                ],
            }
        ],
    }


def test_a_dry_run_prints_the_plan_and_runs_nothing(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    dry, err = plan(project, command=("run", "--dry-run"))
    assert err == ""
    assert dry == plan(project)[0]
    limited, _ = plan(project, "--max-intervals", "2", command=("run", "--dry-run"))
    assert "missing 2025-01-01, missing 2025-01-03\n" in limited


def test_a_report_that_another_run_holds_would_be_passed_over(tmp_path: Path) -> None:
    door, notes = tmp_path / "door", tmp_path / "notes"
    script = (
        f"#!/bin/sh\necho $1 >> '{notes}'\nwhile [ ! -e '{door}' ]; do sleep 0.05; done\n"
        "printf 'date\\tn\\n%s\\t1\\n' $1\n"
    )
    project = Project(tmp_path / "here", SQLITE + "reports: {edits: {type: script}, users: {}}\n")
    project.write("edits", script)
    project.write("users.sql", ONE)
    with project.started("--report", "edits") as run:
        wait_until(notes.exists)
        out = subprocess.run(
            [*PROGRAM, "plan", "--now", "2025-01-04", project.folder, project.output],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert (
            " ".join(out.split())
            .partition(" UTC ")[2]
            .startswith(f"edits is held by another run, process {run.process.pid}, since 20")
        )
        assert "a run would pass it over" in " ".join(out.split())
        assert "users: 3 intervals are due" in out
        door.touch()
        run.ended(0)
    assert "edits: nothing is due\n" in shown(project)


def test_a_tsv_that_cannot_be_read_is_told_first(tmp_path: Path) -> None:
    project = project_with(tmp_path, 'reports: {edits: {explode_by: {wiki: "enwiki, dewiki"}}}\n')
    damaged = project.write_tsv("edits/dewiki", "date\tn\n2025-01-01\n")
    found = shown(project, code=1)
    assert " ".join(found.split()).startswith(
        "edits: 3 intervals are due, how long that takes is not known"
        f" wiki=dewiki: {damaged}:2: 1 column where the header has 2"
    ), found
    series = planned(project, code=1)["reports"][0]["series"]
    assert series[0]["trouble"] is None
    assert series[1]["trouble"].startswith(f"{damaged}:2: 1 column where")


def test_tsvs_of_another_project_would_not_be_touched(tmp_path: Path) -> None:
    first = project_with(tmp_path / "first", "reports: {edits: {}}\n")
    first.run()
    second = Project(
        tmp_path / "second",
        SQLITE + "reports: {edits: {}}\n",
        {"edits.sql": ONE},
        output=first.output,
    )
    found = " ".join(shown(second, code=1).split())
    assert f"edits: {first.tsv('edits')}: its TSVs are written by another project" in found
    assert planned(second, code=1)["reports"][0]["trouble"].startswith(str(first.tsv("edits")))


def test_an_invalid_report_is_told_and_the_others_are_planned(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {lag: soon}, users: {}}\n")
    out, err = plan(project, code=1)
    assert "'lag' of report 'edits' must be" in err
    assert "users: 3 intervals are due" in out
    assert "1 error in the configuration: what is wrong there is not run\n" in out
    project.write("config.yaml", "reports: {}\n")
    assert plan(project, code=2)[0] == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--report", "edit"), "has no report 'edit' (did you mean 'edits'?)"),
        (("--only", "wiki=enwiki"), "no report has a dimension 'wiki'"),
    ],
)
def test_a_name_that_is_not_there_is_told(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    assert said in plan(project, *arguments, code=2)[1]


def test_a_file_in_the_place_of_the_output_folder_is_told(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    project.output.write_text("")
    said = plan(project, code=2)[1]
    assert f"{project.output} cannot be the output folder: it is no folder\n" in said


def test_a_state_that_is_damaged_is_told(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    project.run()
    state = project.output / ".reportupdater" / "state.sqlite"
    state.write_bytes(b"no database at all, " * 100)
    said = plan(project, code=1)[1]
    assert f"{state}: the state cannot be used: file is not a database" in said


def test_a_series_in_pieces_is_told_in_a_few_lines(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    project.write_tsv(
        "edits", "date\tn\n" + "".join(f"2025-01-{d:02}\t1\n" for d in range(2, 30, 2))
    )
    found = shown(project, now="2025-01-31")
    assert (
        "  missing 2025-01-01, missing 2025-01-03, missing 2025-01-05, 12 further\n"
        "      stretches\n" in found
    )


def test_series_in_many_ways_are_cut(tmp_path: Path) -> None:
    wikis = [f"w{number:02}wiki" for number in range(20)]
    project = project_with(
        tmp_path, f"reports: {{edits: {{explode_by: {{wiki: '{', '.join(wikis)}'}}}}}}\n"
    )
    for number, wiki in enumerate(wikis):
        rows = "".join(f"2025-01-{day:02}\t1\n" for day in range(1, number + 2))
        project.write_tsv(f"edits/{wiki}", "date\tn\n" + rows)
    found = shown(project, now="2025-01-31")
    assert found.count("wiki=") == 8
    assert (
        "  and 12 series of which 186 intervals are due in other ways: --only shows some\n"
        "      of them, --json all\n"
    ) in found


def test_whoever_has_seen_enough_may_leave(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*PROGRAM, "plan", "--now", "2025-01-04", project.folder, project.output],
        env=ENVIRONMENT,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    project = project_with(tmp_path, "reports: {edits: {}}\n")
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*PROGRAM, "plan", "--now", "2025-01-04", project.folder, project.output],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.endswith(" ERROR the output cannot be written: No space left on device\n")


@pytest.mark.long
def test_ten_years_of_hours_that_fail_every_other_time_are_planned_in_linear_time(
    tmp_path: Path,
) -> None:
    hours = [datetime(2015, 1, 1) + timedelta(hours=n) for n in range(10 * 365 * 24)]
    keys = "{granularity: hours, starts: 2015-01-01}"
    project = project_with(tmp_path, f"reports: {{edits: {keys}}}\n")
    project.write("edits.sql", ONE.replace("from_date", "from_timestamp"))
    rows = "".join(f"{hour.isoformat()}\t1\n" for hour in hours[::2])
    project.write_tsv("edits", "date\tn\n" + rows)
    with State(project.output) as state, state.transaction() as connection:
        number = state.series_id(connection, "edits.tsv", "edits")
        at = history.stamp(hours[-1])
        connection.executemany(
            "INSERT INTO failing (series, start, times, first_at, last_at, error)"
            " VALUES (?, ?, 1, ?, ?, 'no such table')",
            [(number, hour.isoformat(), at, at) for hour in hours[1::2]],
        )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = planned(project, now=hours[-1].isoformat())
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert took < 25  # two seconds where nothing else is running; it was a minute
    (series,) = found["reports"][0]["series"]
    assert series["failing"] == len(series["due"]) == len(hours) // 2 - 1
