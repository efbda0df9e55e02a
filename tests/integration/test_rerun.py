"""`reportupdater rerun`: marks by command."""

from __future__ import annotations

import fcntl
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from reportupdater.cli import main
from tests.faults.test_two_runs import WAITING
from tests.helpers import ONE, SQLITE, Project, wait_until, written

CONFIG = (
    SQLITE
    + """\
reports:
  edits: {explode_by: {wiki: "enwiki, dewiki"}}
  views: {}
"""
)
NOW = ("--now", "2025-01-04")
RANGE = ("--since", "2025-01-01", "--until", "2025-01-03")


def version(number: int) -> str:
    """A query whose rows tell with which text they were computed."""
    return f"SELECT '{{from_date}}' AS date, {number} AS n"


def test_the_week_of_a_day_is_named_where_it_is_not_requested(tmp_path: Path) -> None:
    config = SQLITE + "reports: {daily: {}, weekly: {granularity: weeks}}\n"
    project = Project(tmp_path, config, {"daily.sql": version(1), "weekly.sql": version(1)})
    project.run(now="2025-01-20")
    said = rerun(project, "--since", "2025-01-08", "--until", "2025-01-09", "--now", "2025-01-20")
    assert "daily: 1 interval of 1 series requested" in said
    assert "weekly: 0 intervals requested" in said
    assert (
        "  not requested: the interval of 2025-01-05, which begins before the range and reaches into"
        " it; --since 2025-01-05 requests it too" in said
    )
    assert said.count("reaches into it") == 1
    said = rerun(project, "--since", "2025-01-05", "--until", "2025-01-09", "--now", "2025-01-20")
    assert "weekly: 1 interval of 1 series requested" in said
    assert "reaches into it" not in said
    # What could not be requested is not named.
    project.write("config.yaml", config.replace("weeks}", "weeks, max_data_points: 1}"))
    said = rerun(project, "--since", "2025-01-08", "--until", "2025-01-09", "--now", "2025-01-20")
    assert "reaches into it" not in said


@pytest.fixture
def done(tmp_path: Path) -> Project:
    """A project whose three days are done, with queries that are better now."""
    project = Project(tmp_path, CONFIG, dict.fromkeys(("edits.sql", "views.sql"), version(1)))
    project.run()
    for name in ("edits.sql", "views.sql"):
        project.write(name, version(2))
    return project


def values(project: Project, name: str) -> str:
    return "".join(row[1] for row in project.rows(name)[1:])


def rerun(project: Project, *arguments: str, code: int = 0) -> str:
    """What the command prints; what it logs after it."""
    out, err = StringIO(), StringIO()
    ended: object
    with redirect_stdout(out), redirect_stderr(err):
        try:
            ended = main(["rerun", str(project.folder), str(project.output), *NOW, *arguments])
        except SystemExit as usage:
            ended = usage.code
    assert ended == code, out.getvalue() + err.getvalue()
    return out.getvalue() + err.getvalue().partition("ERROR ")[2]


def test_the_next_run_computes_a_range_again(done: Project) -> None:
    assert rerun(done, *RANGE) == (
        "edits: 4 intervals of 2 series requested\nviews: 2 intervals of 1 series requested\n"
    )
    assert values(done, "views") == "111"  # nothing is computed by the command
    assert "6 done" in done.run("-l", "info")
    assert [values(done, name) for name in ("edits/enwiki", "edits/dewiki", "views")] == ["221"] * 3
    assert "nothing is due" in done.run("-l", "info")


def test_report_and_only_choose(done: Project) -> None:
    rerun(done, *RANGE, "--report", "views")
    rerun(done, *RANGE, "--only", "wiki=dewiki")
    done.run()
    assert [values(done, name) for name in ("edits/enwiki", "edits/dewiki", "views")] == [
        "111",
        "221",
        "221",
    ]


def test_what_is_not_marked_is_told(done: Project) -> None:
    done.tsv("views").write_text("date\tn\n2025-01-01\t1\n")
    said = rerun(done, "--since", "2024-12-30", "--until", "2025-01-06", "--report", "views")
    assert said == (
        "views: 1 interval of 1 series requested\n"
        "  not requested: 2 not done yet, which the next run does anyway; 2 not over yet; 2 before `starts`\n"
    )


def test_where_nothing_is_done_nothing_is_marked(done: Project) -> None:
    said = rerun(done, "--since", "2024-12-01", "--until", "2025-01-01", code=2)
    assert said.endswith("nothing is requested: nothing of the range is done\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--since and --until say what shall be computed again; one of them is missing"),
        (
            RANGE[:2],
            "one of them is missing (--until is exclusive; --list shows what is requested)",
        ),
        (("--since", "2025-01-03", "--until", "2025-01-03"), "the range is empty: --since is not"),
        ((*RANGE, "--report", "edit"), "has no report 'edit' (did you mean 'edits'?)"),
        ((*RANGE, "--only", "wiki=frwiki"), "dimension 'wiki' has no value 'frwiki'"),
        ((*RANGE, "--list", "--cancel"), ""),
    ],
)
def test_a_wrong_call_ends_in_exit_code_2(
    done: Project, arguments: tuple[str, ...], message: str
) -> None:
    assert message in rerun(done, *arguments, code=2)
    assert done.state("SELECT * FROM marks") == []


def test_an_output_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE, "views.sql": ONE})
    assert "there is no such output folder" in rerun(project, *RANGE, code=2)
    assert not project.output.exists()


