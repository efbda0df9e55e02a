"""What members of the output folder's group can make of a run of root's, or of one another's: nothing.

A run is stopped at a chosen system call, so that each race is won every time.
"""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.failing import Failing, Fault, calls, failing
from tests.helpers import ONE, SQLITE, Project, Started, written
from tests.machine import obeying_modes
from tests.servers.people import People

__all__ = ["failing"]

CONFIG = SQLITE + "reports: {e: {}, r: {explode_by: {wiki: [enwiki]}}}\n"
FILES = {"e.sql": ONE, "r.sql": ONE}
OLD = "date\tn\n2025-01-01\t1\n"


@pytest.fixture
def project(people: People) -> Iterator[Project]:
    """A project whose output folder belongs to the group, in a folder that all users can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        project = Project(Path(name), CONFIG, FILES)
        project.output.mkdir()
        os.chown(project.output, 0, people.number)
        project.output.chmod(0o2775)
        yield project


@pytest.fixture
def elsewhere(project: Project) -> Path:
    """A folder of root's into which no one else may look."""
    folder = project.folder.parent / "elsewhere"
    written(folder / "enwiki.tsv", "precious\n")
    written(folder / "locks" / "e", "precious\n")
    folder.chmod(0o700)
    return folder


def looks(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Owner, group, mode and content of a folder and all in it."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (about.st_uid, about.st_gid, about.st_mode, content)
    return found


def put_link(path: Path, target: Path) -> None:
    """Rename a folder, and put a link in its place."""
    path.rename(path.with_name("moved"))
    path.symlink_to(target)


def ended(run: Started) -> str:
    """Let a run that was stopped go on to its end, whatever that is; what it said."""
    run.signal(signal.SIGCONT)
    run.process.wait(60)
    return run.ended(run.process.returncode)


def runs_as(who: str, project: Project, people: People, *theirs: Path) -> list[str]:
    """What a run of root's, or of a member of the group, goes through; a member owns what is theirs."""
    if who == "root":
        return []
    for path in [project.folder, *project.folder.rglob("*")]:
        path.chmod(0o755)
    for path in [project.output, *theirs, *(below for one in theirs for below in one.rglob("*"))]:
        os.chown(path, people.one.number, people.number)
        path.chmod(path.stat().st_mode | stat.S_ISGID if path == project.output else 0o700)
    return people.one.through


@pytest.mark.parametrize("bits", [0o6777, 0o4755, 0o2755, 0o1644])
def test_privilege_bits_of_a_tsv_that_a_member_has_put_there_are_not_taken_over(
    people: People, project: Project, bits: int
) -> None:
    path = project.tsv("e")

    def put() -> None:
        path.write_text(OLD)
        path.chmod(bits)

    assert people.one.does(put)
    project.run()
    assert len(project.dates("e")) == 3
    assert stat.S_IMODE(path.stat().st_mode) == bits & 0o777


def test_privilege_bits_of_the_output_folder_are_not_taken_over(project: Project) -> None:
    project.output.chmod(0o7775)
    project.run()
    state = project.output / ".reportupdater"
    # The kernel hands on the set-group-ID bit, and nothing else.
    for folder in (state, state / "locks", project.output / "r"):
        assert folder.stat().st_mode & 0o7000 == stat.S_ISGID
    project.output.chmod(0o775)
    for path in [*state.iterdir(), *(state / "locks").iterdir(), *project.output.rglob("*.tsv")]:
        assert path.is_dir() or not path.stat().st_mode & 0o7000


@pytest.mark.parametrize("who", ["root", "a member"])
@pytest.mark.parametrize("name", [".reportupdater", ".reportupdater/locks", "r"])
def test_a_link_in_the_place_of_a_folder_that_was_just_made_is_not_followed(
    people: People, project: Project, elsewhere: Path, failing: Failing, who: str, name: str
) -> None:
    through = runs_as(who, project, people, elsewhere)
    before = looks(elsewhere)
    fault = Fault("stop after", "mkdir", f"*/{name}")
    path = project.output / name
    with project.started(through=[*through, *failing.through(project.output, fault)]) as run:
        assert run.stops(), run.said
        exchanged = people.other.does(lambda: put_link(path, elsewhere))
        said = ended(run)
    assert exchanged
    assert looks(elsewhere) == before
    assert f"{path}: " in said
    assert "a symbolic link inside the output folder is not followed" in said


def test_a_folder_that_a_member_may_not_write_to_is_reported_with_what_to_do(
    people: People, project: Project
) -> None:
    project.run(now="2025-01-03")
    (project.output / "r").chmod(0o755)
    with project.started(through=people.one.through, now="2025-01-04") as run:
        said = run.ended(1)
    path = project.output / "r" / ".enwiki.tsv.tmp"
    what = f"Permission denied ({people.one.name}, who runs this, must be able to write there)"
    assert f"r/enwiki.tsv cannot be written: {path}: {what}; what was computed is kept" in said


def test_a_tsv_that_may_not_be_read_is_reported_with_what_to_do(
    people: People, project: Project
) -> None:
    project.run(now="2025-01-03")
    os.chown(project.tsv("e"), people.one.number, people.number)
    project.tsv("e").chmod(0o600)
    with project.started(through=obeying_modes(), now="2025-01-04") as run:
        said = run.ended(1)
    what = "Permission denied (root, who runs this, must be able to read it)"
    assert f"{project.tsv('e')}: cannot be read: {what}" in said


def test_a_folder_of_ours_in_the_place_of_a_folder_that_was_just_made_keeps_its_mode(
    people: People, project: Project, failing: Failing
) -> None:
    secret = project.output / "secret"
    written(secret / "key", "precious\n")
    secret.chmod(0o700)
    path = project.output / ".reportupdater"

    def exchange() -> None:
        path.rename(path.with_name("moved"))
        secret.rename(path)

    fault = Fault("stop after", "mkdir", "*/.reportupdater")
    with project.started(through=failing.through(project.output, fault)) as run:
        assert run.stops(), run.said
        assert people.one.does(exchange)
        ended(run)
    assert stat.S_IMODE(path.stat().st_mode) & 0o777 == 0o700


@pytest.mark.parametrize("call", ["open", "read", "create", "write", "sync", "rename"])
def test_a_link_in_the_place_of_a_tsvs_folder_is_not_followed_at_any_step(
    people: People, project: Project, elsewhere: Path, failing: Failing, call: str
) -> None:
    project.write_tsv("r/enwiki", OLD)
    os.chown(project.output / "r", 0, people.number)
    (project.output / "r").chmod(0o2775)
    file = "*/r/enwiki.tsv" if call in ("open", "read") else "*/r/.enwiki.tsv.tmp"
    with project.started(through=failing.through(project.output, Fault("stop", call, file))) as run:
        assert run.stops(), run.said
        assert people.one.does(lambda: put_link(project.output / "r", elsewhere))
        ended(run)
    assert (elsewhere / "enwiki.tsv").read_text() == "precious\n"
    moved = project.output / "moved" / "enwiki.tsv"
    assert moved.read_text().startswith(OLD)


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_no_one_else_reads_the_temporary_file_of_a_tsv_that_only_its_owner_reads(
    people: People, project: Project, failing: Failing, call: str
) -> None:
    project.write_tsv("e", OLD).chmod(0o600)
    temporary = project.output / ".e.tsv.tmp"
    fault = Fault("stop after" if call == "create" else "stop", call, "*/.e.tsv.tmp")
    with project.started(through=failing.through(project.output, fault)) as run:
        assert run.stops(), run.said
        for person in (people.one, people.stranger):
            assert not person.does(temporary.read_bytes)
        run.signal(signal.SIGCONT)
        run.ended(0)
    assert stat.S_IMODE(project.tsv("e").stat().st_mode) == 0o600
    assert len(project.dates("e")) == 3


def test_a_new_tsv_can_be_read_by_others_only_under_its_own_name(
    people: People, project: Project, failing: Failing
) -> None:
    fault = Fault("stop", "write", "*/.e.tsv.tmp")
    with project.started(through=failing.through(project.output, fault)) as run:
        assert run.stops(), run.said
        temporary = project.output / ".e.tsv.tmp"
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
        run.signal(signal.SIGCONT)
        run.ended(0)
    assert people.stranger.does(project.tsv("e").read_bytes)


@pytest.mark.parametrize("name", ["e", ".state"])
@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
def test_what_a_member_has_put_in_the_place_of_a_lock_is_refused(
    people: People, project: Project, elsewhere: Path, name: str, kind: str
) -> None:
    project.run(now="2025-01-02")
    path = project.output / ".reportupdater" / "locks" / name

    def put() -> None:
        path.unlink()
        match kind:
            case "link":
                path.symlink_to(elsewhere / "locks" / "e")
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()

    assert people.one.does(put)
    if kind == "hard link":  # which the kernel lets a member make where it is set up to
        os.link(elsewhere / "locks" / "e", path)
    before = looks(elsewhere)
    said = project.run(code=1)
    assert f"{path}: the " in said
    assert "(something else stands there: move it away)" in said
    assert looks(elsewhere) == before


def test_what_has_the_place_of_one_reports_lock_stops_no_other_report(project: Project) -> None:
    project.run(now="2025-01-02")
    lock = project.output / ".reportupdater" / "locks" / "e"
    lock.unlink()
    lock.symlink_to("r")
    said = project.run(code=1, now="2025-01-03")
    assert f"wrong: e: {lock}: the lock cannot be taken: a symbolic link" in said
    assert project.dates("e") == ["2025-01-01"]
    assert len(project.dates("r/enwiki")) == 2


def steps(project: Project, failing: Failing, through: list[str]) -> list[int]:
    """The first call of each kind that a run makes on each of the state's files, by its number."""
    log = written(project.folder.parent / "log", "")
    log.chmod(0o666)
    through = [*through, *failing.through(project.output, Fault(), log=log)]
    with project.started(through=through, now="2025-01-02") as run:
        run.ended(0)
    _clear(project.output)
    first: dict[tuple[str, str], int] = {}
    for nth, call in enumerate(calls(log, project.output), 1):
        if call.path.startswith(".reportupdater"):
            first.setdefault((call.name, call.path), nth)
    return list(first.values())


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("who", ["root", "a member"])
def test_a_link_in_the_place_of_the_states_folder_is_not_followed_at_any_step(
    people: People, project: Project, elsewhere: Path, failing: Failing, who: str, part: int
) -> None:
    through = runs_as(who, project, people, elsewhere)
    numbers = steps(project, failing, through)
    assert len(numbers) > 20
    before = looks(elsewhere)
    path = project.output / ".reportupdater"
    for nth in numbers[part::4]:
        fault = Fault("stop", nth=nth)
        with project.started(
            through=[*through, *failing.through(project.output, fault)], now="2025-01-02"
        ) as run:
            assert run.stops(), run.said
            if path.is_dir():
                people.other.does(lambda: put_link(path, elsewhere))
            ended(run)
        assert looks(elsewhere) == before, f"at call {nth}"
        _clear(project.output)


def _clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
