"""Receivers that are down, die, hang, reset or are slow: in the end nothing is missing."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.delivery.projects import (
    arrive,
    before,
    config,
    edits,
    forwarding,
    forwarding_a_part,
    owed,
    project,
    query,
    stored,
)
from tests.helpers import ONE, Project, patient, wait_until
from tests.servers.carbon import Carbon, running_carbon
from tests.servers.mariadb import free_port
from tests.servers.receivers import Behaviour, Receiver, never_reads, reads_all, receiver

pytestmark = pytest.mark.long

SOON = "drain_timeout: 0.5"
MARK = "2025-01-01\n2025-01-04\n"


@pytest.fixture
def own_carbon() -> Iterator[Carbon]:
    """A carbon that may be killed and stopped."""
    with running_carbon() as server:
        yield server


@contextmanager
def hung(carbon: Carbon) -> Iterator[None]:
    """A carbon that is alive and does nothing: its system takes connections and bytes."""
    pid = int((carbon.folder / "carbon.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have been killed
            os.kill(pid, signal.SIGCONT)


def test_what_a_carbon_that_was_down_is_owed_is_sent_by_the_next_run(
    own_carbon: Carbon, tmp_path: Path
) -> None:
    own_carbon.stop()
    mine = project(tmp_path, own_carbon.port, "m", keys=SOON)
    said = mine.run(code=1)
    assert "waiting: 6 datapoints" in said
    assert f"Graphite at 127.0.0.1:{own_carbon.port} refused the connection" in said
    assert "sent by the next run" in said
    assert owed(mine) == 6
    assert mine.state("SELECT exit_code FROM runs") == [(1,)]
    expected = stored(mine, "m")  # the TSVs are not kept waiting
    assert len(expected) == 6
    own_carbon.start()
    assert "nothing is due" in mine.run("-l", "info")
    arrive(own_carbon, "m", expected)
    assert owed(mine) == 0


def test_a_carbon_that_is_down_does_not_keep_queries_waiting(tmp_path: Path) -> None:
    mine = project(tmp_path, free_port(), "m", keys="drain_timeout: 0")
    began = time.monotonic()
    assert "waiting: 180 datapoints" in mine.run(now="2025-04-01", code=1)
    assert time.monotonic() - began < patient(5)


def test_a_carbon_that_is_killed_and_restarted_in_mid_run_gets_everything(
    own_carbon: Carbon, tmp_path: Path
) -> None:
    door = tmp_path / "door"
    script = f"""#!/bin/sh
