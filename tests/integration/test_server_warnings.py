"""What servers warn of reaches those who run reports: one line for each kind, nothing when all is well."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engines.mysql.test_setup import set_globally
from tests.helpers import ONE, Project, on_mariadb
from tests.servers.mariadb import Mariadb

CUT = (
    "SET STATEMENT group_concat_max_len=10 FOR"
    " SELECT '{from_date}' AS date, GROUP_CONCAT(seq) AS x FROM mysql.seq_1_to_99"
)
REMARK = "SELECT '{from_date}' AS date, '{from_date}' + 1 AS x"


WARN = "checks: {incomplete: warn}"


def test_a_cut_result_is_held_in_one_line_for_all_intervals(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    config = on_mariadb(mariadb) + "reports: {edits: {owner: Data team}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": CUT, "views.sql": ONE})
    said = project.run(code=1)
    assert (
        "held: 3 of edits, the first is edits [2025-01-01, 2025-01-02): incomplete: the server cut the"
        " result: (1260) Row 6 was cut by GROUP_CONCAT() [Data team]\n"
    ) in said
    assert list(project.tsvs()) == ["views.tsv"]
    said = project.call("accept", project.folder, project.output).stdout
    assert "edits: 3 results accepted, 2025-01-01 to 2025-01-03, of edits.tsv: incomplete:" in said
    assert project.rows("edits")[1] == ["2025-01-01", "1,2,3,4,5,"]


def test_it_may_be_stored_with_one_warning_for_all_intervals(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    keys = f"{{owner: Data team, {WARN}}}"
    config = on_mariadb(mariadb) + f"reports: {{edits: {keys}, views: {{}}}}\n"
    project = Project(tmp_path, config, {"edits.sql": CUT, "views.sql": ONE})
    said = project.run()
    assert said.count("\n") == 1
    assert (
        f"WARNING {project.folder}/config.yaml into {project.output}: warning: 3 of edits, the first is"
        " edits [2025-01-01, 2025-01-02): the server cut the result: (1260) Row 6 was cut by"
        " GROUP_CONCAT() [Data team]\n"
    ) in said
    assert project.rows("edits")[1] == ["2025-01-01", "1,2,3,4,5,"]
    status = json.loads((project.output / ".reportupdater" / "status.json").read_text())
    [last] = status["projects"].values()
    assert len(last["warnings"]) == 1
    assert "(1260)" in last["warnings"][0]
    assert last["exit_code"] == 0


def test_a_bad_run_tells_of_its_warnings_too(mariadb: Mariadb, tmp_path: Path) -> None:
    config = on_mariadb(mariadb) + f"reports: {{edits: {{{WARN}}}, views: {{}}}}\n"
    project = Project(tmp_path, config, {"edits.sql": CUT, "views.sql": "SELEC"})
    said = project.run(code=1)
    assert "warning: 3 of edits" in said
    assert "failed: 3 of views" in said


def test_other_warnings_are_shown_at_info_alone_one_line_for_each_kind(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    config = on_mariadb(mariadb) + "reports: {edits: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": REMARK})
    said = project.run("-l", "info")
    assert said.count("the server warned") == 1
    assert (
        "the server warned: 3 of edits, the first is edits [2025-01-01, 2025-01-02):"
        " (1292) Truncated incorrect DOUBLE value: '2025-01-01'"
    ) in said
    assert project.run(now="2025-01-08") == ""


def test_each_run_warns_of_a_servers_time_zone_until_the_entry_says_which_counts(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    reports = 'reports: {edits: {explode_by: {wiki: "a, b"}}, views: {}}\n'
    project = Project(tmp_path, on_mariadb(mariadb) + reports, {"edits.sql": ONE, "views.sql": ONE})
    with set_globally(mariadb, "time_zone", "'+01:00'"):
        assert (
            project.run(now="2025-01-03") == ""
        )  # there are no rows that could be of another zone
        for now in ("2025-01-05", "2025-01-06"):
            said = project.run(now=now)
            assert said.count("\n") == 1
            assert "warning: database replica: the server's time zone is +01:00" in said
            assert (
                "let the database's entry say `time_zone: server`, or `time_zone: +00:00`" in said
            )
        assert project.run(now="2025-01-06") == ""  # nothing is due, and no server is asked
        host = project.write("host.yaml", "engines: {mysql: {time_zone: server}}\n")
        assert project.run("--host-config", host, now="2025-01-07") == ""
        project.write("config.yaml", on_mariadb(mariadb, "time_zone: +00:00") + reports)
        assert project.run(now="2025-01-08") == ""
    assert len(project.dates("edits/a")) == 7


def test_try_shows_what_the_server_warned_of(mariadb: Mariadb, tmp_path: Path) -> None:
    config = on_mariadb(mariadb) + "reports: {edits: {}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": CUT, "views.sql": REMARK})
    now = ("--now", "2025-01-04")
    with set_globally(mariadb, "time_zone", "'+01:00'"):
        cut = project.call("try", project.folder, "edits", *now)
        remark = project.call("try", project.folder, "views", *now)
    assert "== warnings of the server: 2\n" in cut.stdout
    assert "WARNING the server cut the result: (1260) Row 6 was cut by GROUP_CONCAT()" in cut.stderr
    assert "\n(1292) Truncated incorrect DOUBLE value: '2025-01-03'\n" in remark.stdout
    assert "\nIts time zone is +01:00; this session is in UTC" in remark.stdout
    assert remark.stderr == ""
