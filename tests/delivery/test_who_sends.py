"""Who sends and who does not: terminals, options, host settings; and sending later."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.delivery.projects import (
    ON_A_TERMINAL,
    arrive,
    config,
    edits,
    owed,
    project,
    resend,
    stored,
)
from tests.helpers import Project, wait_until, written
from tests.servers.carbon import Carbon
from tests.servers.mariadb import free_port
from tests.servers.receivers import reads_all, receiver

FROM_A_TERMINAL = (
    "no datapoints are sent from a terminal unless --send is given;"
    " `reportupdater resend` sends them later"
)


def said(mine: Project, *arguments: str, through: Sequence[str] = ()) -> str:
    with mine.started(*arguments, through=through) as run:
        return run.ended(0)


def test_a_run_from_a_terminal_neither_sends_nor_queues_and_says_so_in_one_line(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    with receiver(reads_all) as server:
        mine = project(tmp_path, server.port, fresh_node)
        lines = said(mine, through=ON_A_TERMINAL).splitlines()
        assert [line.partition("WARNING ")[2] for line in lines] == [FROM_A_TERMINAL]
        assert server.connections == 0
    assert owed(mine) == 0
    # Later, from anywhere.
    mine.write("config.yaml", config(carbon.port, edits(fresh_node)))
    assert resend(mine) == ""
    arrive(carbon, fresh_node, stored(mine, fresh_node))


def test_a_run_from_a_terminal_sends_when_it_is_asked_to(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        mine = project(tmp_path, server.port, "m")
        assert said(mine, "--graphite", through=ON_A_TERMINAL) == ""
        assert len(server.lines) == 6


def test_host_settings_let_a_terminal_send(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        mine = project(tmp_path, server.port, "m")
        host = written(tmp_path / "host.yaml", "graphite: {enabled: true}\n")
        assert said(mine, "--host-config", str(host), through=ON_A_TERMINAL) == ""
        assert len(server.lines) == 6


@pytest.mark.parametrize("silenced", ["by an option", "by the host"])
def test_a_run_that_is_silenced_neither_sends_nor_queues(tmp_path: Path, silenced: str) -> None:
    host = written(tmp_path / "host.yaml", "graphite: {enabled: false}\n")
    arguments = ["--no-graphite"] if silenced == "by an option" else ["--host-config", str(host)]
    with receiver(reads_all) as server:
        mine = project(tmp_path, server.port, "m")
        assert mine.run(*arguments) == ""
        assert (server.connections, owed(mine)) == (0, 0)
        assert len(stored(mine, "m")) == 6
        # What it has not queued no later run sends, but `resend` does; a host that sends nothing on
        # purpose is not reminded of it.
        assert ("were not sent to graphite" in mine.run()) == (silenced == "by an option")
        assert server.connections == 0
        assert "6 datapoints made again" in resend(mine, "-l", "info")
        assert len(server.lines) == 6


def test_a_silenced_run_leaves_alone_what_is_owed(tmp_path: Path) -> None:
    mine = project(tmp_path, free_port(), "m", keys="drain_timeout: 0.2")
    mine.run(code=1)
    assert mine.run("--no-graphite") == ""
    assert owed(mine) == 6


def test_host_and_port_may_come_from_the_host(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        mine = project(tmp_path, free_port(), "m")
        settings = f"graphite: {{host: 127.0.0.1, port: {server.port}}}\n"
        host = written(tmp_path / "host.yaml", settings)
        assert mine.run("--host-config", host) == ""
        assert len(server.lines) == 6


def test_resend_sends_a_range_of_a_report(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        mine = project(tmp_path, server.port, "m")
        mine.run("--no-graphite", now="2025-01-10")
        resend(mine, "--report", "edits", "--since", "2025-01-03", "--until", "2025-01-05")
        assert sorted(server.lines) == [
            "m.enwiki.edits 3 1735862400",
            "m.enwiki.edits 4 1735948800",
            "m.frwiki.edits 3 1735862400",
            "m.frwiki.edits 4 1735948800",
        ]


def test_resend_sends_old_rows_under_a_new_path(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    mine = project(tmp_path, carbon.port, fresh_node)
    mine.run()
    mine.write("config.yaml", config(carbon.port, edits(f"{fresh_node}.renamed")))
    resend(mine)
    old, new = stored(mine, fresh_node), stored(mine, f"{fresh_node}.renamed")
    arrive(carbon, fresh_node, old | new)


def test_what_resend_could_not_send_is_owed(tmp_path: Path) -> None:
    mine = project(tmp_path, free_port(), "m", keys="drain_timeout: 0.2")
    mine.run("--no-graphite")
    assert "waiting: 6 datapoints" in resend(mine, code=1)
    assert owed(mine) == 6


def test_resend_sends_what_was_committed_and_is_not_in_its_tsv_yet(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"""#!/bin/sh
[ $1 = 2025-01-03 ] && echo $$ > '{pid}' && exec sleep 20
printf 'date\\twiki\\tedits\\n%s\\tenwiki\\t5\\n' $1
"""
    with receiver(reads_all) as server:
        reports = edits("m", "enwiki").replace("edits: {", "edits: {type: script, ", 1)
        mine = Project(tmp_path, config(server.port, reports), {"edits": script})
        with mine.started("--no-graphite") as run:
            wait_until(lambda: mine.committed() == 2 and pid.exists() and pid.read_text())
            run.kill()
        os.kill(int(pid.read_text()), signal.SIGKILL)  # which a run that is killed cannot do
        assert not mine.tsv("edits/enwiki").exists()
        resend(mine)
        assert server.lines == ["m.enwiki.edits 5 1735689600", "m.enwiki.edits 5 1735776000"]


def test_resend_makes_no_output_folder(tmp_path: Path) -> None:
    mine = project(tmp_path, free_port(), "m")
    assert "there is no such output folder" in resend(mine, code=2)
    assert not mine.output.exists()
