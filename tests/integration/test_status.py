"""`reportupdater status`: how the reports of an output folder stand."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reportupdater.cli import main
from reportupdater.execution.clock import utcnow
from reportupdater.operations import report_status
from reportupdater.state import reach
from reportupdater.state.database import State
from reportupdater.state.history import begin_run
from reportupdater.state.locks import Locks
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder
from tests.helpers import ENVIRONMENT, ONE, RUN, SQLITE, Project
from tests.machine import ordinary_user

CONFIG = (
    SQLITE
    + """\
reports:
  edits: {explode_by: {wiki: "enwiki, dewiki"}, description: Edits of a day}
  views: {concurrency: 1, owner: Data team, ticket: T123, description: Views of a day}
  weekly_users: {granularity: weeks, starts: 2024-12-29, ends: 2025-02-02}
"""
)
BROKEN = "SELECT * FROM nowhere"
QUERIES = {"edits.sql": ONE, "views.sql": BROKEN, "weekly_users.sql": ONE}


@pytest.fixture
def troubled(tmp_path: Path) -> Project:
    """A project of which one report fails, and whose last run was as of 2025-01-05."""
    project = Project(tmp_path, CONFIG, QUERIES)
    project.run(code=1, now="2025-01-05")
    return project


def status(
    capsys: pytest.CaptureFixture[str],
    project: Project,
    *arguments: str | Path,
    now: str = "2025-01-05T12",
    code: int = 1,
) -> str:
    """What the command prints."""
    assert main(["status", str(project.output), *map(str, arguments), "--now", now]) == code
    return re.sub(r"\b\d+ s ago|\d{4}-\d\d-\d\d \d\d:\d\d UTC", "...", capsys.readouterr().out)


def as_json(
    capsys: pytest.CaptureFixture[str], project: Project, *arguments: str | Path, code: int = 1
) -> dict[str, Any]:
    """The same as JSON."""
    told: dict[str, Any] = json.loads(status(capsys, project, *arguments, "--json", code=code))
    return told


def report(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What is told about a report."""
    (found,) = (one for one in told["reports"] if one["report"] == name)
    return dict(found)


