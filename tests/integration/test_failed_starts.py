"""Runs that could not begin are known to `status`, until one could."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

GOOD = SQLITE + "reports: {edits: {}}\n"


def troubles(one: Project, code: int) -> list[str]:
    shown = one.call("status", one.output, "--json", "--now", "2025-01-04", code=code)
    found: list[str] = json.loads(shown.stdout)["troubles"]
    return found


def test_a_project_that_is_broken_from_its_first_run_is_in_trouble(tmp_path: Path) -> None:
    one = Project(tmp_path, "reports: {edits: {granularity: dayz}}\n", {"edits.sql": ONE})
    one.output.mkdir()
    one.run(code=2)
    [trouble] = troubles(one, 1)
    assert f"{one.folder / 'config.yaml'}: a run failed before it had a result, at 20" in trouble
    assert trouble.endswith(": no report could be loaded")
    one.write("config.yaml", GOOD)
    one.run()
    assert troubles(one, 0) == []


def test_a_run_that_fails_in_its_midst_is_in_trouble_though_an_earlier_one_was_good(
    tmp_path: Path,
) -> None:
    one = Project(tmp_path, GOOD, {"edits.sql": ONE})
    one.run()
    one.write("config.yaml", "reports: [")
    one.run(code=2)
    [trouble] = troubles(one, 1)
    assert "no report could be loaded" in trouble
    status = one.call("status", one.output, "--now", "2025-01-04", code=1).stdout
    assert "a run failed before it had a result" in status
    one.write("config.yaml", GOOD)
    one.run()
    assert troubles(one, 0) == []


def test_without_an_output_folder_none_is_made(tmp_path: Path) -> None:
    one = Project(tmp_path, "reports: {}\n")
    one.run(code=2)
    assert not one.output.exists()


def test_what_is_in_the_place_of_a_note_ends_no_status(tmp_path: Path) -> None:
    one = Project(tmp_path, GOOD, {"edits.sql": ONE})
    one.run()
    folder = one.output / ".reportupdater" / "failed-starts"
    folder.mkdir()
    for number, text in enumerate(("", "[]", "{}", '{"config": 1, "at": 2}', "\xff" * 9)):
        (folder / f"{number}.json").write_bytes(text.encode("latin-1"))
    (folder / "link.json").symlink_to("/etc/passwd")
    (folder / "dir.json").mkdir()
    assert troubles(one, 0) == []
