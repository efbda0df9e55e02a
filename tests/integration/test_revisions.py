"""What a later result replaces is kept, and which query gave which result is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reportupdater.state import computed, revisions
from reportupdater.state.connection import look
from reportupdater.state.revisions import Revision
from tests.helpers import ONE, SQLITE, Project
from tests.servers.receivers import reads_all, receiver

REPORTS = "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki'}}}\n"
ALL = ("--since", "2025-01-01", "--until", "2025-01-03")


def project(tmp_path: Path, query: str = ONE, reports: str = REPORTS) -> Project:
    return Project(tmp_path, SQLITE + reports, {"edits.sql": query})


def of(one: Project, tsv: str = "edits/enwiki.tsv") -> list[Revision]:
    with look(one.output) as connection:
        assert connection is not None
        return revisions.of_series(connection, tsv)


def status(one: Project, now: str = "2025-01-03") -> dict[str, Any]:
    said = one.call("status", one.folder, one.output, "--now", now, "--json").stdout
    (report,) = json.loads(said)["reports"]
    assert isinstance(report, dict)
    return report


def test_the_former_rows_of_a_rerun_are_kept(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    assert of(one) == []
    for value in (2, 3):
        one.write("edits.sql", f"SELECT '{{from_date}}' AS date, {value} AS n")
        one.call("rerun", one.folder, one.output, *ALL, "--only", "wiki=enwiki")
        one.run(now="2025-01-03")
    found = of(one)
    assert [(r.start, r.number, r.reason, r.header, r.rows) for r in found] == [
        (day, number, "rerun", ("date", "n"), ((day, str(former)),))
        for day in ("2025-01-01", "2025-01-02")
        for number, former in ((2, 1), (3, 2))
    ]
    assert {r.run for r in found} == {2, 3}
    assert len({r.digest for r in found}) == 2
    assert of(one, "edits/dewiki.tsv") == []


def test_a_rerun_that_gives_the_same_changes_nothing(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
        sink = "graphite: {path: 'x.{_metric}', metrics: {n: n}}"
        one = project(tmp_path, reports=f"{top}reports: {{edits: {{{sink}}}}}\n")
        one.run(now="2025-01-03")
        before = one.text("edits"), (one.output / "edits.tsv").stat().st_mtime_ns
        # Another text of the same number, under another digest.
        one.write("edits.sql", "SELECT '{from_date}' AS date, 1.0 AS n")
        one.call("rerun", one.folder, one.output, *ALL)
        one.run(now="2025-01-03")
        assert (one.text("edits"), (one.output / "edits.tsv").stat().st_mtime_ns) == before
        assert len(graphite.lines) == 2
    assert of(one, "edits.tsv") == []
    assert one.call("rerun", one.folder, one.output, "--list").stdout == "no open requests\n"
    assert status(one)["older_query"] is None


def test_what_is_kept_no_longer_leaves_its_number(tmp_path: Path) -> None:
    one = project(tmp_path, reports="reports: {edits: {keep_revisions: 0}}\n")
    one.run(now="2025-01-03")
    for value in (2, 3, 4):
        one.write("edits.sql", f"SELECT '{{from_date}}' AS date, {value} AS n")
        one.call("rerun", one.folder, one.output, *ALL)
        one.run(now="2025-01-03")
    one.run(now="2025-01-03")
    assert [(r.number, r.header, r.rows) for r in of(one, "edits.tsv")] == [(4, None, ())] * 2


def test_a_row_that_was_deleted_by_hand_is_a_revision_too(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    text = one.text("edits/enwiki")
    (one.output / "edits" / "enwiki.tsv").write_text(text.replace("2025-01-01\t1\n", ""))
    one.run(now="2025-01-03")
    assert one.text("edits/enwiki") == text
    assert [r[:2] + r[3:4] + r[6:] for r in of(one)] == [("2025-01-01", 2, "missing", (), ())]


def test_what_a_sink_has_of_a_row_that_was_deleted_by_hand_is_listed(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
        sink = "graphite: {path: 'x.{_metric}', metrics: {n: n}}"
        one = project(tmp_path, reports=f"{top}reports: {{edits: {{{sink}}}}}\n")
        one.run(now="2025-01-03")
        tsv = one.output / "edits.tsv"
        tsv.write_text(one.text("edits").replace("2025-01-01\t1\n", ""))
        one.write("edits.sql", ONE + " WHERE 0")
        one.run(now="2025-01-03")
        gone = {"tsv": "edits.tsv", "start": "2025-01-01", "sink": "graphite", "points": None}
        assert status(one)["emptied"] == [gone]
        one.write("edits.sql", ONE)
        one.call("rerun", one.folder, one.output, *ALL)
        one.run(now="2025-01-03")
        assert status(one)["emptied"] == []


def test_what_an_older_query_gave_is_known_and_computed_again(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    one.write("edits.sql", "SELECT '{from_date}' AS date, 2 AS n")
    assert status(one)["older_query"] == {
        "intervals": 4,
        "series": 2,
        "first": "2025-01-01",
        "last": "2025-01-02",
    }
    one.run(now="2025-01-05")
    said = one.call("plan", one.folder, one.output, "--now", "2025-01-05").stdout
    assert (
        "4 intervals of 2 series, 2025-01-01 to 2025-01-02, were computed by an older"
        in " ".join(said.split())
    )
    line = ("rerun", one.folder, one.output, "--changed", "--now", "2025-01-05")
    said = one.call(*line, "--only", "wiki=enwiki", "--until", "2025-01-02").stdout
    assert said == "edits: 1 interval of 1 series, which an older query gave, requested\n"
    one.run(now="2025-01-05")
    assert one.text("edits/enwiki").split()[2:] == [
        *("2025-01-01", "2", "2025-01-02", "1", "2025-01-03", "2", "2025-01-04", "2")
    ]
    assert one.call(*line).stdout.startswith("edits: 3 intervals of 2 series, which an older")
    one.run(now="2025-01-05")
    assert status(one, "2025-01-05")["older_query"] is None
    assert one.call(*line).stdout == "nothing was computed by an older query\n"


def test_what_an_older_query_gave_can_be_taken_as_it_is(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    one.write("edits.sql", ONE + " -- as before")
    line = ("rerun", one.folder, one.output, "--changed", "--dismiss")
    assert one.call(*line).stdout == (
        "edits: 4 intervals of 2 series, which an older query gave, taken as they are\n"
    )
    assert status(one)["older_query"] is None
    assert "nothing is due" in one.run("-l", "info", now="2025-01-03")
    assert one.text("edits/enwiki").count("2025") == 2
    assert of(one) == []


def test_the_first_query_again_is_not_older(tmp_path: Path) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    one.write("edits.sql", ONE + " -- another")
    one.run(now="2025-01-05")
    one.write("edits.sql", ONE)
    assert status(one)["older_query"] == {
        "intervals": 4,
        "series": 2,
        "first": "2025-01-03",
        "last": "2025-01-04",
    }


def test_columns_that_only_older_results_have_are_reported_until_that_is_resolved(
    tmp_path: Path,
) -> None:
    one = project(tmp_path)
    one.run(now="2025-01-03")
    one.write("edits.sql", "SELECT '{from_date}' AS date, 1 AS edits")
    said = one.run(now="2025-01-04")
    assert "in 2 TSVs only results of an older query have n: `reportupdater rerun` with" in said
    assert one.run(now="2025-01-04") != ""
    assert status(one, "2025-01-04")["renamed"] == [
        {"tsv": "edits/dewiki.tsv", "columns": ["n"]},
        {"tsv": "edits/enwiki.tsv", "columns": ["n"]},
    ]
    shown = one.call("status", one.folder, one.output, "--now", "2025-01-04").stdout
    assert "in 2 TSVs only results of an older query have n" in shown
    one.call("rerun", one.folder, one.output, "--changed", "--only", "wiki=enwiki")
    assert "in 1 TSV only results" in one.run(now="2025-01-04")
    one.call("rerun", one.folder, one.output, "--changed", "--dismiss")
    assert one.run(now="2025-01-04") == ""
    assert status(one, "2025-01-04")["renamed"] == []


def test_columns_whose_rows_are_trimmed_are_reported_no_more(tmp_path: Path) -> None:
    one = project(tmp_path, reports="reports: {edits: {max_data_points: 2}}\n")
    one.run(now="2025-01-03")
    one.write("edits.sql", "SELECT '{from_date}' AS date, 1 AS edits")
    assert "only results of an older query have n" in one.run(now="2025-01-04")
    assert one.run(now="2025-01-05") == ""
    assert status(one, "2025-01-05")["older_query"] is None


@pytest.mark.parametrize("changed", ["#!/bin/sh\n# v2\n", "#!/bin/sh\n"])
def test_what_a_script_has_no_more_is_no_renaming(tmp_path: Path, changed: str) -> None:
    script = "printf 'date\\t%s\\n%s\\t1\\n' {name} $1\n"
    reports = "reports: {edits: {type: script}}\n"
    one = Project(tmp_path, SQLITE + reports, {})
    one.write("edits", "#!/bin/sh\n" + script.replace("{name}", "a")).chmod(0o755)
    one.run(now="2025-01-03")
    one.write("edits", changed + script.replace("{name}", "b")).chmod(0o755)
    assert one.run(now="2025-01-04") == ""
    assert status(one, "2025-01-04")["renamed"] == []


def test_ten_years_take_a_line(tmp_path: Path) -> None:
    one = project(tmp_path, reports="reports: {edits: {starts: 2015-01-01}}\n")
    one.run(now="2025-01-01")
    with look(one.output) as connection:
        assert connection is not None
        (size,) = connection.execute("SELECT sum(length(runs) + length(header)) FROM computed")
        (part,) = computed.of_series(connection, "edits.tsv").values()
    assert len(part.intervals) == 3653
    assert size[0] < 40
