"""How the command is called, and what it says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reportupdater.cli import main
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project, on_a_terminal, wait_until

TWO_REPORTS = SQLITE + "reports: {edits: {}, editors: {}}\n"
TWO_QUERIES = {"edits.sql": ONE, "editors.sql": ONE}


def test_a_run_in_which_all_is_well_says_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    assert project.run() == ""
    assert project.run() == ""
    assert project.rows("edits") == [
        ["date", "n"],
        ["2025-01-01", "1"],
        ["2025-01-02", "1"],
        ["2025-01-03", "1"],
    ]


def test_at_level_info_a_run_tells_what_it_did_and_the_next_that_nothing_is_due(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    assert "6 done, 0 empty, 0 failed" in project.run("-l", "info")
    before = {path: path.stat().st_mtime_ns for path in project.output.glob("*.tsv")}
    assert "nothing is due" in project.run("-l", "info")
    assert {path: path.stat().st_mtime_ns for path in project.output.glob("*.tsv")} == before


def test_without_a_fixed_clock_yesterday_is_the_last_day_that_is_due(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run("--since", "2025-01-01", "--until", "2025-01-03", now=None)
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]


def test_an_empty_path_is_not_the_working_directory(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", str(tmp_path), ""])


def test_report_chooses_one_of_them(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    project.run("--report", "editors")
    assert list(project.tsvs()) == ["editors.tsv"]


def test_report_may_be_given_several_times(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    project.run("--report", "editors", "--report", "edits")
    assert list(project.tsvs()) == ["editors.tsv", "edits.tsv"]


def test_an_unknown_report_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    said = project.run("--report", "editrs", code=2)
    assert "has no report 'editrs' (did you mean 'editors'?)" in said
    assert project.tsvs() == {}


def test_since_and_until_choose_the_intervals_that_start_between_them(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run("--since", "2025-01-03", "--until", "2025-01-05", now="2025-02-01")
    assert project.dates("edits") == ["2025-01-03", "2025-01-04"]
    project.run("--since", "2025-01-30", now="2025-02-01")
    assert project.dates("edits") == ["2025-01-03", "2025-01-04", "2025-01-30", "2025-01-31"]
    project.run("--until", "2025-01-02", now="2025-02-01")
    assert project.dates("edits")[0] == "2025-01-01"


def test_since_before_the_start_of_a_report_computes_nothing_earlier(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run("--since", "2020-01-01", now="2025-01-03")
    assert project.dates("edits") == ["2025-01-01", "2025-01-02"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--now", "soon"), "'soon' is no date (as in 2025-03-01"),
        (("--since", "2025-02-30"), "'2025-02-30' is no date"),
        (("--jobs", "0"), "'0' is no whole number above 0"),
        (("--log-level", "loud"), "invalid choice: 'loud'"),
        (("--no-such-thing",), "--no-such-thing"),
    ],
)
def test_a_wrong_argument_ends_in_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    assert message in project.run(*arguments, now=None, code=2)
    assert not project.output.exists()


def test_a_project_that_is_not_there_ends_in_exit_code_2(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS)
    project.folder.rename(tmp_path / "elsewhere")
    said = project.run(code=2)
    assert f"{project.folder}: there is no such folder" in said
    assert not project.output.exists()


def test_an_output_folder_that_is_a_file_ends_in_exit_code_2(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    project.output.write_text("")
    assert "cannot be the output folder" in project.run(code=2)


def test_two_configs_in_one_folder_each_have_their_own_reports(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", TWO_QUERIES)
    other = project.write("other.yaml", SQLITE + "reports: {editors: {}}\n")
    project.run("--config-path", other)
    assert list(project.tsvs()) == ["editors.tsv"]
    project.run()
    assert list(project.tsvs()) == ["editors.tsv", "edits.tsv"]


def test_a_project_with_a_graphite_part_writes_its_tsvs(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
graphite: {host: graphite.example.org, port: 2003, lookups: {wiki: wikis.yaml}}
reports:
  edits:
    db: local
    granularity: days
    starts: 2025-01-01
    explode_by: {wiki: "enwiki, dewiki"}
    graphite: {path: "daily.{_metric}.{wiki}", metrics: {edits: n}}
"""
    files = {"edits.sql": ONE, "wikis.yaml": "enwiki: en\ndewiki: de\n"}
    project = Project(tmp_path, config, files)
    assert project.run("--no-graphite", "--report", "edits", "--until", "2025-01-02") == ""
    assert project.dates("edits/enwiki") == ["2025-01-01"]
    assert project.run("--no-graphite") == ""
    assert project.dates("edits/dewiki") == ["2025-01-01", "2025-01-02", "2025-01-03"]


