"""What is reported until it is resolved, and the command that takes away what is no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ONE, SQLITE, Project
from tests.servers.mariadb import free_port
from tests.servers.receivers import Receiver, reads_all, receiver

NOW = "2025-01-03"
SINK = "graphite: {path: 'x.{wiki}.{_metric}', metrics: {edits: n}}"
WIKIS = f"explode_by: {{wiki: 'enwiki, dewiki'}}, {SINK}"


def project(tmp_path: Path, port: int, reports: str = f"edits: {{{WIKIS}}}") -> Project:
    files = {"edits.sql": ONE, "views.sql": ONE}
    top = f"graphite: {{host: 127.0.0.1, port: {port}}}\n"
    return Project(tmp_path, f"{top}{SQLITE}reports: {{{reports}}}\n", files)


def reworded(one: Project, old: str, new: str) -> None:
    config = (one.folder / "config.yaml").read_text()
    assert old in config
    one.write("config.yaml", config.replace(old, new))


def status(one: Project, code: int = 0) -> dict[str, Any]:
    said = one.call("status", one.folder, one.output, "--now", NOW, "--json", code=code).stdout
    found: dict[str, Any] = json.loads(said)
    return found


def test_a_report_that_has_gone_is_moved_with_all_that_is_known_of_it(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port, f"edits: {{{WIKIS}}}, views: {{}}")
        one.run(now=NOW)
        said = one.call("forget", one.output, "--report", "edits", "--delete", code=2).stderr
        assert "config.yaml has the report edits (take it out of there first" in said
        reworded(one, f"edits: {{{WIKIS}}}, ", "")
        one.run(now=NOW)
        assert status(one)["other_reports"] == ["edits"]
        text = one.text("edits/enwiki")
        aside = tmp_path / "aside"
        line = ("forget", one.output, "--report", "edits", "--to", aside)
        dry = one.call(*line, "--dry-run").stdout
        assert dry.startswith("edits: 2 series to be forgotten\n")
        assert one.text("edits/enwiki") == text
        said = one.call(*line).stdout
        url = f"graphite://127.0.0.1:{graphite.port}"
        assert said == (
            "edits: 2 series forgotten\n  edits/dewiki.tsv\n  edits/enwiki.tsv\n"
            f"the sinks may still have:\n  {url} x.dewiki.edits\n  {url} x.enwiki.edits\n"
        )
        assert (aside / "edits" / "enwiki.tsv").read_text() == text
        assert list(one.tsvs()) == ["views.tsv"]
        assert one.state("SELECT tsv FROM series") == [("views.tsv",)]
        assert one.state("SELECT count(*) FROM attempts") == [(2,)]
        assert status(one)["other_reports"] == []
        assert "has no report 'edits'" in one.call(*line, code=2).stderr
        assert one.run(now=NOW) == ""


def test_a_wiki_that_has_gone_is_reported_until_it_is_forgotten(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        one.run(now=NOW)
        line = ("forget", one.output, "--report", "edits", "--only", "wiki=dewiki", "--delete")
        said = one.call(*line, code=2).stderr
        assert "config.yaml has the series edits/dewiki.tsv" in said
        reworded(one, "enwiki, dewiki", "enwiki")
        one.run(now=NOW)
        assert status(one)["reports"][0]["orphaned"] == ["edits/dewiki.tsv"]
        shown = one.call("status", one.folder, one.output, "--now", NOW).stdout
        assert "1 TSV of no series that the report has (edits/dewiki.tsv): `reportupdater" in shown
        assert "x.dewiki.edits" in one.call(*line).stdout
        assert list(one.tsvs()) == ["edits/enwiki.tsv"]
        assert status(one)["reports"][0]["orphaned"] == []
        assert "no series of edits has these values" in one.call(*line, code=2).stderr


def test_a_mistyped_destination_is_reported_until_it_is_forgotten(tmp_path: Path) -> None:
    wrong = free_port()
    with receiver(reads_all) as graphite:
        one = project(tmp_path, wrong)
        one.run(now=NOW, code=1)
        assert not any("no configuration names" in line for line in status(one, 1)["troubles"])
        reworded(one, str(wrong), str(graphite.port))
        one.run(now=NOW)
        url = f"graphite://127.0.0.1:{wrong}"
        (trouble,) = status(one, code=1)["troubles"]
        assert trouble == (
            f"4 datapoints of {url} pending, which no configuration names: `reportupdater forget"
            f" {one.output} --destination {url}` drops them"
        )
        line = ("forget", one.output, "--destination", url)
        assert one.call(*line, "--dry-run").stdout.endswith(
            "to be forgotten, 4 datapoints pending\n"
        )
        assert one.call(*line).stdout == f"{url}: forgotten, 4 datapoints pending\n"
        assert status(one)["troubles"] == []
        assert "knows no destination" in one.call(*line, code=2).stderr


@pytest.mark.parametrize("path", ["'x.{wiki}.{_metric}'", "'x.{wiki}.{kind}.{_metric}'"])
def test_a_metric_that_is_added_later_lacks_its_history_until_it_is_sent(
    tmp_path: Path, path: str
) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        one.write("edits.sql", "SELECT '{from_date}' AS date, 'k' AS kind, 1 AS n, 2 AS m")
        reworded(one, "'x.{wiki}.{_metric}'", path)
        one.run(now=NOW)
        reworded(one, "{edits: n}", "{edits: n, more: m}")
        said = one.run(now="2025-01-04")
        if "kind" in path:  # of which rows make the paths: a new one may be a new value
            assert said == ""
            return
        assert said.count("values of 2025-01-01 to 2025-01-02 (2 series) were not sent") == 1
        assert one.run(now="2025-01-04") != ""
        one.call("resend", one.folder, one.output)
        assert one.run(now="2025-01-04") == ""
        assert len({line for line in graphite.lines if ".more " in line}) == 6


def test_what_a_rerun_has_emptied_is_listed_until_it_is_forgotten(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        one.run(now=NOW)
        _emptied(one, graphite)
        assert [gone["start"] for gone in status(one)["reports"][0]["emptied"]] == [
            "2025-01-01"
        ] * 2
        shown = one.call("status", one.folder, one.output, "--now", NOW).stdout
        assert (
            "2 intervals, 2025-01-01 to 2025-01-01, of which the sinks still have values" in shown
        )
        said = one.call("forget", one.output, "--report", "edits", "--emptied").stdout
        assert said.startswith(
            "edits: 2 emptied intervals forgotten\n  edits/dewiki.tsv 2025-01-01\n"
        )
        assert "  graphite x.enwiki.edits 2025-01-01T00:00Z\n" in said
        assert status(one)["reports"][0]["emptied"] == []


def test_single_values_that_a_rerun_takes_away_are_listed(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        reworded(one, "'x.{wiki}.{_metric}'", "'x.{wiki}.{kind}.{_metric}'")
        reworded(one, "{edits: n}", "{edits: n, more: m}")
        query = "SELECT '{from_date}' AS date, 'a' AS kind, 1 AS n, 2 AS m"
        one.write("edits.sql", f"{query} UNION ALL SELECT '{{from_date}}', 'b', 3, 4")
        one.run(now=NOW)
        between = ("--since", "2025-01-01", "--until", "2025-01-02", "--only", "wiki=enwiki")
        for fewer, lost in [
            (query, ["b.edits", "b.more"]),  # a row less
            (query.replace("2 AS m", "NULL AS m"), ["a.more", "b.edits", "b.more"]),  # a cell less
            (f"{query} UNION ALL SELECT '{{from_date}}', 'b', 3, NULL", ["b.more"]),  # some again
        ]:
            one.write("edits.sql", fewer)
            one.call("rerun", one.folder, one.output, *between)
            one.run(now=NOW)
            (gone,) = status(one)["reports"][0]["emptied"]
            assert gone == {
                "tsv": "edits/enwiki.tsv",
                "start": "2025-01-01",
                "sink": "graphite",
                "points": len(lost),
            }
            line = ("forget", one.output, "--report", "edits", "--emptied", "--dry-run")
            said = one.call(*line).stdout.splitlines()
            assert said[3:] == [f"  graphite x.enwiki.{key} 2025-01-01T00:00Z" for key in lost]


def test_values_that_come_back_are_emptied_no_more(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        one.run(now=NOW)
        _emptied(one, graphite)
        one.write("edits.sql", ONE)
        one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", NOW)
        one.run(now=NOW)
        assert status(one)["reports"][0]["emptied"] == []


def _emptied(one: Project, graphite: Receiver) -> None:
    one.write("edits.sql", ONE + " WHERE 0")
    between = ("--since", "2025-01-01", "--until", "2025-01-02")
    one.call("rerun", one.folder, one.output, *between, "--allow-empty")
    sent = len(graphite.lines)
    one.run(now=NOW)
    assert len(graphite.lines) == sent


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--report", "edits"], "what shall become of the TSVs? (--to FOLDER, or --delete)"),
        (["--report", "../edits", "--delete"], "'../edits' is no name of a report"),
        (["--report", "edit", "--delete"], "has no report 'edit' (did you mean 'edits'?)"),
        (["--report", "edits", "--to", "OUTPUT/old"], "lies in the output folder"),
        (["--report", "edits", "--only", "wiky=a", "--delete"], "has no dimension 'wiky'"),
        (["--destination", "graphite://h:1", "--delete"], "are of a report, and not of a"),
    ],
)
def test_what_cannot_be_forgotten_is_said(tmp_path: Path, arguments: list[str], why: str) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port, f"edits: {{{WIKIS}}}, views: {{}}")
        one.run(now=NOW)
        reworded(one, f"edits: {{{WIKIS}}}, ", "")
        words = [word.replace("OUTPUT", str(one.output)) for word in arguments]
        before = one.tsvs()
        assert why in one.call("forget", one.output, *words, code=2).stderr.replace("\n", " ")
        assert one.tsvs() == before
