"""Results that fail a check: neither stored nor sent, until they are accepted, rejected or replaced."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.state.checksum import checksum
from tests.helpers import ONE, SQLITE, Project
from tests.servers.receivers import reads_all, receiver

NOW = "2025-01-05"
VALUES = "#!/bin/sh\nprintf 'date\\tn\\n%s\\t7\\n' $1\n"
QUOTA = "#!/bin/sh\necho quota exceeded\n"
NOTHING = ONE + " WHERE 0"
FIVE = ONE.replace("1 AS n", "5 AS n")


def script(tmp_path: Path, keys: str = "") -> Project:
    config = f"reports: {{edits: {{type: script, granularity: days, starts: 2025-01-01{keys}}}}}\n"
    return Project(tmp_path, config, {"edits": VALUES})


def sql(tmp_path: Path, keys: str = "", top: str = "") -> Project:
    return Project(tmp_path, f"{top}{SQLITE}reports: {{edits: {{{keys}}}}}\n", {"edits.sql": FIVE})


def again(
    project: Project, since: str = "2025-01-02", until: str = "2025-01-03", *more: str
) -> None:
    project.call("rerun", project.folder, project.output, "--since", since, "--until", until, *more)


def held(project: Project) -> list[tuple[str, str]]:
    said = project.call("held", project.folder, project.output, "--json").stdout
    return [(one["start"], one["check"]) for one in json.loads(said)["held"]]


def decide(project: Project, what: str, *more: str, code: int = 0) -> str:
    called = project.call(what, project.folder, project.output, *more, code=code)
    return called.stdout + called.stderr


def status(project: Project, code: int) -> str:
    return project.call("status", project.folder, project.output, "--now", NOW, code=code).stdout


def test_a_message_in_the_place_of_a_header_changes_nothing(tmp_path: Path) -> None:
    project = script(tmp_path)
    project.run(now="2025-01-04")
    before = project.text("edits")
    project.write("edits", QUOTA)
    again(project)
    said = project.run(now=NOW, code=1)
    assert project.text("edits") == before
    assert "0 done, 0 empty, 0 failed, 2 held" in said
    assert (
        "held: 2 of edits, the first is edits [2025-01-02, 2025-01-03): columns: the result has no"
        " rows, and its first column is 'quota exceeded' where the TSV has 'date'" in said
    )
    assert "`reportupdater held` shows what is held" in said
    assert held(project) == [("2025-01-02", "columns"), ("2025-01-04", "columns")]
    shown = status(project, code=1)
    assert "edits: 2 results held, 2025-01-02 to 2025-01-04, of edits.tsv: columns:" in shown


def test_what_is_held_is_reported_once_and_keeps_the_exit_code(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    assert "1 held" in project.run(now=NOW, code=1)
    assert project.run(now=NOW, code=1) == ""
    assert "nothing is due, 1 result held before" in project.run("-l", "info", now=NOW, code=1)
    decide(project, "reject")
    assert project.run(now=NOW) == ""


def test_a_rerun_that_finds_nothing_leaves_good_values_alone(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
        keys = "graphite: {path: '{_metric}', metrics: {edits: n}}"
        project = sql(tmp_path, keys, top)
        project.run(now=NOW)
        before, sent = project.text("edits"), list(graphite.lines)
        project.write("edits.sql", NOTHING)
        again(project)
        assert "vanished: the result has no values" in project.run(now=NOW, code=1)
        assert (project.text("edits"), graphite.lines) == (before, sent)
        shown = decide(project, "held", "--rows")
        assert "  held: 1 of date, n\n    2025-01-02  -\n" in shown
        assert "  stored: 1 of date, n\n    2025-01-02  5\n" in shown
        assert "1 result to be accepted, 2025-01-02" in decide(project, "accept", "--dry-run")
        assert project.text("edits") == before
        assert "1 result accepted, 2025-01-02" in decide(project, "accept")
        assert project.rows("edits")[2] == ["2025-01-02", ""]
        assert held(project) == []
        status(project, code=0)


@pytest.mark.parametrize(
    ("keys", "more"),
    [
        ("checks: {vanished: off}", []),
        ("checks: {vanished: warn}", []),
        ("", ["--allow-empty"]),
    ],
)
def test_it_may_be_allowed(tmp_path: Path, keys: str, more: list[str]) -> None:
    project = sql(tmp_path, keys)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project, "2025-01-02", "2025-01-03", *more)
    said = project.run(now=NOW)
    assert ("would empty those" in said) == ("warn" in keys)
    assert project.rows("edits")[2] == ["2025-01-02", ""]
    assert held(project) == []


def test_a_request_that_allows_it_does_so_once(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project, "2025-01-02", "2025-01-03", "--allow-empty")
    project.run(now=NOW)
    project.write("edits.sql", FIVE)
    again(project)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    project.run(now=NOW, code=1)
    assert held(project) == [("2025-01-02", "vanished")]


def test_a_report_says_over_defaults_what_is_done_key_by_key(tmp_path: Path) -> None:
    config = SQLITE.replace("starts:", "checks: {vanished: off, columns: warn}, starts:")
    project = Project(
        tmp_path, config + "reports: {edits: {checks: {columns: hold}}}\n", {"edits.sql": FIVE}
    )
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    assert project.run(now=NOW) == ""
    project.write("edits.sql", NOTHING.replace("AS n", "AS n, 2 AS other"))
    again(project)
    assert "columns: the result has no rows, and a column 'other'" in project.run(now=NOW, code=1)


def test_three_in_a_row_are_kept_and_the_rest_waits_for_a_decision(tmp_path: Path) -> None:
    project = script(tmp_path)
    project.run(now="2025-01-03")
    project.write("edits", QUOTA)
    said = project.run(now="2025-02-01", code=1)
    assert "3 held" in said
    assert (
        "waits until its held results are accepted or rejected: 3 in a row failed a check" in said
    )
    assert len(held(project)) == 3
    assert project.run(now="2025-02-01", code=1) == ""  # and runs no script for it
    assert len(held(project)) == 3
    plan = project.call("plan", project.folder, project.output, "--now", "2025-02-01").stdout
    assert "  3 held: 2025-01-03 to 2025-01-05\n" in plan
    assert "  26 waiting until held results are accepted or rejected: " in plan
    assert "3 results rejected, 2025-01-03 to 2025-01-05" in decide(project, "reject")
    project.write("edits", VALUES)
    project.run(now="2025-02-01")
    assert len(project.dates("edits")) == 31


def test_a_query_that_was_changed_goes_on(tmp_path: Path) -> None:
    project = script(tmp_path)
    project.run(now="2025-01-03")
    project.write("edits", QUOTA)
    project.run(now="2025-01-20", code=1)
    project.write("edits", VALUES)
    project.run(now="2025-01-20", code=1)  # the three are still held
    assert len(held(project)) == 3
    assert len(project.dates("edits")) == 16
    again(project, "2025-01-01", "2025-01-31")
    project.run(now="2025-01-20")
    assert held(project) == []
    assert len(project.dates("edits")) == 19


def test_accepting_columns_makes_them_known(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now="2025-01-03")
    project.write("edits.sql", NOTHING.replace("AS n", "AS n, 2 AS other"))
    project.run(now="2025-01-05", code=1)
    assert held(project) == [("2025-01-03", "columns"), ("2025-01-04", "columns")]
    said = decide(project, "accept", "--until", "2025-01-04")
    assert "1 result accepted, 2025-01-03" in said
    assert "1 result accepted, since it passes now, 2025-01-04" in said
    assert project.rows("edits")[0] == ["date", "n", "other"]
    assert project.dates("edits") == [f"2025-01-0{day}" for day in range(1, 5)]
    project.run(now="2025-01-06")
    assert held(project) == []


def test_what_is_accepted_keeps_the_name_of_the_first_column(tmp_path: Path) -> None:
    project = script(tmp_path)
    project.run(now="2025-01-03")
    project.write("edits", QUOTA)
    project.run(now="2025-01-04", code=1)
    decide(project, "accept")
    assert project.rows("edits")[0] == ["date", "n"]
    assert project.rows("edits")[3] == ["2025-01-03", ""]


def test_what_is_no_longer_current_is_refused_unless_forced(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    project.run(now=NOW, code=1)
    project.write("edits.sql", NOTHING + " -- changed")
    said = decide(project, "accept", code=1)
    assert "edits.tsv 2025-01-02: refused: its query has been changed since (`rerun`" in said
    assert project.rows("edits")[2] == ["2025-01-02", "5"]
    config = (project.folder / "config.yaml").read_text()
    project.write("edits.sql", NOTHING)
    project.write("config.yaml", config.replace("2025-01-01", "2025-01-03"))
    said = decide(project, "accept", code=1)
    assert "refused: '2025-01-02' lies outside of what the report keeps or computes" in said
    assert "1 result accepted" in decide(project, "accept", "--force")
    assert project.rows("edits")[2] == ["2025-01-02", ""]


def test_another_granularity_is_refused_and_can_be_rejected(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    project.run(now=NOW, code=1)
    project.tsv("edits").unlink()
    config = (project.folder / "config.yaml").read_text()
    project.write("config.yaml", config.replace("days", "months"))
    said = decide(project, "accept", "--force", code=1)
    assert "refused: it is of granularity days, the report is of months now" in said
    assert "1 result rejected" in decide(project, "reject")


def test_what_is_accepted_is_sent(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
        keys = "checks: {vanished: hold}, graphite: {path: '{_metric}', metrics: {edits: n}}"
        project = sql(tmp_path, keys, top)
        project.run(now=NOW)
        project.write("edits.sql", NOTHING)
        again(project)
        project.run(now=NOW, code=1)
        # What is held has no values. It is given some here, as a declared check may hold them.
        path = project.output / ".reportupdater" / "state.sqlite"
        rows = "2025-01-02\t9\n"
        with closing(sqlite3.connect(path)) as connection, connection:
            kept = connection.execute(
                "SELECT start, granularity, header, owner_group, max_data_points FROM held"
            ).fetchone()
            check = checksum("edits.tsv", *kept[:3], rows, *kept[3:])
            connection.execute("UPDATE held SET rows = ?, checksum = ?", (rows, check))
        decide(project, "accept")
        assert project.rows("edits")[2] == ["2025-01-02", "9"]
        assert [line.split()[1] for line in graphite.lines] == ["5", "5", "5", "5", "9"]


def test_only_some_may_be_decided_on(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki'}}, users: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": FIVE, "users.sql": FIVE})
    project.run(now=NOW)
    for name in ("edits.sql", "users.sql"):
        project.write(name, NOTHING)
    again(project)
    project.run(now=NOW, code=1)
    assert len(held(project)) == 3
    decide(project, "reject", "--report", "edits", "--only", "wiki=enwiki")
    assert len(held(project)) == 2
    assert "nothing is rejected" in decide(project, "reject", "--check", "columns")
    assert "nothing is rejected" in decide(project, "reject", "--since", "2025-01-03")
    said = decide(project, "reject", "--check", "vanish", code=2)
    assert "there is no check 'vanish' (did you mean 'vanished'?)" in said
    decide(project, "reject", "--report", "users", "--check", "vanished")
    assert len(held(project)) == 1


def test_an_empty_result_never_changes_a_header(tmp_path: Path) -> None:
    project = sql(tmp_path, "checks: {columns: off}")
    project.run(now="2025-01-03")
    project.write("edits.sql", "SELECT '{from_date}' AS day, 2 AS other, 1 AS n WHERE 0")
    project.run(now=NOW)
    assert project.rows("edits") == [
        ["date", "n"],
        ["2025-01-01", "5"],
        ["2025-01-02", "5"],
        ["2025-01-03", ""],
        ["2025-01-04", ""],
    ]


def test_a_state_of_before_is_taken_over(tmp_path: Path) -> None:
    project = sql(tmp_path)
    project.run(now=NOW)
    path = project.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE held")
        connection.execute("DROP TABLE held_in_a_row")
        connection.execute("ALTER TABLE marks DROP COLUMN allow_empty")
        connection.execute("PRAGMA user_version = 5")
    assert held(project) == []
    assert (
        "nothing is due"
        in project.call("plan", project.folder, project.output, "--now", NOW).stdout
    )
    status(project, code=0)
    project.write("edits.sql", NOTHING)
    again(project)
    project.run(now=NOW, code=1)
    assert held(project) == [("2025-01-02", "vanished")]


def test_status_counts_what_is_held_of_the_series_that_are_meant(tmp_path: Path) -> None:
    project = sql(tmp_path, "explode_by: {wiki: 'a, b'}")
    project.run(now=NOW)
    project.write("edits.sql", NOTHING)
    again(project)
    project.run(now=NOW, code=1)

    def of(*more: str, code: int) -> tuple[list[str], list[str]]:
        line: list[str | Path] = ["status", project.folder, project.output, "--now", NOW, "--json"]
        line += more
        (report,) = json.loads(project.call(*line, code=code).stdout)["reports"]
        return [one["tsv"] for one in report["held"]], report["orphaned"]

    assert of(code=1) == (["edits/a.tsv", "edits/b.tsv"], [])
    assert of("--only", "wiki=b", code=1) == (["edits/b.tsv"], [])
    config = (project.folder / "config.yaml").read_text()
    project.write("config.yaml", config.replace("'a, b'", "'a'"))
    assert of(code=1) == (["edits/a.tsv"], ["edits/b.tsv"])
    decide(project, "reject")
    assert of(code=0) == ([], ["edits/b.tsv"])
    assert held(project) == []
    # A result is held of a series that has gone, too: `forget` takes both away.
    project.call("forget", project.output, "--report", "edits", "--only", "wiki=b", "--delete")
    assert of(code=0) == ([], [])
