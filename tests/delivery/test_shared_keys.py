"""Series that makes one series key: the later one is refused, so that none overwrites the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project
from tests.servers.receivers import Receiver, reads_all, receiver

NOW = "2025-01-03"


def project(tmp_path: Path, graphite: Receiver, reports: str) -> Project:
    top = f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n"
    files = {"edits.sql": ONE, "users.sql": ONE.replace("1 AS n", "2 AS n")}
    return Project(tmp_path, f"{top}{SQLITE}reports:\n{reports}", files)


def test_two_values_side_by_side_in_a_node_are_an_error_when_loaded(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(
            tmp_path,
            graphite,
            "  edits: {explode_by: {wiki: 'a, ab', editor: 'bc, c'},"
            " graphite: {path: 'x.{wiki}{editor}', metrics: {edits: n}}}\n",
        )
        said = one.run(now=NOW, code=1)
        assert (
            "edits editor=c wiki=ab and edits editor=bc wiki=a have one series key, 'x.abc'" in said
        )
        assert graphite.lines == []
        assert len(one.tsvs()) == 4  # what is wrong with datapoints withholds no rows
        assert "have one series key" in one.call("check", one.folder, code=1).stdout


@pytest.mark.parametrize("ends", ["", "ends: 2025-01-02, "])
def test_one_report_may_succeed_another(tmp_path: Path, ends: str) -> None:
    graphite_of = "graphite: {path: 'x.{_metric}', metrics: {edits: n}}"
    with receiver(reads_all) as graphite:
        one = project(
            tmp_path,
            graphite,
            f"  edits: {{{ends}{graphite_of}}}\n  users: {{starts: 2025-01-02, {graphite_of}}}\n",
        )
        said = one.run(now=NOW, code=0 if ends else 1)
        assert ("users and edits have one series key, 'x.edits'" in said) == (not ends)
        values = [line.split()[1] for line in graphite.lines]
        assert sorted(values) == (["1", "2"] if ends else ["1", "1"])


def test_what_only_rows_show_is_refused_when_it_is_committed(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(
            tmp_path,
            graphite,
            "  edits: {explode_by: {wiki: 'a, b'}, concurrency: 1,"
            " graphite: {path: 'x.{kind}', metrics: {edits: n}}}\n",
        )
        one.write("edits.sql", "SELECT '{from_date}' AS date, 'k' AS kind, '{wiki}' = 'b' AS n")
        said = one.run(now=NOW, code=1)
        first = "b" if "edits wiki=a and edits/b.tsv" in said else "a"
        later = "ab".replace(first, "")
        assert f"edits wiki={later} and edits/{first}.tsv have one series key, 'x.k'" in said
        assert "let the two paths differ" in said
        value = str(int(first == "b"))
        assert {line.split()[1] for line in graphite.lines} == {value}
        # It is known until it is resolved, and `resend` puts no value over that of another either.
        said = one.call("resend", one.folder, one.output, code=1).stderr
        assert "have one series key" in said
        assert {line.split()[1] for line in graphite.lines} == {value}
        shown = json.loads(one.call("status", one.output, one.folder, "--json", code=1).stdout)
        assert [lacking["series"] for lacking in shown["reports"][0]["unsent"]] == [1]
        config = (one.folder / "config.yaml").read_text().replace("x.{kind}", "x.{wiki}.{kind}")
        one.write("config.yaml", config)
        one.call("resend", one.folder, one.output)
        assert {line.split()[0] for line in graphite.lines} == {"x.k", "x.a.k", "x.b.k"}
        assert one.run(now=NOW) == ""


def test_a_report_that_was_renamed_takes_its_paths_with_it(tmp_path: Path) -> None:
    graphite_of = "graphite: {path: 'x.edits', metrics: {edits: n}}"
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite, f"  edits: {{{graphite_of}}}\n")
        one.run(now=NOW)
        config = (
            (one.folder / "config.yaml").read_text().replace("edits: {graphite", "users: {graphite")
        )
        one.write("config.yaml", config)
        one.run(now=NOW)
        assert [line.split()[1] for line in graphite.lines] == ["1", "1", "2", "2"]


def test_one_receiver_under_two_names_is_one(tmp_path: Path) -> None:
    graphite_of = "graphite: {path: 'x.edits', metrics: {edits: n}}"
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite, f"  edits: {{{graphite_of}}}\n")
        one.run(now=NOW)
        config = (one.folder / "config.yaml").read_text()
        one.write("config.yaml", config.replace("127.0.0.1", "LocalHost"))
        one.write("edits.sql", ONE.replace("1 AS n", "3 AS n"))
        one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", NOW)
        one.run(now=NOW)
        assert [line.split()[1] for line in graphite.lines] == ["1", "1", "3", "3"]
        assert one.state("SELECT DISTINCT destination FROM sent_metrics") == [
            (f"graphite://127.0.0.1:{graphite.port}",)
        ]
