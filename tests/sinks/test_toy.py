"""A new sink is one file and one line; several sinks work in one run, and none holds up another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks import registry
from tests.helpers import ENVIRONMENT, SQLITE, Project
from tests.servers.mariadb import free_port
from tests.servers.receivers import reads_all, receiver
from tests.sinks.toy import ToySettings, ToySink

REGISTERED = """
import sys
sys.path.append(sys.argv.pop(1))
from reportupdater.sinks import registry
registry.SINKS["toy"] = "tests.sinks.toy:Toy"
from reportupdater.cli import main
sys.exit(main())
"""
"""The command line, with one line more in the registry."""
LINES = [
    "edits/enwiki.tsv 1 1735689600",
    "edits/enwiki.tsv 2 1735776000",
    "edits/frwiki.tsv 1 1735689600",
    "edits/frwiki.tsv 2 1735776000",
]


def project(folder: Path, port: int) -> Project:
    config = (
        f"{SQLITE}graphite: {{host: 127.0.0.1, port: {port}, enabled: true, drain_timeout: 2}}\n"
        "toy: {file: lines}\n"
        "reports:\n"
        '  edits: {explode_by: {wiki: "enwiki, frwiki"}, toy: {column: n},'
        ' graphite: {path: "e.{wiki}.{_metric}", metrics: {n: n}}}\n'
    )
    query = "SELECT '{from_date}' AS date, CAST(substr('{from_date}', 9) AS INTEGER) AS n"
    return Project(folder, config, {"edits.sql": query})


def call(*words: str | Path, code: int = 0) -> str:
    """What a command line with the toy prints, on both streams."""
    command = [sys.executable, "-c", REGISTERED, Path(__file__).parents[2], *words]
    called = subprocess.run(
        command,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = called.stdout + called.stderr
    assert called.returncode == code, said
    return said


def test_a_new_sink_is_checked_tried_run_resent_and_listed(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, graphite.port)
        call("check", one.folder)
        assert "for toy://" in call("try", one.folder, "edits", "--only", "wiki=enwiki")
        call("run", "--now", "2025-01-03", one.folder, one.output)
        lines = one.folder / "lines"
        assert sorted(lines.read_text().splitlines()) == LINES
        assert len(graphite.lines) == 4
        call("resend", one.folder, one.output)
        assert len(lines.read_text().splitlines()) == len(graphite.lines) == 8
        assert "edits/enwiki.tsv" in call("metrics", one.folder, one.output)
        assert one.state("SELECT count(*) FROM outbox") == [(0,)]


def test_a_new_sink_that_can_be_read_back_is_verified_beside_another(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    call("run", "--now", "2025-01-03", one.folder, one.output, code=1)  # there is no Graphite
    lines = one.folder / "lines"
    lines.write_text("\n".join(LINES[1:]) + "\n")
    config = one.folder / "config.yaml"
    graphite, toy = "graphite: {host: 127.0.0.1", "other: {host: 127.0.0.1"
    config.write_text(config.read_text().replace(graphite, toy))
    words: list[str | Path] = ["verify", "--render-url", "http://127.0.0.1:1/render"]
    said = call(*words, one.folder, one.output, code=1)
    assert "wrong: edits/enwiki.tsv 2025-01-01: wanted 1, found nothing" in said
    assert "3 equal, 1 missing, 0 different, 0 extra" in said
    call(*words, "--resend", one.folder, one.output, code=1)
    assert sorted(lines.read_text().splitlines()) == LINES
    assert "4 equal, 0 missing" in call(*words, one.folder, one.output)


def test_a_sink_that_is_down_does_not_hold_up_another(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    said = call("run", "--now", "2025-01-03", one.folder, one.output, code=1)
    assert "waiting: 4 datapoints: Graphite at 127.0.0.1:" in said
    assert sorted((one.folder / "lines").read_text().splitlines()) == LINES
    ((destination, series),) = one.state(
        "SELECT destination, group_concat(DISTINCT series) FROM outbox GROUP BY 1"
    )
    assert destination.startswith("graphite://127.0.0.1:")
    assert series == "edits/enwiki.tsv,edits/frwiki.tsv"


def test_a_registered_sink_that_is_taken_out_is_an_unknown_key(tmp_path: Path) -> None:
    one = project(tmp_path, 2003)
    assert "unknown key 'toy'" in one.call("check", one.folder, code=1).stdout
    assert set(registry.SINKS) == {"graphite", "prometheus"}


def test_a_closed_client_sends_nothing(tmp_path: Path) -> None:
    sink = ToySink(ToySettings(file=tmp_path / "lines"))
    sink.close()
    with pytest.raises(ConnectionFailed):
        sink.send([Datapoint("a", "1", 0)])
