"""Results that must not be stored: each fails its own task, and the rest goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project

SCRIPTS = SQLITE + "reports: {edits: {type: script}, views: {}}\n"
GOOD = "printf 'date\\tn\\n%s\\t1\\n' $1"


BAD_SCRIPTS = [
    (
        "printf 'loading\\ndate\\tn\\n%s\\t1\\n' $1",
        (
            "the first line, 'loading', names one column, and rows have more"
            " (the header line comes first; messages belong on standard error)"
        ),
    ),
    (
        "printf 'date,n\\n%s,1\\n' $1",
        "the first line, 'date,n', has commas between its columns (print a tab between columns)",
    ),
    ("printf 'date\\tn\\n%s\\t1\\t2\\n' $1", "row 1 has 3 columns, the header has 2"),
    ("printf 'date\\tn\\n%s\\t1\\n%s\\n' $1 $1", "row 2 has 1 column, the header has 2"),
    ("printf 'date\\tn\\n\\n%s\\t1\\n' $1", "row 1 has 0 columns, the header has 2"),
    (
        "printf 'date\\tn\\n%s\\t1\\n' $2",
        "row 1 is dated 2025-01-03, outside the interval [2025-01-02, 2025-01-03)",
    ),
    ("printf 'date\\tn\\n2025-01-01\\t9\\n'", "row 1 is dated 2025-01-01, outside"),
    ("printf 'date\\tn\\ntoday\\t1\\n'", "'today' is no date"),
    ("printf 'date\\tn\\n2025-02-30\\t1\\n'", "2025-02-30"),
    ("printf 'date\\tn\\n\\t1\\n'", "'' is no date"),
    ("printf 'date\\tn\\tn\\n%s\\t1\\t2\\n' $1", "two columns are called 'n'"),
    ("printf 'date\\t\\n%s\\t1\\n' $1", "column 2 has no name"),
    ("printf ''", "a header line is expected"),
    ("printf '%s\\t1\\n' $1", "that is a date, and no header"),
    ("printf 'date\\tn\\n%s\\t\"1\\n' $1", "of the output is no TSV"),
    ("printf 'date\\tn\\n%s\\t\\377\\n' $1", "line 2 of the output is not UTF-8"),
    (f"{GOOD}; echo no disk >&2; exit 3", "the script ended with exit code 3: no disk"),
    ("printf 'date\\tn\\n'; exit 1", "the script ended with exit code 1"),
    ("printf 'date\\tn\\n'; kill -9 $$", "the script was ended by SIGKILL"),
    ("no-such-command", "no-such-command"),
]


def test_a_bad_result_of_a_script_is_not_stored(tmp_path: Path) -> None:
    reports = "".join(f"  edits{at}: {{type: script}}\n" for at in range(len(BAD_SCRIPTS)))
    scripts = {
        f"edits{at}": f'#!/bin/sh\nif [ "$1" = 2025-01-02 ]; then\n{bad}\nelse\n{GOOD}\nfi\n'
        for at, (bad, _) in enumerate(BAD_SCRIPTS)
    }
    config = SQLITE + f"reports:\n{reports}  views: {{}}\n"
    project = Project(tmp_path, config, {**scripts, "views.sql": ONE})
    said = project.run(code=1)
    failed = len(scripts)
    assert f"{2 * failed + 3} done, 0 empty, {failed} failed" in said
    assert len(project.dates("views")) == 3
    for report, (_, message) in zip(scripts, BAD_SCRIPTS, strict=True):
        [told] = [line for line in said.splitlines() if f"failed: {report} [" in line]
        assert f"failed: {report} [2025-01-02, 2025-01-03): " in told
        assert message in told
        assert project.text(report) == "date\tn\n2025-01-01\t1\n2025-01-03\t1\n"
    # It is tried again by the next run.
    for report in scripts:
        project.write(report, f"#!/bin/sh\n{GOOD}\n")
    assert project.run() == ""
    for report in scripts:
        assert project.dates(report) == ["2025-01-01", "2025-01-02", "2025-01-03"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT '{from_date}' AS date, column1 FROM (VALUES (1), (2), (3), (4))",
            "more than 3 rows",
        ),
        ("SELECT '{to_date}' AS date, 1 AS n", "row 1 is dated"),
        ("SELECT 1 AS n, '{from_date}' AS date", "the first column of row 1"),
        ("SELECT NULL AS date, 1 AS n", "the first column of row 1"),
        ("SELECT '{from_date}' AS n, 1 AS n", "two columns are called 'n'"),
        ("SELECT '{from_date}' AS date, x'ff' AS n", "column 'n' of row 1 holds binary data"),
        ("SELECT '{from_date}' AS date, 1 AS n; SELECT 2", "one statement"),
        ("SELECT '{from_date}' AS date, nowhere AS n", "no such column: nowhere"),
        ("CREATE TABLE made (n)", "readonly"),
        ("SELEC '{from_date}' AS date", 'near "SELEC": syntax error'),
    ],
)
def test_a_bad_result_of_a_query_is_not_stored(tmp_path: Path, query: str, message: str) -> None:
    config = SQLITE + "reports: {edits: {max_rows: 3, explode_by: {wiki: enwiki}}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query, "views.sql": ONE})
    said = project.run(code=1, now="2025-01-02")
    assert "failed: edits wiki=enwiki [2025-01-01, 2025-01-02): " in said
    assert message in said
    assert list(project.tsvs()) == ["views.tsv"]


def test_the_old_rows_of_an_interval_stay_when_it_is_computed_again_badly(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run()
    before = project.text("edits")
    project.write(".reruns/mark", "2025-01-02\n2025-01-03\n")
    project.write("edits.sql", "SELECT '2025-01-03' AS date, 9 AS n")
    project.run(code=1)
    assert project.text("edits") == before
    assert project.state("SELECT start FROM marks") == [("2025-01-02",)]


def test_one_bad_interval_is_no_reason_to_leave_out_others_in_the_same_batch(
    tmp_path: Path,
) -> None:
    # At a tenth of a millisecond each, many of these are handed over together.
    query = "SELECT CASE '{from_date}' WHEN '2025-03-01' THEN 'bad' ELSE '{from_date}' END AS date"
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": query})
    assert "364 done, 0 empty, 1 failed" in project.run(code=1, now="2026-01-01")
    assert len(project.dates("edits")) == 364
    assert "2025-03-01" not in project.dates("edits")


def test_equal_errors_are_one_line_with_a_count(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b, c'}}, views: {}}\n"
    files = {"edits.sql": "SELECT n FROM nowhere", "views.sql": ONE}
    project = Project(tmp_path, config, files)
    said = project.run(code=1, now="2025-01-03")
    assert said.count("no such table: nowhere") == 1
    assert re.search(r"failed: 6 of edits, the first is edits wiki=\w \[.*\): no such table", said)
    assert "2 done, 0 empty, 6 failed" in said


def test_after_three_failures_in_a_row_the_rest_of_a_series_waits(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {type: script, explode_by: {wiki: 'bad, good'}}}\n"
    script = f'#!/bin/sh\necho $3 >> "$NOTES"\n[ $3 = good ] || exit 1\n{GOOD}\n'
    project = Project(tmp_path, config, {"edits": script})
    notes = tmp_path / "notes"
    environment = {"NOTES": str(notes)}
    said = project.run(code=1, now="2025-01-11", environment=environment)
    assert sorted(notes.read_text().split()) == ["bad"] * 3 + ["good"] * 10
    assert "10 done, 0 empty, 3 failed" in said
    assert "skipped: 7 of edits, the first is edits wiki=bad [2025-01-04, 2025-01-05)" in said
    assert "waits for the next run after three failures in a row" in said
    assert len(project.dates("edits/good")) == 10
    # The next run asks again, from the oldest on.
    notes.unlink()
    project.run(code=1, now="2025-01-11", environment=environment)
    assert notes.read_text().split() == ["bad"] * 3


def test_failures_that_are_not_in_a_row_stop_nothing(tmp_path: Path) -> None:
    script = f"#!/bin/sh\ncase $1 in *[02468]) exit 1;; esac\n{GOOD}\n"
    project = Project(tmp_path, SCRIPTS, {"edits": script, "views.sql": ONE})
    said = project.run("--report", "edits", code=1, now="2025-01-11")
    assert "5 done, 0 empty, 5 failed" in said
    assert [date[-1] for date in project.dates("edits")] == ["1", "3", "5", "7", "9"]