def test_open_marks_are_listed(done: Project) -> None:
    assert rerun(done, "--list") == "no open requests\n"
    rerun(done, *RANGE)
    rerun(done, "--since", "2025-01-03", "--until", "2025-01-04", "--only", "wiki=enwiki")
    mark = done.write(".reruns/more", "2025-01-01\n2025-01-02\nviews\n")
    assert rerun(done, "--list") == (
        "edits: 2 intervals, 2025-01-01 to 2025-01-02, of edits/dewiki.tsv\n"
        "edits: 3 intervals, 2025-01-01 to 2025-01-03, of edits/enwiki.tsv\n"
        "views: 2 intervals, 2025-01-01 to 2025-01-02, of views.tsv\n"
        f"views: the next run takes up {mark}\n"
    )
    one_day = ("--list", "--since", "2025-01-03", "--report", "edits")
    assert rerun(done, *one_day) == "edits: 1 interval, 2025-01-03, of edits/enwiki.tsv\n"


def test_series_with_the_same_marks_are_one_line(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b, c, d'}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run()
    rerun(project, *RANGE)
    assert rerun(project, "--list") == (
        "edits: 2 intervals, 2025-01-01 to 2025-01-02, of 4 series\n"
    )


def test_marks_can_be_taken_back(done: Project) -> None:
    rerun(done, *RANGE)
    said = rerun(done, "--cancel", "--only", "wiki=enwiki", "--until", "2025-01-02")
    assert said == "edits: 1 interval, 2025-01-01, of edits/enwiki.tsv\n"
    done.run()
    assert (values(done, "edits/enwiki"), values(done, "edits/dewiki")) == ("121", "221")
    assert rerun(done, "--cancel") == "no open requests\n"


def test_a_file_that_marks_too_is_told_when_marks_are_taken_back(done: Project) -> None:
    mark = done.write(".reruns/more", "2025-01-01\n2025-01-02\nviews\n")
    called = done.call("rerun", done.folder, done.output, "--cancel")
    assert f"views: {mark} still requests it; remove that file too" in called.stderr


def test_a_damaged_tsv_is_told_and_marked_for_when_it_is_mended(done: Project) -> None:
    good = done.text("edits/enwiki")
    done.write_tsv("edits/enwiki", good + "nonsense\n")
    said = rerun(done, *RANGE, "--report", "edits", code=1)
    assert said.startswith("edits: 4 intervals of 2 series requested\n")
    assert f"edits: {done.tsv('edits/enwiki')}:5: 1 column where the header has 2" in said
    done.write_tsv("edits/enwiki", good)
    done.run()
    assert values(done, "edits/enwiki") == "221"


def test_the_tsvs_of_another_project_are_not_marked(done: Project, tmp_path: Path) -> None:
    other = Project(
        tmp_path / "other", CONFIG, {"edits.sql": ONE, "views.sql": ONE}, output=done.output
    )
    said = rerun(other, *RANGE, code=1)
    assert f"its TSVs are written by another project, {done.folder / 'config.yaml'}" in said
    assert done.state("SELECT * FROM marks") == []


def test_an_invalid_report_does_not_keep_others_from_being_marked(done: Project) -> None:
    (done.folder / "views.sql").unlink()
    assert rerun(done, *RANGE, code=1).startswith("edits: 4 intervals of 2 series requested\n")


def test_a_run_in_progress_does_not_answer_the_mark_of_what_it_computes(tmp_path: Path) -> None:
    notes, door = tmp_path / "notes", tmp_path / "door"
    script = WAITING.format(notes=notes, door=door)
    config = SQLITE + "reports: {edits: {type: script}, views: {}}\n"
    project = Project(tmp_path, config, {"edits": script, "views.sql": version(1)})
    project.write_tsv("edits", "date\tn\n2025-01-01\t0\n2025-01-02\t0\n")
    rerun(project, "--since", "2025-01-02", "--until", "2025-01-03", "--report", "edits")
    with project.started() as run:
        wait_until(notes.exists)
        # It is at the 2nd; the 1st is done, the 3rd is to come. `views` may be at work or done.
        project.write("edits", script.replace("\\t1\\n", "\\t2\\n"))
        said = rerun(project, "--since", "2025-01-01", "--until", "2025-02-01", "--report", "edits")
        assert said == (
            "edits: 3 intervals of 1 series requested\n"
            f"  process {run.process.pid} is at work on the report, with its query as it was when"
            " that run began; it leaves these requests to the next run\n"
            "  among them 1 that are not done yet, and that this run may still do\n"
            "  not requested: 28 not over yet\n"
        )
        door.touch()
        run.ended(0)
    assert len(project.dates("edits")) == 3
    assert rerun(project, "--list").startswith("edits: 3 intervals, 2025-01-01 to 2025-01-03")
    assert "3 done" in project.run("-l", "info")
    assert values(project, "edits") == "222"
    assert "nothing is due" in project.run("-l", "info")


def test_what_a_lock_says_counts_only_while_it_is_held(done: Project) -> None:
    lock = done.output / ".reportupdater/locks/views"

    def working() -> bool:
        said = rerun(done, *RANGE, "--report", "views")
        return f"process {os.getpid()} is at work" in said

    written(lock, f"{os.getpid()} 2025-01-04T00:00:00\n")
    assert not working()  # though this process is there
    with open(lock) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert working()
    assert not working()