def test_the_reports_in_trouble_come_first(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    text = status(capsys, troubled, troubled.folder)
    assert (
        text
        == f"""\
{troubled.output}: 3 reports, 1 in trouble
{troubled.folder / "config.yaml"}: last run ended ..., exit code 1

  report        series  done up to  missing  empty  last run  next due
! views              1           -        4      0   ...       now
    failed last at ...: 3 of views, the first is views [2025-01-01, 2025-01-02): no such table: nowhere (check the table's name, and which database the report runs on)
    contact: Data team, T123
    what it is: Views of a day
  edits              2  2025-01-04        0      0   ...   in 12 h
  weekly_users       1  2024-12-29        0      0   ...    in 6 d
    ends soon: 2025-02-02
"""
    )


def test_without_a_project_what_is_missing_lies_between_what_is_done(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    troubled.tsv("edits/enwiki").write_text("date\tn\n2025-01-01\t1\n2025-01-04\t1\n")
    told = as_json(capsys, troubled)
    edits = report(told, "edits")
    assert (edits["missing"], edits["done_up_to"], edits["next_due"]) == (2, "2025-01-04", None)
    assert report(told, "views")["missing"] is None
    assert report(as_json(capsys, troubled, troubled.folder), "edits")["missing"] == 2


def test_a_report_that_keeps_failing_says_how_often(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    troubled.run(code=1, now="2025-01-05")
    troubled.run("--only", "wiki=enwiki", now="2025-01-05")
    views = report(as_json(capsys, troubled, troubled.folder, "--series"), "views")
    assert views["failed_runs"] == 2
    (series,) = views["each_series"]
    hint = "no such table: nowhere (check the table's name, and which database the report runs on)"
    # The fourth, which had not been tried, came first; then the first two again.
    assert (series["failing"], series["last_error"]) == (4, hint)
    assert (series["last_error_interval"], series["last_error_times"]) == ("2025-01-04", 1)
    assert "failed in 2 runs in a row, last at" in status(capsys, troubled)
    troubled.write("views.sql", ONE)
    troubled.run(now="2025-01-05")
    views = report(as_json(capsys, troubled, troubled.folder, "--series", code=0), "views")
    assert (views["last_error"], views["last_error_at"], views["failed_runs"]) == (None, None, 0)
    assert views["each_series"][0]["failing"] == 0


def test_what_a_person_has_filled_in_fails_no_more(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    days = "".join(f"2025-01-0{day}\t1\n" for day in (1, 2, 3, 4))
    troubled.write_tsv("views", "date\tn\n" + days)
    views = report(as_json(capsys, troubled, troubled.folder, "--series"), "views")
    assert views["each_series"][0]["failing"] == 0
    troubled.run(now="2025-01-05")
    assert not as_json(capsys, troubled, troubled.folder, code=0)["in_trouble"]


def test_a_report_is_late_when_what_has_been_due_for_a_day_is_not_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, CONFIG, dict.fromkeys(QUERIES, ONE))
    project.run("--only", "wiki=enwiki", now="2025-01-05")
    project.run(now="2025-01-04")
    arguments = (project.folder, "--report", "edits")
    assert "none in trouble" in status(capsys, project, *arguments, code=0)
    said = status(capsys, project, *arguments, now="2025-01-05T23", code=0)
    assert "1 of 2 series are behind: wiki=dewiki (2025-01-03)" in said
    said = status(capsys, project, *arguments, now="2025-01-06")
    assert "wiki=dewiki: late: 2025-01-03 is the last that is done" in said
    assert "none in trouble" in status(capsys, project, now="2026-01-01", code=0)


def test_a_series_that_no_run_could_try_yet_is_new_and_not_late(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SQLITE + 'reports: {edits: {explode_by: {wiki: "enwiki"}}}\n'
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run(now="2025-01-05")
    project.write("config.yaml", config.replace("enwiki", "enwiki, dewiki"))
    soon = "2025-01-05T02"
    said = status(capsys, project, project.folder, now=soon, code=0)
    assert "none in trouble" in said
    assert "new, and not tried by a run yet: wiki=dewiki" in said
    assert "behind" not in said
    shown = status(capsys, project, project.folder, "--json", "--series", now=soon, code=0)
    found = json.loads(shown)
    assert [one["new"] for one in found["reports"][0]["each_series"]] == [False, True]
    shown = status(capsys, project, project.folder, "--series", now=soon, code=0)
    assert shown.count("new, and not tried by a run yet") == 1
    # Where no run comes for a day, or one fails for it, it is not new.
    long_after = (utcnow() + timedelta(days=3)).strftime("%Y-%m-%d")
    assert "wiki=dewiki: late: nothing" in status(capsys, project, project.folder, now=long_after)
    project.write("edits.sql", "SELECT nonsense")
    project.run(now="2025-01-05", code=1)
    said = status(capsys, project, project.folder, now="2025-01-05T02")
    assert "new, and not tried" not in said
    assert "wiki=dewiki" in said


def test_a_series_that_a_run_knew_of_and_did_not_come_to_is_late(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SQLITE + 'reports: {edits: {explode_by: {wiki: "enwiki, dewiki"}}}\n'
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run("--only", "wiki=enwiki", now="2025-01-05")
    said = status(capsys, project, project.folder, now="2025-01-05T02")
    assert "wiki=dewiki: late: nothing is done yet" in said
    assert "new, and not tried" not in said


def test_a_report_that_never_ran_is_late(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, CONFIG, QUERIES)
    project.output.mkdir()
    said = status(capsys, project, project.folder)
    assert "there is no state yet: errors, datapoints and times of runs are not known" in said
    assert "views.tsv: late: nothing is done yet" in said
    assert list(project.output.iterdir()) == []
    assert status(capsys, project, code=0) == (
        f"{project.output}: 0 reports, none in trouble\nthere is no state yet: errors, datapoints and"
        " times of runs are not known\n"
    )


def test_intervals_that_gave_no_rows_of_late_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT '{from_date}' AS date, 1 AS n WHERE '{from_date}' <= '2025-01-02'"
    project = Project(tmp_path, CONFIG, dict.fromkeys(QUERIES, query))
    project.run(now="2025-01-05")
    told = as_json(capsys, project, "--series", code=0)
    assert report(told, "edits")["series_empty"] == 2
    assert [one["empty"] for one in report(told, "edits")["each_series"]] == [2, 2]
    assert report(told, "weekly_users")["series_empty"] == 0


def test_a_damaged_tsv_is_told_with_its_line(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path = troubled.tsv("edits/dewiki")
    path.write_text(troubled.text("edits/dewiki") + "nonsense\n")
    said = status(capsys, troubled, "--report", "edits")
    assert f"wiki=dewiki: {path}:6: 1 column where the header has 2" in said
    said = status(capsys, troubled, "--report", "edits", "--only", "wiki=dewiki", "--series")
    assert f"! wiki=dewiki           -        -      0      0\n    {path}:6: 1 column" in said


def test_of_many_series_in_trouble_some_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wikis = ", ".join(f"w{number:03}" for number in range(217))
    config = SQLITE + f"reports: {{edits: {{explode_by: {{wiki: '{wikis}'}}}}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run("--until", "2025-01-02")
    said = status(capsys, project, project.folder)
    assert "! edits      217  2025-01-01      651" in said
    all_of_them = "217 series (wiki=w000, wiki=w001, wiki=w002, ...)"
    assert f"{all_of_them}: late: 2025-01-01 is the last that is done" in said
    assert status(capsys, project, project.folder, "--series").count("late: ") == 217
    for number in range(6):
        project.write_tsv(f"edits/w{number:03}", "date\tn\n2025-01-01\n")
    said = status(capsys, project, project.folder)
    assert said.count("1 column where the header has 2") == 5
    assert "wiki=w004: " in said
    assert "and 212 more series in trouble; `--series` lists them all" in said


def test_results_that_are_not_in_their_tsv_yet_are_done(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(troubled.output / ".reportupdater/state.sqlite")) as connection:
        connection.execute(
            "INSERT INTO journal SELECT 1, id, '2025-01-05', 'days', 'date\tn\n',"
            " '2025-01-05\t\n', NULL, NULL, 0 FROM series WHERE tsv = 'edits/enwiki.tsv'"
        )
        connection.commit()
    told = report(as_json(capsys, troubled, "--series"), "edits")
    assert (told["done_up_to"], told["series_behind"], told["series_empty"]) == ("2025-01-05", 1, 1)


def test_a_project_that_may_not_write_a_report_changes_nothing_of_what_its_own_run_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SQLITE + "reports: {edits: {}}\n"
    own = Project(tmp_path, config, {"edits.sql": ONE})
    own.run()
    copy = Project(tmp_path / "copy", config, {"edits.sql": ONE}, output=own.output)
    copy.run(code=1)
    told = as_json(capsys, own, own.folder)
    assert report(told, "edits")["last_error"] is None
    (trouble,) = told["troubles"]
    of_another = f"its TSVs are written by another project, {own.folder}/config.yaml"
    assert trouble.startswith(f"{copy.folder}/config.yaml: its last run met: edits: ")
    assert of_another in trouble
    copy.write("config.yaml", SQLITE + "reports: {edits: {dbb: local}, views: {}}\n")
    copy.write("views.sql", ONE)
    copy.run(code=1)
    assert report(as_json(capsys, own, own.folder), "edits")["last_error"] is None
    shutil.rmtree(copy.folder)
    assert as_json(capsys, own, own.folder, code=0)["troubles"] == []


def test_of_several_errors_of_a_report_the_first_is_told_and_how_many_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = "{granularty: weeks, lagg: 1, timeout: x}"
    project = Project(tmp_path, SQLITE + f"reports: {{edits: {keys}}}\n", {"edits.sql": ONE})
    project.output.mkdir()
    invalid = report(as_json(capsys, project, project.folder), "edits")["invalid"]
    assert "unknown key 'granularty' of report 'edits' (did you mean 'granularity'?)" in invalid
    assert invalid.endswith("; and 2 more, which `check` lists")


def test_open_marks_and_datapoints_that_wait_are_told(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    troubled.write(
        "config.yaml", CONFIG + "graphite: {host: 127.0.0.1, port: 1, drain_timeout: 0}\n"
    )
    troubled.write(
        "config.yaml",
        (troubled.folder / "config.yaml")
        .read_text()
        .replace(
            "description: Edits of a day",
            "graphite: {path: 'a.{wiki}.{_metric}', metrics: {n: n}}",
        ),
    )
    troubled.run("--report", "edits", code=1, now="2025-01-06")
    troubled.call(
        "rerun",
        troubled.folder,
        troubled.output,
        "--report",
        "edits",
        "--since",
        "2025-01-02",
        "--until",
        "2025-01-04",
    )
    said = status(capsys, troubled, "--report", "edits")
    assert "2 datapoints wait for graphite://127.0.0.1:1" in said
    assert "config.yaml: its last run could not send 2 datapoints" in said
    assert "to be computed again, as requested: 4 intervals" in said
    told = as_json(capsys, troubled)
    assert told["datapoints_waiting"] == {"graphite://127.0.0.1:1": 2}
    assert report(told, "edits")["marked"] == 4


def test_an_invalid_report_is_in_trouble(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (troubled.folder / "edits.sql").unlink()
    edits = report(as_json(capsys, troubled, troubled.folder), "edits")
    assert "edits.sql" in edits["invalid"]
    assert edits["description"] == "Edits of a day"
    troubled.run(code=1, now="2025-01-05")
    assert "edits.sql" in report(as_json(capsys, troubled), "edits")["last_error"]


def test_reports_that_the_project_does_not_have_are_named(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    troubled.write_tsv("stray", "date\tn\n2025-01-01\t1\n")
    said = status(capsys, troubled, troubled.folder)
    assert "\nnot of this project, and not looked at: stray (`reportupdater forget`" in said
    assert report(as_json(capsys, troubled), "stray")["done_up_to"] == "2025-01-01"


def test_a_run_in_progress_is_named(troubled: Project, capsys: pytest.CaptureFixture[str]) -> None:
    at = "2025-01-05T11:00:00.000Z"
    with State(troubled.output) as state:
        begin_run(state, "/a/config.yaml", datetime(2025, 1, 5, 11))
        told = as_json(capsys, troubled)
        assert told["running"] == [{"config": "/a/config.yaml", "pid": os.getpid(), "started": at}]
        shown = f"/a/config.yaml: process {os.getpid()} is at work since"
        assert shown in status(capsys, troubled)
    assert as_json(capsys, troubled)["running"] == []  # it has not ended well, but it has ended


def files_of(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_nothing_is_written(troubled: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_of(troubled.output), files_of(troubled.folder)
    status(capsys, troubled, troubled.folder)
    as_json(capsys, troubled, "--series")
    assert (files_of(troubled.output), files_of(troubled.folder)) == before


def opened_to_all(folder: Path) -> None:
    """Let an ordinary user read a folder and what is in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for above in folder.parents:
        if above.stat().st_mode & 0o005 != 0o005 and above.stat().st_uid == os.geteuid():
            above.chmod(above.stat().st_mode | 0o055)


@pytest.mark.parametrize("how", ["damaged", "closed"])
def test_who_cannot_open_the_state_gets_what_status_json_tells(
    troubled: Project, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    told = as_json(capsys, troubled, troubled.folder)
    state = troubled.output / ".reportupdater" / "state.sqlite"
    if how == "damaged":
        state.write_bytes(b"garbage " * 1000)
        less = as_json(capsys, troubled, troubled.folder)
    else:
        opened_to_all(troubled.output)
        state.chmod(0)
        with ordinary_user():
            less = as_json(capsys, troubled, troubled.folder)
    assert (less["source"], told["source"]) == ("status.json", "state")
    assert "the state cannot be" in less["source_why"]
    assert less["troubles"].pop(0) == f"{less['source_why']}: not all could be looked at"
    for one in (told, less):
        del one["at"], one["source"], one["source_why"]
        one["reports"] = [
            {
                key: value
                for key, value in report.items()
                if key not in ("next_due", "series_in_trouble")
            }
            for report in one["reports"]
        ]
    assert less == told


def test_who_may_not_enter_the_states_folder_gets_what_the_tsvs_tell(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    opened_to_all(troubled.output)
    folder = troubled.output / ".reportupdater"
    folder.chmod(0o700)
    with ordinary_user():
        told = as_json(capsys, troubled, code=1)
        said = status(capsys, troubled, code=1)
    why = f"{folder / 'state.sqlite'}: the state cannot be read: Permission denied"
    why += " (nobody, who runs this, must be able to read it)"
    assert (told["source"], told["source_why"]) == ("tsv", why)
    assert f"{why}: not all could be looked at" in said
    assert "errors, datapoints and times of runs are not known" in said
    assert report(told, "edits")["done_up_to"] == "2025-01-04"


def test_an_entry_of_status_json_of_another_version_is_left_out_and_reported(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = troubled.output / ".reportupdater"
    (folder / "state.sqlite").write_bytes(b"garbage " * 1000)
    content = json.loads((folder / "status.json").read_text())
    content["reports"]["edits"]["news"] = 1
    (folder / "status.json").write_text(json.dumps(content))
    told = as_json(capsys, troubled, code=1)  # the state could not be looked at
    assert told["source"] == "status.json"
    assert "an entry of status.json that no run can have written: ignored:" in told["troubles"][1]
    last_runs = {report["report"]: report["last_run"] for report in told["reports"]}
    assert last_runs["edits"] is None
    assert last_runs["views"] is not None


def test_a_closed_standard_output_is_no_error(troubled: Project) -> None:
    command = " ".join([*RUN[:-1], "status", str(troubled.output)])
    ran = subprocess.run(
        ["sh", "-c", f"{command} >&-"], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (1, "")


def test_the_tsvs_alone_tell_how_far_they_are(
    troubled: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.rmtree(troubled.output / ".reportupdater")
    told = as_json(capsys, troubled, "--series", code=0)
    assert told["source"] == "tsv"
    assert [(one["report"], one["series"], one["done_up_to"]) for one in told["reports"]] == [
        ("edits", 2, "2025-01-04"),
        ("weekly_users", 1, "2024-12-29"),
    ]
    assert report(told, "edits")["missing"] is None
    assert report(told, "edits")["each_series"][0]["dimensions"] == {"dimension_1": "dewiki"}
    assert not (troubled.output / ".reportupdater").exists()


def test_a_run_that_only_passed_over_what_another_held_hides_no_failed_one(
    troubled: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = as_json(capsys, troubled)["runs"]
    folder = Folder.at(troubled.output).folder(".reportupdater").folder("locks")
    with Locks(folder) as locks:
        names = ["edits", "views", "weekly_users"]
        assert locks.take_all(names, utcnow()) == set(names)
        assert troubled.run(now="2025-01-05T12") == ""
    assert as_json(capsys, troubled)["runs"] == before
    assert before[0]["exit_code"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "view"), "output has no report 'view' (did you mean 'views'?)"),
        (("--only", "wiki=frwiki"), "output: no series has wiki=frwiki"),
        (("--config-path", "a.yaml"), "--config-path is of a project, and none is given"),
    ],
)
def test_a_wrong_call_ends_in_exit_code_2(
    troubled: Project, arguments: tuple[str, ...], message: str
) -> None:
    called = troubled.call("status", troubled.output, *arguments, code=2)
    assert message in called.stderr
    assert called.stdout == ""


def without_ages(shown: str) -> list[str]:
    """The words of the status without the ages in it, which grow from call to call."""
    return re.sub(r"\d+ (s|min) ago", "now", shown).split()


def test_a_project_in_the_place_of_the_output_folder_is_told(troubled: Project) -> None:
    # Once the order of `status` was another: it takes both.
    orders = [(troubled.folder, troubled.output), (troubled.output, troubled.folder)]
    shown = [troubled.call("status", *folders, code=1).stdout for folders in orders]
    assert without_ages(shown[0]) == without_ages(shown[1])
    called = troubled.call("status", troubled.output / "nowhere", code=2)
    assert "nowhere: there is no such output folder (the first run makes it)" in called.stderr
    for command in ("run", "plan", "rerun", "resend", "metrics"):
        called = troubled.call(command, troubled.output, troubled.folder, code=2)
        hint = f"(the project comes first: {troubled.folder} {troubled.output})"
        assert f"{troubled.folder} is a project {hint}" in called.stderr


def test_a_reader_that_has_enough_is_no_error(troubled: Project) -> None:
    command = " ".join([*RUN[:-1], "status", str(troubled.output), "--json"])
    ran = subprocess.run(
        ["sh", "-c", f"{command} | true"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("", "")


def on_a_terminal(project: Project, columns: int, **environment: str) -> str:
    """What the command shows on a terminal of that width."""
    reading, writing = pty.openpty()
    with subprocess.Popen(
        [*RUN[:-1], "status", project.output, project.folder, "--now", "2025-01-05T12"],
        env=ENVIRONMENT | {"COLUMNS": str(columns), "TERM": "xterm"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    ):
        os.close(writing)
        shown = b""
        try:
            while piece := os.read(reading, 65536):
                shown += piece
        except OSError:  # the other end is closed
            pass
    os.close(reading)
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_is_as_wide_as_it_is(tmp_path: Path, columns: int) -> None:
    long = "a_report_with_a_name_that_is_longer_than_most"
    text = f"{CONFIG}  {long}: {{owner: {'Data team, ' * 12}}}\n".replace(
        "owner: Data team, Data", 'owner: "Data'
    ).replace(", }", '"}')
    project = Project(tmp_path, text, QUERIES | {f"{long}.sql": BROKEN})
    project.run(code=1, now="2025-01-05")
    lines = on_a_terminal(project, columns, NO_COLOR="1").replace("\r\n", "\n").splitlines()
    shown = [
        line
        for line in lines
        if str(project.folder) not in line and str(project.output) not in line
    ]
    assert max(map(len, shown)) <= columns
    assert "\x1b" not in "".join(lines)
    (row,) = (place for place, line in enumerate(lines) if line.startswith(f"! {long}"))
    assert (lines[row] == f"! {long}") == (columns == 80)


def test_what_is_in_trouble_is_red_where_there_are_colours(troubled: Project) -> None:
    red = [line for line in on_a_terminal(troubled, 80).splitlines() if "\x1b[31m" in line]
    assert len(red) == 1
    assert red[0].startswith("\x1b[31m! views")
    assert "\x1b" not in on_a_terminal(troubled, 80, TERM="dumb")
    assert "\x1b" not in troubled.call("status", troubled.output, code=1).stdout


def test_status_of_one_report_reads_no_tsv_of_another(
    capsys: pytest.CaptureFixture[str], troubled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noting(place: Place | None, *rest: Any) -> reach.Reach:
        read.append(str(place).removeprefix(f"{troubled.output}/"))
        return reach.reach(place, *rest)

    monkeypatch.setattr(report_status, "reach", noting)
    for project in ((), (troubled.folder,)):
        whole = as_json(capsys, troubled, *project, "--series")
        assert len(set(read)) == 4
        read.clear()
        one = as_json(capsys, troubled, *project, "--series", "--report", "edits", code=0)
        assert sorted(read) == ["edits/dewiki.tsv", "edits/enwiki.tsv"]
        read.clear()
        assert one["reports"] == [each for each in whole["reports"] if each["report"] == "edits"]


def test_what_is_wrong_apart_from_reports_does_not_depend_on_the_reports_that_are_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = Project(tmp_path, CONFIG + "  bad: {granularity: years}\n", QUERIES)
    project.run(code=1)
    whole = as_json(capsys, project)
    assert whole["troubles"] == as_json(capsys, project, "--report", "edits", code=0)["troubles"]