def test_a_relative_project_and_output_are_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    monkeypatch.chdir(tmp_path)
    project.folder, project.output = Path("project"), Path("output/here")
    assert project.run() == ""
    assert project.run() == ""
    assert list(project.tsvs()) == ["editors.tsv", "edits.tsv"]


def test_a_run_whose_standard_error_is_closed_does_its_work(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": "SELECT nowhere"})
    closing = ["sh", "-c", 'exec "$@" 2>&-', "sh"]
    with project.started(through=closing) as run:
        assert run.ended(1) == ""
    assert len(project.dates("edits")) == 3


def test_on_a_terminal_a_bar_shows_the_tasks_the_time_left_and_what_is_running(
    tmp_path: Path,
) -> None:
    script = "#!/bin/sh\nsleep 0.4\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    config = SQLITE + "reports: {edits: {type: script, explode_by: {wiki: enwiki}}}\n"
    project = Project(tmp_path, config, {"edits": script})
    shown = on_a_terminal(project)
    assert "0/3" in shown
    assert "3/3" in shown
    assert re.search(r"\d:\d\d:\d\d", shown)
    assert "edits wiki=enwiki 2025-01-01 0 s" in shown


def test_on_a_terminal_there_is_no_bar_when_nothing_is_due(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    project.run()
    config = project.folder / "config.yaml"
    assert on_a_terminal(project) == f"{config} into {project.output}: nothing is due\r\n"


SLEEPING = '#!/bin/sh\ntouch "$(dirname "$0")/begun"\nexec sleep 60\n'


def test_on_a_terminal_a_run_ends_with_one_line(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    title = f"{project.folder / 'config.yaml'} into {project.output}"
    assert on_a_terminal(project).endswith(f"{title}: 6 done, 0 empty, 0 failed\r\n")


def test_on_a_terminal_a_run_says_what_another_one_holds(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {type: script}}\n"
    project = Project(tmp_path, config, {"edits": SLEEPING})
    with project.started() as run:
        wait_until((project.folder / "begun").exists)
        shown = on_a_terminal(project)
        assert (
            f"  skipped: edits: is held by another run, process {run.process.pid}, since" in shown
        )
        run.signal(signal.SIGTERM)
        run.ended(143)


def test_on_a_terminal_a_run_that_is_interrupted_says_so(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {type: script}}\n"
    project = Project(tmp_path, config, {"edits": SLEEPING})

    def interrupt(run: subprocess.Popen[bytes]) -> None:
        wait_until((project.folder / "begun").exists)
        run.send_signal(signal.SIGINT)

    shown = on_a_terminal(project, code=130, meanwhile=interrupt)
    assert shown.rstrip().endswith(": interrupted, 0 done, 0 empty, 0 failed")


def test_a_run_with_nothing_due_imports_no_driver_and_no_network(tmp_path: Path) -> None:
    project = Project(tmp_path, TWO_REPORTS, TWO_QUERIES)
    project.run()
    heavy = ("pymysql", "pyhive", "pandas", "rich", "graphyte", "dns", "sqlglot", "urllib.request")
    program = (
        "import sys; from reportupdater.cli import main;"
        f"main(['run', '--now', '2025-01-04', {str(project.folder)!r}, {str(project.output)!r}]);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
