"""Scripts: what they are given, what becomes of what they print, and how many run at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project

# Prints its arguments, a column each.
ARGUMENTS = """#!/bin/sh
printf 'date\\ta1\\ta2\\ta3\\ta4\\ta5\\n%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$1" "$1" "$2" "$3" "$4" "$5"
"""

# Leaves a line at its begin and its end.
NOTED = """#!/bin/sh
echo begin $1 $3 >> "$NOTES"
sleep 0.03
echo end $1 $3 >> "$NOTES"
printf 'date\\tn\\n%s\\t1\\n' $1
"""


def script_project(folder: Path, keys: str, script: str) -> Project:
    """A project with one script, `edits`."""
    config = SQLITE + f"reports: {{edits: {{type: script, {keys}}}}}\n"
    return Project(folder, config, {"edits": script})


def test_a_script_is_given_start_end_the_values_and_its_folder(tmp_path: Path) -> None:
    config = SQLITE + (
        "reports: {edits: {type: script, execute: bin/count it,"
        " explode_by: {wiki: enwiki, editor: bot}}}\n"
    )
    project = Project(tmp_path, config, {"bin/count it": ARGUMENTS})
    project.run(now="2025-01-02")
    folder = str(project.folder / "bin")
    assert project.rows("edits/bot/enwiki")[1] == [
        "2025-01-01",
        "2025-01-01",
        "2025-01-02",
        "bot",
        "enwiki",
        folder,
    ]


def test_a_scripts_folder_is_absolute_however_the_project_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = script_project(tmp_path, "", ARGUMENTS)
    monkeypatch.chdir(tmp_path)
    project.folder, project.output = Path("project"), Path("output")
    project.run(now="2025-01-02")
    assert project.rows("edits")[1][3] == str(tmp_path / "project")


def test_a_script_has_the_callers_environment_and_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("bin").mkdir()
    tmp_path.joinpath("bin", "hive").write_text("#!/bin/sh\necho 42\n")
    tmp_path.joinpath("bin", "hive").chmod(0o755)
    script = '#!/bin/sh\nprintf "date\\tn\\tpwd\\tword\\n$1\\t`hive`\\t`pwd`\\t$A_WORD\\n"\n'
    project = script_project(tmp_path, "", script)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    project.run(now="2025-01-02", environment={"PATH": path, "A_WORD": "said"})
    assert project.rows("edits")[1] == ["2025-01-01", "42", str(tmp_path), "said"]


def test_what_a_script_prints_is_kept_as_it_is(tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\nprintf 'date\\t0 edits\\t<= 5.0\\r\\n%s\\t0012\\t\"a\\tb\"\\r\\n%s\\tNULL\\t z \\r\\n'"
        " $1 $1\n"
    )
    project = script_project(tmp_path, "", script)
    project.run(now="2025-01-02")
    assert project.text("edits") == (
        'date\t0 edits\t<= 5.0\n2025-01-01\t0012\t"a\tb"\n2025-01-01\tNULL\t z \n'
    )


def test_a_script_that_prints_only_a_header_has_no_rows(tmp_path: Path) -> None:
    script = "#!/bin/sh\nprintf 'date\\tn\\t\\n'\n"  # an empty pivot
    project = script_project(tmp_path, "", script)
    assert "3 empty" in project.run("-l", "info")
    assert project.text("edits") == "date\tn\n2025-01-01\t\n2025-01-02\t\n2025-01-03\t\n"


def test_what_a_script_says_on_standard_error_is_for_level_debug(tmp_path: Path) -> None:
    script = "#!/bin/sh\necho working >&2\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    project = script_project(tmp_path, "", script)
    assert project.run("--until", "2025-01-02") == ""
    assert "working" in project.run("-l", "debug")


def notes(project: Project, *arguments: str) -> list[tuple[str, str]]:
    """Run scripts that leave notes: what began and ended, in order, as (begin or end, what)."""
    path = project.folder / "notes"
    project.run(*arguments, environment={"NOTES": str(path)})
    lines = [line.partition(" ") for line in path.read_text().splitlines()]
    return [(word, what) for word, _, what in lines]


def at_once(noted: list[tuple[str, str]]) -> int:
    """How many ran at once, at most."""
    counts = [0]
    for word, _ in noted:
        counts.append(counts[-1] + (1 if word == "begin" else -1))
    return max(counts)


def test_scripts_of_a_report_run_one_at_a_time_and_oldest_first(tmp_path: Path) -> None:
    project = script_project(tmp_path, "explode_by: {wiki: 'a, b, c'}", NOTED)
    noted = notes(project, "--jobs", "8")
    assert at_once(noted) == 1
    began = [what for word, what in noted if word == "begin"]
    assert began == [f"2025-01-0{day} {wiki}" for day in (1, 2, 3) for wiki in "abc"]


def test_jobs_limits_the_scripts_of_all_reports_together(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    reports = ", ".join(f"{name}: {{type: script, concurrency: 2}}" for name in names)
    project = Project(tmp_path, SQLITE + f"reports: {{{reports}}}\n", dict.fromkeys(names, NOTED))
    assert at_once(notes(project)) == 2
    for name in names:
        project.tsv(name).unlink()
    project.folder.joinpath("notes").unlink()
    assert at_once(notes(project, "--jobs", "3")) == 3


def test_concurrency_lets_scripts_of_a_report_run_at_once(tmp_path: Path) -> None:
    # Each waits until all three have begun.
    script = """#!/bin/sh
touch "$NOTES.$1"
for i in 1 2 3 4 5 6 7 8 9 10; do
    [ $(ls "$NOTES".* | wc -l) = 3 ] && printf 'date\\tn\\n%s\\t1\\n' $1 && exit
    sleep 0.5
done
exit 1
"""
    project = script_project(tmp_path, "concurrency: 3", script)
    project.run("--jobs", "3", environment={"NOTES": str(project.folder / "notes")})
    assert len(project.dates("edits")) == 3


def test_results_do_not_depend_on_how_much_ran_at_once(tmp_path: Path) -> None:
    script = '#!/bin/sh\nprintf "date\\tn\\n$1\\t$3\\n$1\\t$2\\n"\n'
    query = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, {day} * 3 AS n"
    contents = []
    for concurrency, jobs in ((1, "1"), (4, "2"), (16, "7")):
        config = f"""
databases: {{local: {{engine: sqlite, path: data.sqlite, concurrency: {concurrency}}}}}
defaults: {{db: local, granularity: days, starts: 2025-01-01, explode_by: {{wiki: "a, b, c"}}}}
reports: {{edits: {{}}, views: {{}}, sizes: {{type: script, concurrency: {concurrency}}}}}
"""
        files = {"edits.sql": query, "views.sql": query, "sizes": script}
        project = Project(tmp_path / jobs, config, files)
        project.run("--jobs", jobs, now="2025-01-11")
        contents.append(project.tsvs())
    assert len(contents[0]) == 9
    assert contents[0] == contents[1] == contents[2]
