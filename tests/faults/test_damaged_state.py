"""A state file that is deleted, cut off, overwritten or read-only: no wrong row is ever stored.

The state that is damaged holds all kinds of things on their way: results that are not in their TSV
yet, datapoints that are owed, and open marks.
"""

from __future__ import annotations

import copy
import os
import random
import re
import shutil
import signal
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.delivery.projects import Points, stored
from tests.faults.failing import Failing, Fault, failing
from tests.faults.soak import cases
from tests.faults.tried import Tried, partly
from tests.faults.undisturbed import arrived, renamed
from tests.helpers import SQLITE, Project
from tests.machine import obeying_modes
from tests.servers.carbon import Carbon

__all__ = ["failing"]

PAGE = 4096
NOW = "2025-03-10"
STATE = Path(".reportupdater", "state.sqlite")

CONFIG = """\
graphite: {{host: {host}, port: {port}, drain_timeout: 30}}
reports:
  edits:
    explode_by: {{wiki: [{wikis}]}}
    graphite: {{path: '{node}.{{wiki}}.{{_metric}}', metrics: {{n: n}}}}
  wide: {{}}
"""
WIKIS = 8
EDITS = "SELECT '{from_date}' AS date, {from_timestamp:.8} % 10000 AS n, '{wiki}' AS wiki"
# Results that take many pages: what is overwritten in them is no part of any index.
WIDE = """
WITH RECURSIVE lines (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM lines WHERE n < 60)
SELECT '{from_date}' AS date, n, printf('%0200d', n * {from_timestamp:.8}) AS text FROM lines
"""


class Before(NamedTuple):
    """A project whose run was killed, what an undisturbed one makes, and what it sends."""

    project: Project
    whole: dict[str, bytes]
    points: Points
    node: str


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, failing: Failing, carbon: Carbon) -> Before:
    node = f"state_{uuid.uuid4().hex[:12]}"
    wikis = ", ".join(f"w{number}" for number in range(WIKIS))
    config = SQLITE + CONFIG.format(host=carbon.host, port=carbon.port, wikis=wikis, node=node)
    files = {"edits.sql": EDITS, "wide.sql": WIDE}
    left_alone = Project(tmp_path_factory.mktemp("whole"), config, files)
    left_alone.run(now=NOW)
    project = Project(tmp_path_factory.mktemp("killed"), config, files)
    host = project.write("host.yaml", "graphite: {enabled: false}\n")
    project.run("--host-config", host, now="2025-01-20")
    project.write(".reruns/mark", "2025-01-05\n2025-01-15\n")
    # Killed when it would make the second TSV durable: all but one are in the journal.
    fault = Fault("kill", "rename", "*/.*.tsv.tmp", nth=2)
    through = failing.through(project.output, fault)
    with project.started(now=NOW, through=through) as run:
        run.process.wait(60)
        assert run.process.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(project.output / STATE)) as state:  # all of it into one file
        assert state.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    points = stored(left_alone, node, ("n",))
    return Before(project, left_alone.tsvs(), renamed(points, node, "NODE"), node)


def copied(before: Before, output: Path) -> Project:
    """The project with a copy of its output folder, to be damaged."""
    shutil.copytree(before.project.output, output)
    project = copy.copy(before.project)
    project.output = output
    return project


Damage = Callable[[Path, random.Random], str]
"""Damages a file; says how."""


def deleted(path: Path, _: random.Random) -> str:
    path.unlink()
    return "deleted"


