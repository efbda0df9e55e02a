"""kill -9 at any moment, and again: what comes out is what comes out of a run left alone.

On a MariaDB and a carbon. Whatever was killed, the next runs go on where it was.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from tests.faults import undisturbed
from tests.faults.failing import Failing, Fault, calls, failing
from tests.faults.soak import LONG, cases
from tests.faults.tried import Tried
from tests.faults.undisturbed import NOW, Whole, arrived, correct, whole_of
from tests.helpers import SQLITE, Project, on_mariadb
from tests.servers.carbon import Carbon
from tests.servers.mariadb import Mariadb

pytestmark = pytest.mark.long

__all__ = ["failing"]

PARTS = 4
"""A row of thousands of runs is several tests, so that they can be run side by side."""


class House:
    """Makes the project, of which each has datapoints of its own; remembers what should come of it."""

    def __init__(self, folder: Path, mariadb: Mariadb, carbon: Carbon) -> None:
        self.carbon = carbon
        self._folder = folder
        self._databases = on_mariadb(mariadb)
        began = time.monotonic()
        project, node = self.project()
        self.whole: Whole = whole_of(project, node, corrected=True)
        self.seconds = (time.monotonic() - began) / 2
        """That a run takes, more or less."""
        self._nodes: dict[str, object] = {}

    def project(self) -> tuple[Project, str]:
        """The project in a new folder, and the first node of its datapoints."""
        node = f"kill_{uuid.uuid4().hex[:12]}"
        return undisturbed.made(self._folder / node, self.carbon, node, self._databases), node

    def passings(self, failing: Failing, fault: Fault) -> int:
        """How often an undisturbed run passes where a fault may be."""
        project, node = self.project()
        log = self._folder / f"{node}.log"
        watched = failing.through(project.output, fault._replace(what=""), log=log)
        with project.started(now=NOW, through=watched) as run:
            run.ended(0)
        return len(calls(log, project.output))

    def note(self, tried: Tried, project: Project, node: str, case: object) -> None:
        """Look at a project that has come to its end; at its datapoints a little later."""
        tried.compare(project, self.whole.tsvs, case)
        tried.computed_once(project, case)
        self._nodes[node] = case

    def look_at_points(self, tried: Tried) -> None:
        """Look at the datapoints of all that was noted, now that carbon had time to write them."""
        for node, case in self._nodes.items():
            found = arrived(self.carbon, node, self.whole.points)
            tried.compare_points(found, self.whole.points, case)
            tried.count("datapoints", len(found))
        self._nodes.clear()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mariadb: Mariadb, carbon: Carbon) -> House:
    return House(tmp_path_factory.mktemp("whole"), mariadb, carbon)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_is_killed_at_random_moments_ends_with_the_same_bytes(
    house: House, part: int
) -> None:
    tried = Tried("kill -9 at random moments")
    rng = random.Random(part)
    kills = cases(8, 1000) // PARTS
    while tried["cases"] < kills:
        project, node = house.project()
        case = f"{part}/{tried['cases']}"
        with tried.case(case):
            tried.count(by=_killed(project, rng.uniform(0.2, house.seconds)))
            correct(project)
            most = house.seconds
            while tried["cases"] < kills and _killed(project, rng.uniform(0.2, most)):
                tried.count()
                most *= 1.2  # on a busy machine it would never come to an end
            project.run(now=NOW)
            house.note(tried, project, node, case)
        tried.count("runs")
    house.look_at_points(tried)
    tried.settle()


def _killed(project: Project, after: float) -> bool:
    """Start a run, and kill it after so many seconds; False if it had come to its end."""
    with project.started(now=NOW) as run:
        try:
            run.process.wait(after)
        except subprocess.TimeoutExpired:
            run.kill()
        if run.process.returncode == -signal.SIGKILL:
            return True
        run.ended(0)
        return False


LOG = "*/state.sqlite-wal"
TSV = "*/.*.tsv.tmp"
STEPS = {
    "before a commit": Fault("kill", "sync", LOG),
    "within a commit": Fault("tear", "write", LOG),
    "after a commit": Fault("kill after", "sync", LOG),
    "before the temporary file": Fault("kill", "create", TSV),
    "while a checkpoint is written": Fault("tear", "write", TSV),
    "between write and fsync": Fault("kill", "sync", TSV),
    "between fsync and rename": Fault("kill", "rename", TSV),
    "between rename and forgetting": Fault("kill after", "rename", TSV),
    "when a folder of TSVs is made": Fault("kill after", "mkdir", "*/edits"),
    "before a delivery": Fault("kill", "connect", "port"),
    "during a delivery": Fault("tear", "send", "port"),
    "at the end of a delivery": Fault("kill", "shutdown", "port"),
    "between delivery and acknowledgement": Fault("kill after", "receive", "port"),
    "while the state is made": Fault(
        "kill", "@(create|write|sync|truncate|unlink|ch*)", "*/state.sqlite*"
    ),
    "while the folders of the state are made": Fault("kill", "@(mkdir|ch*)", "*/.reportupdater*"),
    "while the state is put in order at the end": Fault("kill", "@(write|sync)", "*/state.sqlite"),
    "when the log of the state goes": Fault("kill", "unlink", "*/state.sqlite-*"),
    "while the status is written": Fault("tear", "@(write|sync|rename)", "*/.status.json.tmp"),
}


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_is_killed_at_a_step_ends_with_the_same_bytes(
    house: House, failing: Failing, part: int
) -> None:
    tried = Tried("kill -9 at each named step")
    for step in list(STEPS)[part::PARTS]:
        _try_step(tried, house, failing, step)
    house.look_at_points(tried)
    tried.settle()


def _try_step(tried: Tried, house: House, failing: Failing, step: str) -> None:
    fault = STEPS[step]._replace(port=house.carbon.port)
    rng = random.Random(step)
    passings = 1
    before = tried["kills"]
    for at in range(cases(1, 20)):
        project, node = house.project()
        case = f"{step}, {at}"
        with tried.case(case):
            # The first time it passes there, or any other; and every other project twice.
            for nth in (rng.randint(1, passings), 1)[: 1 + at % 2]:
                through = failing.through(project.output, fault._replace(nth=nth))
                with project.started(now=NOW, through=through) as run:
                    run.process.wait(60)
                    if run.process.returncode == -signal.SIGKILL:
                        tried.count("kills")
                    else:
                        run.ended(0)
                correct(project)
            project.run(now=NOW)
            house.note(tried, project, node, case)
        tried.count()
        if not at:
            assert tried["kills"] > before, f"no run passes {step!r}"
            passings = house.passings(failing, fault) if LONG else 1


SMALL = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}}\n"
QUERY = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, {from_timestamp:.8} AS n"


@pytest.mark.parametrize("part", range(2))
def test_a_run_can_be_killed_at_any_call_on_its_files(
    failing: Failing, tmp_path: Path, part: int
) -> None:
    tried = Tried("kill -9 before any call on a file")
    whole = Project(tmp_path / "whole", SMALL, {"edits.sql": QUERY})
    log = tmp_path / "log"
    with whole.started(through=failing.through(whole.output, Fault(), log=log)) as run:
        run.ended(0)
    count = len(calls(log, whole.output))
    assert count > 100
    chosen = range(1, count + 1)[part :: max(2, count // cases(6, count))]
    for nth in chosen:
        project = Project(tmp_path / str(nth), SMALL, {"edits.sql": QUERY})
        with tried.case(nth):
            through = failing.through(project.output, Fault("kill", nth=nth))
            with project.started(through=through) as run:
                run.process.wait(60)
                if run.process.returncode != -signal.SIGKILL:
                    run.ended(0)
            project.run()
            tried.compare(project, whole.tsvs(), nth)
            tried.computed_once(project, nth)
        tried.count()
    tried.settle()
