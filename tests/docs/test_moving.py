"""docs/moving.md: what it says of a host that moves here from the original."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text(encoding="utf-8")
WEEKLY = "{granularity: weeks, starts: 2024-12-29}"
WIKIS = "explode_by: {wiki: wikis.txt}"


def project(tmp_path: Path, name: str, reports: str, **files: str) -> Project:
    """One of the host's projects, all of which write to one folder."""
    names = re.findall(r"(\w+): \{", reports)
    queries = {f"{query}.sql": ONE for query in names} | {"wikis.txt": "enwiki\ndewiki\n"}
    config = SQLITE + f"reports: {{{reports}}}\n"
    return Project(tmp_path / name, config, queries | files, output=tmp_path / "output")


def test_a_host_with_several_projects_in_one_folder_goes_on_from_what_the_original_left(
    tmp_path: Path,
) -> None:
    edits = project(tmp_path, "a", f"edits: {{{WIKIS}}}, blocks: {{}}")
    weekly = project(tmp_path, "b", f"editors: {WEEKLY}")
    fresh = project(tmp_path, "c", "views: {}")
    full = "date\tn\r\n2025-01-01\t7\r\n2025-01-02\t7\r\n2025-01-03\t7\r\n"
    edits.write_tsv("edits/enwiki", full)
    edits.write_tsv("edits/dewiki", full.replace("2025-01-02\t7\r\n", ""))  # it failed once
    edits.write_tsv("blocks", full)
    edits.write(".reruns/20250104", "2025-01-03\n2025-01-04\nblocks\n")
    mondays = weekly.write_tsv("editors", "date\tn\r\n2024-12-30\t7\r\n").read_bytes()
    assert "blocks: .reruns/20250104 requests 1 interval and is of before" in edits.run(code=1)
    edits.call("rerun", edits.folder, edits.output, "--accept-files")
    for one in (edits, weekly, fresh):
        assert one.run() == ""
    seven = "date\tn\n2025-01-01\t7\n2025-01-02\t{}\n2025-01-03\t{}\n"
    assert edits.tsvs() == {
        "edits/enwiki.tsv": full.encode(),
        "edits/dewiki.tsv": seven.format(1, 7).encode(),
        "blocks.tsv": seven.format(7, 1).encode(),
        "editors.tsv": mondays,
        "views.tsv": seven.replace("01\t7", "01\t1").format(1, 1).encode(),
    }
    for one in (edits, weekly, fresh):
        said = one.run("-l", "info")
        assert said.endswith("nothing is due\n")
        assert len(said.splitlines()) == 1
    status = json.loads((tmp_path / "output/.reportupdater/status.json").read_text())
    assert set(status["projects"]) == {
        f"{one.folder}/config.yaml" for one in (edits, weekly, fresh)
    }


def told() -> list[str]:
    """What the page says that the first run may say."""
    table = PAGE.partition("### What it prints")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)


def linked(one: Project) -> None:
    one.write_tsv("edits", "").rename(one.output / "moved.tsv")
    one.tsv("edits").symlink_to("moved.tsv")


BAD: dict[str, Callable[[Project], object]] = {
    "failed: … of …, the first is …: …": lambda one: one.write("edits.sql", "SELECT n FROM gone"),
    "…: unknown key … of report …": lambda one: one.write(
        "config.yaml", SQLITE + "reports: {edits: {lags: 1}, views: {}}\n"
    ),
    "…: unknown key … is ignored": lambda one: one.write(
        "config.yaml", SQLITE + "reports: {edits: {}, views: {}}\nrepports: {}\n"
    ),
    "wrong: …: … column… where the header has …": lambda one: one.write_tsv(
        "edits", "date\tn\r\n2025-01-01\r\n"
    ),
    "wrong: …: the header line is missing": lambda one: one.write_tsv("edits", "2025-01-01\t1\r\n"),
    "wrong: …: … is no date": lambda one: one.write_tsv("edits", "date\tn\r\nNULL\t1\r\n"),
    "wrong: …: .reruns/… requests … and is of before this state, …": lambda one: (
        one.write(".reruns/a", "2025-01-01\n2025-01-02\n"),
        one.write_tsv("edits", "date\tn\r\n2025-01-01\t1\r\n"),
    ),
    "wrong: …: a symbolic link inside the output folder is not followed": linked,
}
ELSEWHERE = [
    "wrong: …: its TSVs are written by another project, …"
]  # tests/integration/test_owners.py


def test_each_row_of_what_is_printed_is_tried() -> None:
    assert sorted(told()) == sorted([*BAD, *ELSEWHERE])


@pytest.mark.parametrize("row", BAD)
def test_what_was_wrong_all_along_is_told_and_the_other_report_runs(
    tmp_path: Path, row: str
) -> None:
    one = project(tmp_path, "a", "edits: {}, views: {}")
    BAD[row](one)
    ignored = row.endswith("is ignored")
    said = one.run(code=0 if ignored else 1)
    messages = [line.split(" ", 2)[2].strip() for line in said.splitlines()]
    pattern = ".*".join(map(re.escape, row.removesuffix("…").split("…")))
    assert any(re.match(pattern, message) for message in messages), messages
    assert len(one.dates("views")) == 3


def test_a_report_that_is_renamed_as_the_page_says_goes_on(tmp_path: Path) -> None:
    one = project(tmp_path, "a", f"old: {{{WIKIS}}}, single: {{}}")
    one.run()
    one.write("config.yaml", SQLITE + f"reports: {{new: {{{WIKIS}}}, double: {{}}}}\n")
    for old, new in (("old", "new"), ("single", "double")):
        (one.folder / f"{old}.sql").rename(one.folder / f"{new}.sql")
    (one.output / "old").rename(one.output / "new")
    one.tsv("single").rename(one.tsv("double"))
    assert one.run("-l", "info").endswith("nothing is due\n")
    assert one.run(now="2025-01-05") == ""
    assert len(one.dates("new/dewiki")) == len(one.dates("double")) == 4