def cut_off(path: Path, rng: random.Random) -> str:
    pages = rng.randrange(path.stat().st_size // PAGE)
    os.truncate(path, pages * PAGE)
    return f"cut off after {pages} pages"


def overwritten(path: Path, rng: random.Random) -> str:
    page = rng.randrange(path.stat().st_size // PAGE)
    what = rng.choice(("zeros", "ones", "noise", "another page"))
    with path.open("r+b") as file:
        file.seek(rng.randrange(path.stat().st_size // PAGE) * PAGE)
        other = file.read(PAGE)
        file.seek(page * PAGE)
        contents = {"zeros": bytes(PAGE), "ones": b"\xff" * PAGE, "noise": rng.randbytes(PAGE)}
        file.write(contents.get(what, other))
    return f"page {page} overwritten with {what}"


LEFT = "`rerun --accept-files` requests them"
"""A state that is new runs no rerun file of before it unasked."""
REFUSED = re.compile(r"/state\.sqlite: the state (cannot be used|cannot be opened|is damaged): \S")


@pytest.mark.parametrize("part", range(2))
def test_a_damaged_state_is_set_aside_or_refused_and_no_wrong_row_is_stored(
    before: Before, carbon: Carbon, tmp_path: Path, part: int
) -> None:
    tried = Tried("state file damaged")
    rng = random.Random(part)
    damages: tuple[Damage, ...] = (cut_off, overwritten, overwritten, overwritten)
    for at in range(part, cases(8, 200), 2):
        project = copied(before, tmp_path / str(at))
        old = project.tsvs()
        damage: Damage = deleted if at < 2 else rng.choice(damages)
        case = f"{at}: {damage(project.output / STATE, rng)}"
        with tried.case(case):
            with project.started(now=NOW) as run:
                run.process.wait(60)
                is_left = LEFT in run.said
                if run.process.returncode == 0:
                    said = run.ended(0)
                    assert not said or "state is damaged (" in said, said
                    tried.count("set_aside", "damaged (" in said)
                elif is_left:
                    run.ended(1)
                    tried.count("left")
                else:
                    assert REFUSED.search(run.ended(1)), run.said
                    tried.count("refused")
            tried.found("wrong", case, partly(project, old, before.whole))
            if run.process.returncode:
                if not is_left:
                    for path in project.output.glob(f"{STATE}*"):
                        path.unlink()
                project.call("rerun", project.folder, project.output, "--accept-files")
                project.run(now=NOW)
            # Which of the marks were answered may be lost with it, and the values are the same.
            tried.compare(project, before.whole, case)
        tried.count()
        shutil.rmtree(tmp_path / str(at))
    found = arrived(carbon, before.node, before.points)
    wrong = {key: value for key, value in found.items() if before.points.get(key) != value}
    tried.found("wrong", "datapoints", wrong.items())
    tried.settle()


READ_ONLY = {
    "the file": {STATE: 0o444},
    "its folder": {STATE.parent: 0o555},
    "both": {STATE: 0o444, STATE.parent: 0o555},
    "the lock of the state": {STATE.parent / "locks" / ".state": 0o444},
    "the lock of a report": {STATE.parent / "locks" / "edits": 0o444},
    "all of it": {Path(): 0o555, STATE: 0o444, STATE.parent: 0o555, Path("edits"): 0o555},
}


@pytest.mark.parametrize("what", READ_ONLY)
def test_a_state_that_is_read_only_is_refused_and_goes_on_when_it_is_not(
    before: Before, tmp_path: Path, what: str
) -> None:
    tried = Tried("state file read-only")
    project = copied(before, tmp_path / "copy")
    old = project.tsvs()
    modes = {project.output / path: mode for path, mode in READ_ONLY[what].items()}
    writable = {path: path.stat().st_mode & 0o777 for path in modes}
    for path, mode in modes.items():
        path.chmod(mode)
    try:
        with tried.case(what), project.started(now=NOW, through=obeying_modes()) as run:
            said = run.ended(1)
            assert f"{project.output}/.reportupdater/" in said
            assert re.search(r"Permission denied|readonly database|unable to open", said), said
            assert "must be able to write there)" in said or "look at the disk's space" in said
        tried.found("wrong", what, ["TSVs are written"] if project.tsvs() != old else [])
    finally:
        for path, mode in writable.items():
            path.chmod(mode)
    with tried.case(what):
        project.run(now=NOW)
        tried.compare(project, before.whole, what)
        tried.computed_once(project, what)
    tried.count()
    tried.settle()
