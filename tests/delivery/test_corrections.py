"""What is known to be wrong is not sent, and what is not sent is not forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.helpers import Project
from tests.servers.mariadb import free_port
from tests.servers.receivers import Receiver, reads_all, receiver

CONFIG = """
databases: {{local: {{engine: sqlite, path: data.sqlite}}}}
graphite: {{host: 127.0.0.1, port: {port}, drain_timeout: 0.1}}
defaults: {{db: local, granularity: days, starts: 2025-01-01}}
reports:
  edits: {{graphite: {{path: "e.{{_metric}}", metrics: {{n: {column}}}}}}}
"""
QUERY = "SELECT '{{from_date}}' AS date, {value} AS n"
DAYS = ["1735689600", "1735776000", "1735862400"]
"""2025-01-01 to 2025-01-03."""


def project(folder: Path, port: int, value: str = "1", column: str = "n") -> Project:
    config = CONFIG.format(port=port, column=column)
    return Project(folder, config, {"edits.sql": QUERY.format(value=value)})


def corrected(
    one: Project, value: str, *arguments: str, code: int = 0, allow: Sequence[str] = ()
) -> str:
    """Have the second day computed again by a query that gives another value; what the run says."""
    one.write("edits.sql", QUERY.format(value=value))
    between = ("--since", "2025-01-02", "--until", "2025-01-03")
    one.call("rerun", one.folder, one.output, *between, *allow)
    return one.run(*arguments, code=code)


def pending(one: Project) -> list[tuple[Any, ...]]:
    return one.state("SELECT timestamp, value FROM outbox ORDER BY timestamp")


@contextmanager
def graphite(one: Project, column: str = "n") -> Iterator[Receiver]:
    """A receiver that the project sends to from now on."""
    with receiver(reads_all) as server:
        one.write("config.yaml", CONFIG.format(port=server.port, column=column))
        yield server


def test_a_correction_that_is_not_sent_takes_back_what_is_pending(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    one.run(code=1)  # there is no Graphite
    assert [value for _, value in pending(one)] == ["1", "1", "1"]
    corrected(one, "2", "--no-send")
    assert pending(one) == [(int(DAYS[0]), "1"), (int(DAYS[2]), "1")]


def test_a_correction_to_nothing_takes_back_what_is_pending(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    one.run(code=1)
    corrected(one, "1 AS n WHERE 0 --", code=1, allow=["--allow-empty"])
    assert pending(one) == [(int(DAYS[0]), "1"), (int(DAYS[2]), "1")]
    assert "2025-01-02\t\n" in one.text("edits")


def test_a_correction_takes_back_what_is_pending_for_a_receiver_of_before(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    one.run(code=1)
    with graphite(one) as server:
        corrected(one, "2")
        assert server.lines == [f"e.n 2 {DAYS[1]}"]
    assert pending(one) == [(int(DAYS[0]), "1"), (int(DAYS[2]), "1")]  # for the other receiver


def test_what_a_run_did_not_send_is_reported_until_it_is_sent_again(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    assert one.run("--no-send") == ""
    with graphite(one) as server:
        said = one.run(now="2025-01-05")
        assert (
            "WARNING "
            f"{one.folder / 'config.yaml'} into {one.output}: warning: edits: values of 2025-01-01"
            " to 2025-01-03 were not sent to graphite: `reportupdater resend` with `--report edits`"
            " sends them\n"
        ) in said
        shown = one.call("status", one.folder, one.output, "--now", "2025-01-05")
        assert "values of 2025-01-01 to 2025-01-03 were not sent to graphite" in shown.stdout
        shown = one.call("status", one.output, "--json", "--now", "2025-01-05")
        assert json.loads(shown.stdout)["reports"][0]["unsent"] == [
            {"sink": "graphite", "first": "2025-01-01", "last": "2025-01-03", "series": 1}
        ]
        one.call("resend", one.folder, one.output, "--since", "2025-01-02")
        assert "were not sent" in one.run(now="2025-01-05")  # one of them was not
        one.call("resend", one.folder, one.output, "--report", "edits")
        assert one.run(now="2025-01-05") == ""
        assert set(DAYS) <= {line.split()[2] for line in server.lines}


def test_what_a_wrong_column_withholds_is_reported_until_it_is_sent_again(tmp_path: Path) -> None:
    one = project(tmp_path, free_port(), column="wrong")
    with graphite(one, column="wrong") as server:
        assert "takes the column 'wrong', which the result does not have" in one.run(code=1)
        one.write("config.yaml", CONFIG.format(port=server.port, column="n"))
        assert "values of 2025-01-01 to 2025-01-03 were not sent to graphite" in one.run()
        one.call("resend", one.folder, one.output)
        assert one.run() == ""
        assert sorted(server.lines) == [f"e.n 1 {day}" for day in DAYS]


def test_what_has_left_the_configuration_is_not_reported(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    one.run("--no-send")
    with graphite(one) as server:
        others = CONFIG.format(port=server.port, column="n").replace(
            "edits: {", "views: {execute: edits, "
        )
        one.write("config.yaml", others + "  edits: {}\n")
        assert one.run() == ""
        shown = one.call("status", one.folder, one.output, "--now", "2025-01-04")
        assert "were not sent" not in shown.stdout


def test_an_interval_that_is_computed_again_and_sent_is_reported_no_more(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    one.run("--no-send", now="2025-01-02")
    with graphite(one):
        one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", "2025-01-02")
        assert one.run(now="2025-01-02") == ""


def test_a_host_that_sends_nothing_on_purpose_notes_nothing(tmp_path: Path) -> None:
    one = project(tmp_path, free_port())
    host = one.write("host.yaml", "graphite: {enabled: false}\n")
    assert one.run("--host-config", str(host)) == ""
    assert one.state("SELECT count(*) FROM unsent") == [(0,)]


def test_resend_sends_what_was_computed_last_though_its_tsv_cannot_be_written(
    tmp_path: Path,
) -> None:
    one = project(tmp_path, free_port())
    with graphite(one) as server:
        one.run()
        (one.output / ".edits.tsv.tmp").mkdir()  # in the way of the new file
        assert "edits.tsv cannot be written" in corrected(one, "2", code=1)
        assert "2025-01-02\t1\n" in one.text("edits")
        before = len(server.lines)
        one.call("resend", one.folder, one.output, code=1)
        assert sorted(server.lines[before:]) == [
            f"e.n 1 {DAYS[0]}",
            f"e.n 1 {DAYS[2]}",
            f"e.n 2 {DAYS[1]}",
        ]
