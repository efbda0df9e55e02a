"""Disks that are full, and things that stand where files should be."""

from __future__ import annotations

import re
import uuid
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from tests.faults import undisturbed
from tests.faults.failing import NEEDING_SPACE, Failing, Fault, calls, failing
from tests.faults.soak import cases
from tests.faults.tried import Tried, partly
from tests.faults.undisturbed import NOW, Whole, arrived, whole_of
from tests.helpers import ONE, SQLITE, Project
from tests.machine import room_on, small_disk
from tests.servers.carbon import Carbon

__all__ = ["failing"]

MOST_KILOBYTES = 400
CALLS_NEEDING_SPACE = 150
"""What a run needs, more or less."""

CONFIG = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}}\n"
OLD = "2025-01-20"
NO_SPACE = re.compile(
    r"No space left on device \(make room on that disk; the next run goes on from what is stored\)"
    r"|(database or disk is full|disk I/O error|unable to open database file)"
    r" \(look at the disk's space"
)


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    carbon: Carbon,
) -> Whole:
    node = f"disk_{uuid.uuid4().hex[:12]}"
    project = undisturbed.made(tmp_path_factory.mktemp("whole"), carbon, node)
    return whole_of(project, node, corrected=False)


@pytest.mark.parametrize("part", range(2))
def test_a_disk_without_space_costs_nothing_and_then_all_is_done(
    whole: Whole, carbon: Carbon, failing: Failing, tmp_path: Path, part: int
) -> None:
    tried = Tried("no space left on the output's disk")
    count = cases(8, 100)
    nodes = {}
    for at in range(part, count, 2):
        node = f"disk_{uuid.uuid4().hex[:12]}"
        project = undisturbed.made(tmp_path / node, carbon, node)
        project.output.mkdir()
        with tried.case(at), ExitStack() as stack:
            try:
                stack.enter_context(small_disk(project.output, 8_000))
            except PermissionError:
                # The calls that need space fail from one of them on.
                nth = 1 + at * CALLS_NEEDING_SPACE // count
                fault = Fault("ENOSPC", NEEDING_SPACE, nth=nth, on=True)
                through, room = failing.through(project.output, fault), None
            else:
                through, room = [], at * MOST_KILOBYTES // count
            tried.count("real_disks", room is not None)
            if at // 2 % 2:
                project.run(now=OLD)
            before = project.tsvs()
            with nullcontext() if room is None else room_on(project.output, room):
                with project.started(now=NOW, through=through) as run:
                    run.process.wait(60)
                    if run.process.returncode != 0:
                        assert NO_SPACE.search(run.ended(1)), run.said
                        tried.count("full")
                tried.found("wrong", at, partly(project, before, whole.tsvs))
            project.run(now=NOW)
            tried.compare(project, whole.tsvs, at)
            tried.computed_once(project, at)
            nodes[node] = at
        tried.count()
    for node, case in nodes.items():
        tried.compare_points(arrived(carbon, node, whole.points), whole.points, case)
    assert tried["full"] or tried["wrong"], "no disk was full"
    tried.settle()


KINDS = {"write": ("EIO", "ENOSPC", "half"), "read": ("EIO", "half"), "lock": ("ENOLCK",)}
"""What may happen at a call; at the others an I/O error."""