[ $1 = 2025-01-05 ] && while [ ! -e '{door}' ]; do sleep 0.02; done
printf 'date\\twiki\\tedits\\n%s\\t%s\\t%s.5\\n' $1 $3 ${{1#2025-01-0}}
"""
    reports = edits("m", "enwiki").replace("edits: {", "edits: {type: script, ", 1)
    mine = Project(tmp_path, config(own_carbon.port, reports), {"edits": script})
    # It is killed with a batch half read; what it has read and not written would die with it.
    with mine.started("-l", "info", now="2025-01-08") as run:
        with hung(own_carbon):
            wait_until(lambda: mine.committed() >= 4)
            time.sleep(0.4)
            own_carbon.stop(kill=True)
        run.says("left before it had read the whole batch")
        run.says("refused the connection")
        own_carbon.start()
        door.touch()
        assert "7 done" in run.ended(0)
    expected = stored(mine, "m")
    assert len(expected) == 7
    arrive(own_carbon, "m", expected)


def test_a_carbon_that_hangs_is_owed_everything_until_it_goes_on(
    own_carbon: Carbon, tmp_path: Path
) -> None:
    mine = project(tmp_path, own_carbon.port, "m", keys=SOON)
    with hung(own_carbon):
        began = time.monotonic()
        assert "waiting: 6 datapoints" in mine.run(code=1)
        assert time.monotonic() - began < patient(8)  # it is given 5 s for one batch
    assert mine.run() == ""
    arrive(own_carbon, "m", stored(mine, "m"))


def test_a_rerun_while_a_hung_carbon_still_holds_the_old_values_wins(
    own_carbon: Carbon, tmp_path: Path
) -> None:
    mine = project(tmp_path, own_carbon.port, "m", value="1", keys=SOON)
    with hung(own_carbon):
        mine.run(code=1)
        mine.write("edits.sql", query("2"))
        mine.write(".reruns/mark", MARK)
        assert "waiting: 6 datapoints" in mine.run(code=1)
    mine.run()
    expected = stored(mine, "m")
    assert set(expected.values()) == {2.0}
    arrive(own_carbon, "m", expected)


def test_a_batch_that_is_reset_in_its_middle_is_sent_again(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    resets = [forwarding_a_part(carbon, size) for size in (0, 1000)]
    with receiver(before(carbon, *resets)) as relay:
        mine = project(tmp_path, relay.port, fresh_node)
        assert mine.run(now="2025-02-20") == ""
        assert relay.connections >= 3
        expected = stored(mine, fresh_node)
        assert len(expected) == 100
        arrive(carbon, fresh_node, expected)


def test_a_receiver_that_never_reads_and_then_comes_to_itself_gets_everything(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    with receiver(before(carbon, never_reads)) as relay:
        mine = project(tmp_path, relay.port, fresh_node, keys=SOON)
        said = mine.run(code=1)
        assert (
            f"waiting: 6 datapoints: graphite://127.0.0.1:{relay.port} has not taken them yet"
            in said
        )
        assert mine.run() == ""
        arrive(carbon, fresh_node, stored(mine, fresh_node))


def test_a_slow_receiver_is_waited_for(carbon: Carbon, fresh_node: str, tmp_path: Path) -> None:
    with receiver(before(carbon, *[forwarding(carbon, 0.1)] * 20)) as relay:
        mine = project(tmp_path, relay.port, fresh_node)
        assert mine.run(now="2026-01-01") == ""
        expected = stored(mine, fresh_node)
        assert len(expected) == 730
        arrive(carbon, fresh_node, expected)


class Late:
    """Before a carbon: the first connection's batch arrives late, after the second one's.

    It arrives before the second batch is acknowledged, so that its sender can still mend it.
    """

    def __init__(self, carbon: Carbon) -> None:
        self._forward = forwarding(carbon)
        self._second_is_read, self._first_is_read = threading.Event(), threading.Event()
        self.took_both = False

    def first(self, server: Receiver, connection: socket.socket) -> None:
        self._second_is_read.wait(20)
        try:
            self._forward(server, connection)
        finally:
            self._first_is_read.set()

    def second(self, server: Receiver, connection: socket.socket) -> None:
        self._forward(server, connection)
        self._second_is_read.set()
        self.took_both = self._first_is_read.wait(20)


@pytest.mark.parametrize("end", ["in peace", "killed"])
def test_an_old_batch_that_arrives_after_the_new_one_does_not_win(
    carbon: Carbon, fresh_node: str, tmp_path: Path, end: str
) -> None:
    late = Late(carbon)
    with receiver(before(carbon, late.first, late.second)) as relay:
        mine = project(tmp_path, relay.port, fresh_node, value="1", keys="drain_timeout: 2")
        with mine.started() as run:
            wait_until(lambda: relay.connections == 1)
            time.sleep(0.5)  # all of it is on its way
            if end == "killed":
                wait_until(lambda: mine.tsv("edits/frwiki").exists())
                run.kill()
            else:
                assert "waiting: 6 datapoints" in run.ended(1)
        mine.write("edits.sql", query("2"))
        mine.write(".reruns/mark", MARK)
        assert mine.run() == ""
        assert late.took_both
        expected = stored(mine, fresh_node)
        assert set(expected.values()) == {2.0}
        time.sleep(1.2)  # the old values might come last
        arrive(carbon, fresh_node, expected)


def test_a_rerun_sends_the_new_values(carbon: Carbon, fresh_node: str, tmp_path: Path) -> None:
    mine = project(tmp_path, carbon.port, fresh_node, value="1")
    mine.run()
    arrive(carbon, fresh_node, stored(mine, fresh_node))
    mine.write("edits.sql", query("2"))
    mine.write(".reruns/mark", "2025-01-02\n2025-01-03\n")
    mine.run()
    expected = stored(mine, fresh_node)
    assert sorted(expected.values()) == [1, 1, 1, 1, 2, 2]
    arrive(carbon, fresh_node, expected)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_asked_to_end_while_graphite_hangs_ends_soon_and_owes_what_it_owed(
    carbon: Carbon, fresh_node: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with receiver(before(carbon, never_reads)) as relay:
        mine = project(tmp_path, relay.port, fresh_node, keys="drain_timeout: 60")
        with mine.started() as run:
            wait_until(lambda: relay.connections and mine.tsv("edits/frwiki").exists())
            wait_until(lambda: mine.state("SELECT * FROM journal") == [])
            time.sleep(0.3)
            began = time.monotonic()
            run.signal(number)
            assert "waiting: 6 datapoints" in run.ended(code, within=patient(10))
        assert time.monotonic() - began < patient(10)
        assert owed(mine) == 6
        assert mine.run() == ""
        arrive(carbon, fresh_node, stored(mine, fresh_node))


def test_two_projects_of_one_output_folder_may_have_two_graphites(tmp_path: Path) -> None:
    def lines(node: str) -> list[str]:
        days = (1735689600, 1735776000, 1735862400)
        return [f"{node}.edits {number} {at}" for number, at in enumerate(days, 1)]

    def one(name: str, port: int) -> Project:
        graphite = f"{{path: '{name}.{{_metric}}', metrics: {{edits: edits}}}}"
        text = config(port, f"  {name}: {{graphite: {graphite}}}\n", keys=SOON)
        files = {f"{name}.sql": query().replace("'{wiki}' AS wiki, ", "")}
        return Project(tmp_path / name, text, files, output=tmp_path / "output")

    healthy: list[Behaviour] = []

    def sick_at_first(server: Receiver, connection: socket.socket) -> None:
        (reads_all if healthy else never_reads)(server, connection)

    with receiver(sick_at_first) as first, receiver(reads_all) as second:
        a, b = one("a", first.port), one("b", second.port)
        assert "waiting: 3 datapoints" in a.run(code=1)
        assert b.run() == ""
        assert (first.lines, second.lines) == ([], lines("b"))
        healthy.append(reads_all)
        assert a.run() == ""
        assert (first.lines, second.lines) == (lines("a"), lines("b"))
        assert owed(a) == 0


def test_points_are_kept_for_the_graphite_that_they_were_made_for(tmp_path: Path) -> None:
    port = free_port()
    mine = project(tmp_path, port, "m", keys=SOON)
    mine.run(code=1)
    with receiver(reads_all) as other:
        mine.write("config.yaml", config(other.port, edits("m")))
        mine.run()
        assert other.lines == []
    assert mine.state("SELECT DISTINCT destination FROM outbox") == [
        (f"graphite://127.0.0.1:{port}",)
    ]


def test_a_report_without_a_graphite_part_sends_nothing(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        mine = Project(tmp_path, config(server.port, "  views: {}\n"), {"views.sql": ONE})
        assert mine.run() == ""
        assert server.connections == 0
