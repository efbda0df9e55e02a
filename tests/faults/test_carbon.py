"""A carbon that is down, hangs, is killed, resets or is slow, while values are computed again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.delivery.projects import (
    config,
    edits,
    forwarding,
    forwarding_a_part,
    owed,
    project,
    query,
    stored,
)
from tests.faults.soak import cases, record
from tests.helpers import Project, wait_until
from tests.servers.carbon import Carbon, running_carbon
from tests.servers.receivers import (
    Behaviour,
    Receiver,
    closes_at_once,
    never_reads,
    receiver,
)

pytestmark = pytest.mark.long

NODE = "m"
DAYS = 20
LINE = len("m.frwiki.edits 1000.25 1735689600\n")
TROUBLES = ["down", "hung", "killed", "reset", "deaf", "closing", "slow"]


@pytest.fixture
def own_carbon() -> Iterator[Carbon]:
    """A carbon that may be killed and stopped."""
    with running_carbon() as server:
        yield server


class Round:
    """Values that are computed again, once or twice, while a carbon is in trouble."""

    def __init__(self, carbon: Carbon, mine: Project, number: int) -> None:
        self.carbon = carbon
        self.rng = random.Random(number)
        self.runs = self.wrong_codes = 0
        self._mine = mine
        self._number = number

    @contextmanager
    def trouble(self, kind: str) -> Iterator[list[Behaviour]]:
        """What the first connections meet; after the block, all is well again."""
        carbon, rng = self.carbon, self.rng
        if kind == "down":
            carbon.stop()
            yield []
            carbon.start()
        elif kind in ("hung", "killed"):
            pid = int((carbon.folder / "carbon.pid").read_text())
            os.kill(pid, signal.SIGSTOP)
            yield []
            if kind == "killed":  # with what it was sent in the buffers of its system
                carbon.stop(kill=True)
                carbon.start()
            else:
                os.kill(pid, signal.SIGCONT)
        else:
            size = rng.randint(0, 2 * DAYS * LINE)
            met = {
                "reset": forwarding_a_part(carbon, size),
                "deaf": never_reads,
                "closing": closes_at_once,
                "slow": forwarding(carbon, rng.uniform(0.1, 1)),
            }
            yield [met[kind]] * rng.randint(1, 3)

    def computed_again(self) -> None:
        """A run that has other values for some days than there were before."""
        first = self.rng.randint(1, DAYS)
        last = self.rng.randint(first + 1, DAYS + 1)
        name = f"{self._number}-{self.runs}"
        self._mine.write(".reruns/" + name, f"2025-01-{first:02}\n2025-01-{last:02}\n")
        value = f"{self._number * 10 + self.runs} + 0.25 * ({{day}} % 2)"
        self._mine.write("edits.sql", query(value))
        self.run()

    def run(self) -> None:
        """Whether its exit code is right: 1 as long as anything is owed."""
        self.runs += 1
        with self._mine.started(now=f"2025-01-{DAYS + 1}") as run:
            code = run.process.wait(120)
            said = run.ended(code)
        self.wrong_codes += code != (1 if owed(self._mine) else 0)
        assert bool(code) == ("waiting: " in said)


def test_in_the_end_nothing_is_missing_and_the_newest_value_stands(
    own_carbon: Carbon, tmp_path: Path
) -> None:
    # Behind the same address all the time, since points are owed to an address.
    trouble: list[Behaviour] = []

    def relaying(server: Receiver, connection: socket.socket) -> None:
        met = trouble.pop() if trouble else forwarding(own_carbon)
        met(server, connection)

    missing = old = runs = wrong_codes = rounds = 0
    with receiver(relaying) as relay:
        mine = project(tmp_path, relay.port, NODE, value="0")
        mine.write("config.yaml", config(relay.port, edits(NODE), keys="drain_timeout: 0.5"))
        mine.run(now=f"2025-01-{DAYS + 1}")
        for number in range(1, cases(4, 100) + 1):
            this = Round(own_carbon, mine, number)
            with this.trouble(TROUBLES[number % len(TROUBLES)]) as met:
                trouble[:] = met
                for _ in range(this.rng.randint(1, 2)):
                    this.computed_again()
            trouble.clear()
            if this.rng.random() < 0.5:  # the next values come before the old ones have arrived
                this.computed_again()
            while owed(mine):
                this.run()
            expected = stored(mine, NODE)
            assert len(expected) == 2 * DAYS
            # It is not killed before it has written what it has read: nobody could know of that.
            with contextlib.suppress(AssertionError):
                wait_until(lambda: own_carbon.everything(NODE) == stored(mine, NODE), within=15)
            there = own_carbon.everything(NODE)
            missing += len(expected.keys() - there.keys())
            old += sum(value != expected[place] for place, value in there.items())
            runs, rounds = runs + this.runs, rounds + 1
            wrong_codes += this.wrong_codes
    assert (missing, old, wrong_codes) == (0, 0, 0)
    record(
        "carbon down, hung, killed, resetting or slow while values are computed again",
        cases=rounds,
        runs=runs,
        datapoints=rounds * 2 * DAYS,
        lost=missing,
        wrong=old + wrong_codes,
    )
