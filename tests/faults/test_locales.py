"""Names of files are UTF-8 in every locale, and a name that is not stops nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers import ENVIRONMENT, ONE, RUN, SQLITE, Project, written

VALUES = ["São", "日本", "plain"]
CONFIG = SQLITE + (
    "reports: {edits: {explode_by: {wiki: {values: [São, 日本, plain], allow_values: any}}},"
    " views: {type: script, explode_by: {wiki: {values: [São, 日本], allow_values: any}}}}\n"
)
SCRIPT = (
    '#!/bin/sh\nprintf \'date\\twiki\\tmode\\n%s\\t%s\\t%s\\n\' "$1" "$3" "${PYTHONUTF8-none}"\n'
)
FILES = {"edits.sql": "SELECT '{from_date}' AS date, '{wiki}' AS wiki", "views": SCRIPT}
NOT_UTF8 = os.fsdecode(b"S\xe3o")


@pytest.fixture(scope="session")
def latin(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """An environment whose locale has another encoding than UTF-8."""
    folder = tmp_path_factory.mktemp("locales")
    name = "de_DE.ISO-8859-1"
    command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(folder / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (folder / name).is_dir(), f"install the Debian package locales: {done.stderr}"
    return {"LOCPATH": str(folder), "LC_ALL": name}


def test_names_of_files_are_utf8_in_a_locale_of_another_encoding(
    tmp_path: Path, latin: Mapping[str, str]
) -> None:
    project = Project(tmp_path, CONFIG, FILES)
    assert project.run("-l", "error", environment=latin) == ""
    names = {f"{report}/{value}.tsv" for report in ("edits", "views") for value in VALUES}
    assert project.tsvs().keys() == names - {"views/plain.tsv"}
    assert project.rows("edits/São")[1] == ["2025-01-01", "São"]
    # A script gets the value in UTF-8 too, and its own environment.
    assert project.rows("views/日本")[1] == ["2025-01-01", "日本", "none"]
    before = project.committed()
    assert project.run("-l", "error") == ""  # in UTF-8: nothing is due
    assert project.committed() == before
    assert project.tsvs().keys() == names - {"views/plain.tsv"}


@pytest.mark.parametrize("program", ["module", "run.py"])
def test_what_is_printed_is_of_the_terminals_encoding(
    tmp_path: Path, latin: Mapping[str, str], program: str
) -> None:
    project = Project(tmp_path, CONFIG, FILES)
    command = [*RUN[:-1], "plan"] if program == "module" else _run_py("--dry-run")
    done = subprocess.run(
        [*command, "--now", "2025-01-02", project.folder, project.output],
        env=ENVIRONMENT | dict(latin),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "São".encode("latin-1") in done.stdout
    assert b"\\u65e5\\u672c" in done.stdout


def _run_py(*arguments: str) -> list[str]:
    return [RUN[0], str(Path(__file__).parents[2] / "run.py"), *arguments]


def test_a_rerun_file_whose_name_is_not_utf8_is_reported_and_stops_no_report(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, CONFIG, FILES)
    project.run()
    written(project.folder / ".reruns" / NOT_UTF8, "2025-01-01\n2025-01-02\n")
    written(project.folder / ".reruns" / "good", "2025-01-01\n2025-01-02\nedits\n")
    said = project.run(now="2025-01-05")
    assert r".reruns/S\udce3o: this file requests nothing: its name is not UTF-8" in said
    for value in VALUES:
        assert len(project.dates(f"edits/{value}")) == 4
    assert project.committed() == 4 * 5 + 3  # and what the good one asks for
    project.call("rerun", "--list", project.folder, project.output)


@pytest.mark.parametrize("locale", ["utf-8", "latin-1"])
def test_a_project_and_an_output_folder_whose_names_are_not_utf8_are_as_any(
    tmp_path: Path, latin: Mapping[str, str], locale: str
) -> None:
    environment = latin if locale == "latin-1" else {}
    parent = tmp_path / NOT_UTF8
    project = Project(parent, CONFIG, FILES)
    assert project.run("-l", "error", environment=environment) == ""
    assert project.run("-l", "error", environment=environment, now="2025-01-05") == ""
    assert len(project.dates("edits/日本")) == 4
    status = json.loads((project.output / ".reportupdater" / "status.json").read_bytes())
    assert [path.rpartition("/")[2] for path in status["projects"]] == ["config.yaml"]
    project.call("status", project.output)
    project.call("plan", project.folder, project.output)
    # Another project still may not take the report over.
    other = Project(tmp_path / "other", CONFIG, FILES, output=project.output)
    assert "its TSVs are written by another project" in other.run(code=1)


def test_an_output_folder_may_hold_files_whose_names_are_not_utf8(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, FILES)
    project.run()
    written(project.output / "edits" / f"{NOT_UTF8}.tsv", "date\twiki\n2025-01-01\tx\n")
    assert project.run("-l", "error", now="2025-01-05") == ""
    assert r"S\udce3o" in project.call("status", "--series", project.output).stdout


def test_the_project_of_a_run_may_be_read_by_a_list_of_another_name(
    tmp_path: Path, latin: Mapping[str, str]
) -> None:
    config = SQLITE + "reports: {r: {explode_by: {wiki: wikis-São}, execute: São}}\n"
    project = Project(tmp_path, config, {"wikis-São": "enwiki\n", "São.sql": ONE})
    assert project.run("-l", "error", environment=latin) == ""
    assert len(project.dates("r/enwiki")) == 3
