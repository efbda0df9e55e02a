"""`read_report`: a report's TSVs as a DataFrame."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pandas
import pytest

from reportupdater import read_report
from reportupdater.errors import TsvError, UsageError
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project, written


def test_a_report_that_a_run_wrote(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki', bot: '0012, no'}}}\n"
    query = (
        "SELECT '{from_date}' AS date, '{wiki}' AS name, 1152921504606846975 AS big, 0.5 AS part"
    )
    project = Project(tmp_path, config, {"edits.sql": query})
    project.run(now="2025-01-03")
    frame = read_report(project.output, "edits")
    assert list(frame.columns) == ["date", "bot", "wiki", "name", "big", "part"]
    assert [str(kind) for kind in frame.dtypes] == [
        "datetime64[s]",
        "string",
        "string",
        "string",
        "Int64",
        "Float64",
    ]
    assert len(frame) == 8
    assert frame.iloc[0].tolist() == [
        pandas.Timestamp("2025-01-01"),
        "0012",
        "dewiki",
        "dewiki",
        1152921504606846975,
        0.5,
    ]
    assert frame.groupby("wiki").big.sum()["enwiki"] == 4 * 1152921504606846975
    assert frame.set_index("date").resample("MS").part.sum().tolist() == [4.0]


def test_hours_and_a_report_without_dimensions(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {granularity: hours}}\n"
    query = "SELECT '{from_timestamp:.4}-01-01T05:00:00' AS hour, 1 AS n"
    project = Project(tmp_path, config, {"edits.sql": query})
    project.run("--since", "2025-01-01T05", "--until", "2025-01-01T06")
    frame = read_report(str(project.output), "edits")
    assert list(frame.columns) == ["hour", "n"]
    assert frame.hour.tolist() == [datetime(2025, 1, 1, 5)]


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "-2", "0"], "Int64", [1, -2, 0]),
        (["1", "", "9223372036854775807"], "Int64", [1, None, 9223372036854775807]),
        (["-9223372036854775808"], "Int64", [-9223372036854775808]),
        (["9223372036854775808", "1"], "string", ["9223372036854775808", "1"]),
        (["1", "NULL", "nan"], "Int64", [1, None, None]),
        (["1", "2.5", "1e-05", "NULL"], "Float64", [1.0, 2.5, 1e-05, None]),
        (["5.0", "3"], "Float64", [5.0, 3.0]),
        (["5.5", "9007199254740993"], "string", ["5.5", "9007199254740993"]),
        (["5.5", "1e999"], "string", ["5.5", "1e999"]),
        (["0012", "3"], "string", ["0012", "3"]),
        (["-0", "1"], "Float64", [-0.0, 1.0]),
        (["NULL", "a", ""], "string", ["NULL", "a", None]),
        (["NULL", ""], "string", ["NULL", None]),
        (["", ""], "string", [None, None]),
        (["nan"], "string", ["nan"]),
        ([" 5", "+5", "5."], "string", [" 5", "+5", "5."]),
        (["٣", "1"], "string", ["٣", "1"]),
        (["true", "false"], "string", ["true", "false"]),
        (["9" * 5000, "1"], "string", ["9" * 5000, "1"]),
        (["1", "a\tb\n"], "string", ["1", "a\tb\n"]),
    ],
)
def test_a_column_is_numbers_only_if_nothing_of_it_is_lost(
    tmp_path: Path, texts: list[str], kind: str, values: list[object]
) -> None:
    quoted = (f'2025-01-0{1 + n % 9}\t"{text}"\n' for n, text in enumerate(texts))
    written(tmp_path / "edits.tsv", "date\tn\n" + "".join(quoted))
    column = read_report(tmp_path, "edits").n
    assert str(column.dtype) == kind
    assert [None if value is pandas.NA else value for value in column.tolist()] == values


def test_series_whose_columns_differ_have_all_of_them(tmp_path: Path) -> None:
    written(tmp_path / "edits/a.tsv", "date\tn\tx\n2025-01-01\t1\tone\n")
    written(tmp_path / "edits/b.tsv", "day\ty\tn\n2025-01-01\t2.5\t2\n2025-01-01\t3.5\t\n")
    written(tmp_path / "edits/c.tsv", "")
    frame = read_report(tmp_path, "edits", ["wiki"])
    assert list(frame.columns) == ["date", "wiki", "n", "x", "y"]
    assert frame.wiki.tolist() == ["a", "b", "b"]
    assert frame.n.isna().tolist() == [False, False, True]
    assert frame.y.sum() == 6.0
    assert frame.x.tolist() == ["one", pandas.NA, pandas.NA]


def test_no_two_columns_have_one_name(tmp_path: Path) -> None:
    written(tmp_path / "edits/a.tsv", "date\twiki\tdate\t\t\n2025-01-01\tx\ty\tz\tw\n")
    frame = read_report(tmp_path, "edits", ["wiki"])
    assert list(frame.columns) == ["date", "wiki", "wiki_", "date_", "column_4", "column_5"]
    assert frame.iloc[0].tolist()[1:] == ["a", "x", "y", "z", "w"]


def test_dimensions_of_which_nothing_is_known_are_numbered(tmp_path: Path) -> None:
    written(tmp_path / "edits/a/b.tsv", "date\tn\n2025-01-01\t1\n")
    assert list(read_report(tmp_path, "edits").columns) == [
        "date",
        "dimension_1",
        "dimension_2",
        "n",
    ]


def test_all_years_are_taken(tmp_path: Path) -> None:
    written(tmp_path / "edits.tsv", "date\tn\n0001-01-01\t1\n9999-12-31\t1\n")
    assert read_report(tmp_path, "edits").date.dt.year.tolist() == [1, 9999]


def test_a_report_without_rows(tmp_path: Path) -> None:
    written(tmp_path / "edits.tsv", "date\tn\n")
    written(tmp_path / "views.tsv", "")
    assert read_report(tmp_path, "edits").shape == (0, 2)
    assert list(read_report(tmp_path, "views").columns) == ["date"]


@pytest.mark.parametrize(
    ("report", "dimensions", "message"),
    [
        ("edit", None, "{} has no report 'edit' (did you mean 'edits'?)"),
        ("../output", None, "{} has no report '../output' (known are: both, edits)"),
        ("edits", ["a", "b"], "{}: report 'edits' has TSVs of 1 dimensions, and not of 2 ("),
        ("both", None, "{}: report 'both' has TSVs of 0 and of 1 dimensions (name those that"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    tmp_path: Path, report: str, dimensions: list[str] | None, message: str
) -> None:
    output = tmp_path / "output"
    for name in ("edits/a.tsv", "both.tsv", "both/a.tsv"):
        written(output / name, "date\tn\n2025-01-01\t1\n")
    with pytest.raises(UsageError) as caught:
        read_report(output, report, dimensions)
    assert str(caught.value).startswith(message.format(output))
    assert len(read_report(output, "both", ())) == len(read_report(output, "both", ["wiki"])) == 1
    with pytest.raises(UsageError, match="there is no such output folder"):
        read_report(tmp_path / "nowhere", "edits")


def test_a_damaged_tsv_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "edits.tsv", "date\tn\n2025-01-01\t1\n2025-01-02\n")
    with pytest.raises(TsvError) as caught:
        read_report(tmp_path, "edits")
    assert str(caught.value).startswith(f"{path}:3: 1 column where the header has 2")


def test_the_package_imports_pandas_only_when_it_is_asked(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run()
    program = (
        "import sys, reportupdater;"
        "before = [name for name in sys.modules if name.startswith(('reportupdater.', 'pandas'))];"
        f"print(before, len(reportupdater.read_report({str(project.output)!r}, 'edits')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("[] 3\n", "")
    with pytest.raises(ImportError):
        from reportupdater import nothing  # noqa: F401