@pytest.mark.parametrize("before", [None, "2025-01-03"], ids=["a new output", "an old output"])
def test_each_call_on_a_file_may_fail_once(
    failing: Failing, tmp_path: Path, before: str | None
) -> None:
    tried = Tried("write errors and short writes")
    query = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, hex(zeroblob(1000)) AS n"

    def made(name: str) -> Project:
        project = Project(tmp_path / name, CONFIG, {"edits.sql": query})
        if before:
            project.run(now=before)
        return project

    whole = made("whole")
    log = tmp_path / "log"
    with whole.started(through=failing.through(whole.output, Fault(), log=log)) as run:
        run.ended(0)
    faults = [
        Fault(what, nth=nth)
        for nth, call in enumerate(calls(log, whole.output), 1)
        for what in KINDS.get(call.name, ("EIO",))
    ]
    assert len(faults) > 150
    for at in range(0, len(faults), len(faults) // cases(5, len(faults))):
        case = f"{faults[at].what} at call {faults[at].nth}"
        project = made(str(at))
        old = project.tsvs()
        with tried.case(case):
            with project.started(through=failing.through(project.output, faults[at])) as run:
                run.process.wait(60)
                if run.process.returncode != 0:
                    # That there cannot be an output folder is told as a mistake in the call.
                    told = run.ended(2 if "this cannot be the output folder" in run.said else 1)
                    assert str(project.output) in told
                    assert faults[at].what != "half", run.said
                    tried.count("told")
            tried.found("wrong", case, partly(project, old, whole.tsvs()))
            project.run()
            tried.compare(project, whole.tsvs(), case)
            tried.computed_once(project, case)
            aside = project.output.glob(".reportupdater/*.damaged-*")
            tried.found("wrong", case, aside)  # a good state
        tried.count()
    tried.settle()


def test_a_state_that_cannot_be_read_for_a_moment_is_not_set_aside(
    failing: Failing, tmp_path: Path
) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.run()
    for nth in range(1, 7):  # SQLite calls some of what it cannot read damaged
        fault = Fault("EIO", "read", "*/state.sqlite", nth)
        with project.started(through=failing.through(project.output, fault)) as run:
            run.process.wait(60)
            assert "set aside" not in run.said
        assert project.run() == ""
    # Not even if it cannot be read at all.
    fault = fault._replace(nth=1, on=True)
    with project.started(through=failing.through(project.output, fault)) as run:
        assert (
            "/.reportupdater/state.sqlite: the state cannot be opened: disk I/O error"
            in run.ended(1)
        )
    fault = fault._replace(nth=2)
    with project.started(through=failing.through(project.output, fault)) as run:
        assert "the state cannot be" in run.ended(1)
    assert list(project.output.glob(".reportupdater/*.damaged-*")) == []
    assert project.run() == ""


@pytest.mark.parametrize("what", ["ENOLCK", "EIO"])
def test_a_lock_that_the_file_system_refuses_is_told(
    failing: Failing, tmp_path: Path, what: str
) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    for path in (".state", "edits"):
        fault = Fault(what, "lock", f"*/locks/{path}")
        with project.started(through=failing.through(project.output, fault)) as run:
            said = run.ended(1)
        assert str(project.output) in said
        assert "that file system has no locks: use a local disk" in said or what == "EIO"
    assert project.run() == ""


def test_a_folder_in_the_place_of_a_tsv_stops_its_series_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.tsv("edits/a").mkdir(parents=True)
    said = project.run(code=1)
    assert "edits/a.tsv: not a regular file" in said
    assert len(project.dates("edits/b")) == 3


def test_a_file_in_the_place_of_the_states_folder_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE})
    project.output.mkdir()
    project.output.joinpath(".reportupdater").write_text("")
    said = project.run(code=1)
    assert f"{project.output / '.reportupdater'}: the state cannot be used" in said


def test_a_file_in_the_place_of_a_folder_of_tsvs_is_told(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'a, b'}}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": ONE})
    project.output.mkdir()
    project.output.joinpath("edits").write_text("mine")
    said = project.run(code=1)
    assert "edits" in said
    assert project.output.joinpath("edits").read_text() == "mine"
    assert len(project.dates("views")) == 3


def test_an_embedded_database_that_is_not_there_fails_its_reports_alone(tmp_path: Path) -> None:
    config = """
databases:
  gone: {engine: sqlite, path: gone.sqlite}
  text: {engine: sqlite, path: config.yaml}
  local: {engine: sqlite, path: data.sqlite}
defaults: {granularity: days, starts: 2025-01-01}
reports: {edits: {db: gone}, editors: {db: text}, views: {db: local}}
"""
    files = {"edits.sql": ONE, "editors.sql": ONE, "views.sql": ONE}
    project = Project(tmp_path, config, files)
    said = project.run(code=1)
    missing = project.folder / "gone.sqlite"
    assert f"cannot open the database file {missing}: No such file or directory" in said
    assert "check the database's `path`; it is relative to the project" in said
    assert "file is not a database" in said
    assert not missing.exists()
    assert list(project.tsvs()) == ["views.tsv"]
