"""A value whose accents are spelled in another form of Unicode is the same value, and has one TSV."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from reportupdater.errors import TsvError
from reportupdater.operations.dataframe import read_report
from tests.helpers import SQLITE, Project

NFC, NFD = "S\xe3o", "Sa\u0303o"
QUERY = "SELECT '{from_date}' AS date, length('{wiki}') AS letters"


def config(value: str) -> str:
    """A report of one value."""
    wiki = f"{{values: [{value}], allow_values: any}}"
    return f"{SQLITE}reports: {{r: {{explode_by: {{wiki: {wiki}}}}}}}\n"


def names(project: Project) -> list[str]:
    return sorted(path.name for path in (project.output / "r").iterdir())


@pytest.mark.parametrize(("first", "then"), [(NFC, NFD), (NFD, NFC)])
def test_two_spellings_of_a_value_are_one_series(tmp_path: Path, first: str, then: str) -> None:
    project = Project(tmp_path, config(first), {"r.sql": QUERY})
    project.run("-l", "error")
    assert names(project) == [f"{NFC}.tsv"]
    project.write("config.yaml", config(then))
    committed = project.committed()
    project.run("-l", "error")
    assert project.committed() == committed
    project.run("-l", "error", "--only", f"wiki={first}", now="2025-01-05")
    assert names(project) == [f"{NFC}.tsv"]
    # The query gets the value as it is written.
    letters = [row[1] for row in project.rows(f"r/{NFC}")[1:]]
    assert letters == [str(len(first))] * 3 + [str(len(then))]
    assert len(read_report(project.output, "r")) == 4


@pytest.mark.parametrize("spelling", [NFC, NFD])
def test_a_file_that_is_spelled_in_the_other_form_is_used_where_it_is(
    tmp_path: Path, spelling: str
) -> None:
    project = Project(tmp_path, config(spelling), {"r.sql": QUERY})
    project.write_tsv(f"r/{NFD}", "date\tletters\n2025-01-01\t7\n")
    project.run("-l", "error")
    assert names(project) == [f"{NFD}.tsv"]
    assert [row[0] for row in project.rows(f"r/{NFD}")[1:]] == [
        "2025-01-01",
        "2025-01-02",
        "2025-01-03",
    ]
    assert project.rows(f"r/{NFD}")[1][1] == "7"
    assert list(read_report(project.output, "r")["wiki"]) == [NFC] * 3
    project.call("status", project.output)


def test_a_folder_that_is_spelled_in_the_other_form_is_used_too(tmp_path: Path) -> None:
    values = f"{{values: [{NFC}], allow_values: any}}"
    entries = f"{SQLITE}reports: {{r: {{explode_by: {{a: {values}, wiki: {values}}}}}}}\n"
    project = Project(tmp_path, entries, {"r.sql": QUERY + ", '{a}' AS a"})
    project.write_tsv(f"r/{NFD}/{NFD}", "date\tletters\ta\n2025-01-01\t7\tx\n")
    project.run("-l", "error")
    assert list(project.tsvs()) == [f"r/{NFD}/{NFD}.tsv"]
    assert len(project.dates(f"r/{NFD}/{NFD}")) == 3


def test_two_files_of_one_value_are_an_error_that_names_both(tmp_path: Path) -> None:
    project = Project(tmp_path, config(NFC), {"r.sql": QUERY})
    for spelling in (NFC, NFD):
        project.write_tsv(f"r/{spelling}", "date\tletters\n2025-01-01\t7\n")
    before = project.tsvs()
    said = project.run("-l", "error", code=1)
    both = r"'Sa\u0303o.tsv' and 'S\xe3o.tsv' are one name in two spellings of its accents"
    assert both in said
    assert project.tsvs() == before
    with pytest.raises(TsvError, match="are one name in two spellings"):
        read_report(project.output, "r")
    assert both in project.call("status", project.output, code=1).stdout
    assert unicodedata.normalize("NFC", NFD) == NFC
