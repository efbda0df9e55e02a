"""TSVs that are damaged: only their series stops, with file and line, and none is written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

CONFIG = SQLITE + "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki, frwiki'}}}\n"
FIRST = "date\tn\n2025-01-01\t7\n"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("date\tn\n2025-01-01\t7\n2025-01-02\n", 3, "1 column where the header has 2"),
        ("date\tn\n2025-01-01\t7\t8\n", 2, "3 columns where the header has 2"),
        ("date\tn\n2025-01-01\t7\nyesterday\t7\n", 3, "'yesterday' is no date"),
        ("date\tn\n2025-01-01\t7\n2025-01-0", 3, "the last line is not ended"),
        ("date\tn\n2025-01-01\t7\n2025-01-02\t7", 3, "the last line is not ended"),
        ("2025-01-01\t7\n2025-01-02\t7\n", 1, "the header line is missing"),
        ("date\tn\tn\n2025-01-01\t7\t7\n", 1, "the header has 'n' twice"),
        ('date\tn\n2025-01-01\t7\n2025-01-02\t"7\n', 3, "quotes do not match"),
        ("date\tn\n2025-01-01\t\udcff\n", 2, "not UTF-8"),
        ("date\tn\n2025-01-01\t7\n\0\0\t\0\n", 3, r"'\x00\x00' is no date"),
    ],
)
def test_a_damaged_tsv_stops_its_series_alone(
    tmp_path: Path, content: str, line: int, message: str
) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.write_tsv("edits/enwiki", FIRST)
    damaged = project.write_tsv("edits/dewiki", "")
    damaged.write_bytes(content.encode(errors="surrogateescape"))
    before = damaged.read_bytes()
    said = project.run(code=1)
    assert f"{damaged}:{line}: {message}" in said
    assert damaged.read_bytes() == before
    assert project.rows("edits/enwiki")[1:] == [
        ["2025-01-01", "7"],
        ["2025-01-02", "1"],
        ["2025-01-03", "1"],
    ]
    assert len(project.dates("edits/frwiki")) == 3
    assert "5 done, 0 empty, 0 failed" in said
    # Mended, it goes on.
    damaged.write_text(FIRST)
    assert project.run() == ""
    assert len(project.dates("edits/dewiki")) == 3


def test_an_empty_tsv_is_as_good_as_none(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.write_tsv("edits/enwiki", "")
    assert project.run() == ""
    assert len(project.dates("edits/enwiki")) == 3


# Damages its TSV: what it prints is committed, and then cannot be merged.
DAMAGING = """#!/bin/sh
[ $1 = 2025-01-03 ] && printf 'date\\tn\\n2025-01-01' > "$TSV"
printf 'date\\tn\\n%s\\t5\\n' $1
"""


@pytest.fixture
def project_with_a_journal(tmp_path: Path) -> Project:
    """A project whose report `edits` has two results in the journal and a damaged TSV."""
    config = SQLITE + "reports: {edits: {type: script}}\n"
    project = Project(tmp_path, config, {"edits": DAMAGING})
    project.write_tsv("edits", FIRST)
    said = project.run(code=1, environment={"TSV": str(project.tsv("edits"))})
    assert "edits.tsv cannot be written: " in said
    assert f"{project.tsv('edits')}:2: the last line is not ended" in said
    starts = project.state("SELECT start FROM journal ORDER BY start")
    assert starts == [("2025-01-02",), ("2025-01-03",)]
    return project


def test_a_result_whose_tsv_is_damaged_stays_in_the_journal_until_it_is_mended(
    project_with_a_journal: Project,
) -> None:
    project = project_with_a_journal
    # Every run says so; nothing is computed meanwhile.
    project.write("edits", "#!/bin/sh\nexit 1\n")
    said = project.run(code=1)
    assert f"{project.tsv('edits')}:2: the last line is not ended" in said
    assert "0 done, 0 empty, 0 failed" in said
    project.write_tsv("edits", FIRST)
    assert project.run() == ""
    assert project.text("edits") == FIRST + "2025-01-02\t5\n2025-01-03\t5\n"
    assert project.state("SELECT * FROM journal") == []


def test_a_result_is_merged_though_its_report_is_gone(project_with_a_journal: Project) -> None:
    project = project_with_a_journal
    project.write("config.yaml", SQLITE + "reports: {views: {}}\n")
    project.write("views.sql", ONE)
    project.write_tsv("edits", FIRST)
    assert project.run() == ""
    assert project.text("edits") == FIRST + "2025-01-02\t5\n2025-01-03\t5\n"


def test_a_result_wins_over_a_hand_edit_of_its_interval(project_with_a_journal: Project) -> None:
    project = project_with_a_journal
    project.write_tsv("edits", FIRST + "2025-01-02\t9\n2025-01-02\t8\n")
    assert project.run() == ""
    assert project.text("edits") == FIRST + "2025-01-02\t5\n2025-01-03\t5\n"


def test_a_symbolic_link_in_the_output_folder_is_not_followed(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    outside = tmp_path / "outside.tsv"
    outside.write_text(FIRST)
    project.output.joinpath("edits").mkdir(parents=True)
    project.tsv("edits/enwiki").symlink_to(outside)
    said = project.run(code=1)
    assert f"{project.tsv('edits/enwiki')}: a symbolic link" in said
    assert outside.read_text() == FIRST
    assert len(project.dates("edits/dewiki")) == 3


def test_a_pipe_in_the_place_of_a_tsv_is_not_waited_for(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    pipe = project.write_tsv("edits/dewiki", "")
    pipe.unlink()
    os.mkfifo(pipe)
    assert f"{pipe}: not a regular file (move it away)" in project.run(code=1)
    assert len(project.dates("edits/enwiki")) == 3
