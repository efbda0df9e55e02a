"""The state of an output folder: how it is made, opened, shared, and given up."""

from __future__ import annotations

import logging
import os
import pwd
import select
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reportupdater.errors import StateError
from reportupdater.state.connection import look
from reportupdater.state.database import State
from reportupdater.state.schema import VERSION
from tests.machine import Child, file_sizes_up_to, mode, ordinary_user, other_group, umask

COMMIT = """
import sys
from pathlib import Path
from reportupdater.state.database import State

with State(Path(sys.argv[1])) as state:
    for n in range(int(sys.argv[3])):
        with state.transaction() as connection:
            state.series_id(connection, f"{sys.argv[2]}/{n}.tsv", sys.argv[2])
    print("committed", flush=True)
    sys.stdin.readline()
"""


def series(state: State) -> list[tuple[int, str]]:
    with state.reading() as connection:
        return connection.execute("SELECT id, tsv FROM series ORDER BY id").fetchall()


def put(state: State, *tsvs: str) -> list[int]:
    with state.transaction() as connection:
        return [state.series_id(connection, tsv, "r") for tsv in tsvs]


def test_what_was_committed_is_there_when_the_state_is_opened_again(output: Path) -> None:
    with State(output) as state:
        numbers = put(state, "r/a.tsv", "r/b.tsv", "r/a.tsv")
    assert numbers[0] == numbers[2] != numbers[1]
    with State(output) as state:
        assert put(state, "r/b.tsv", "r/a.tsv") == [numbers[1], numbers[0]]


def test_a_commit_survives_the_machine(state: State) -> None:
    with state.reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_transaction_that_fails_leaves_nothing(state: State) -> None:
    def fail() -> None:
        with state.transaction() as connection:
            state.series_id(connection, "r/a.tsv", "r")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert series(state) == []
    [number] = put(state, "r/a.tsv")  # not the one that is gone
    assert series(state) == [(number, "r/a.tsv")]


def test_a_commit_survives_its_process(output: Path, child: Callable[..., Child]) -> None:
    process = child(COMMIT, output, "r", 3)
    assert process.stdout is not None
    assert process.stdout.readline() == "committed\n"
    process.kill()
    process.wait()
    with State(output) as state:
        assert [tsv for _, tsv in series(state)] == ["r/0.tsv", "r/1.tsv", "r/2.tsv"]


def test_several_processes_may_make_and_use_it_at_once(
    output: Path, child: Callable[..., Child]
) -> None:
    processes = [child(COMMIT, output, f"r{number}", 20) for number in range(4)]
    for process in processes:
        assert process.communicate("\n", timeout=60)[0] == "committed\n"
        assert process.returncode == 0
    with State(output) as state:
        assert len(series(state)) == 80


@pytest.mark.parametrize("above", [0o755, 0o777, 0o700, 0o770, 0o2775])
def test_state_takes_the_mode_of_the_output_folder_without_others_bits(
    output: Path, above: int
) -> None:
    output.chmod(above)
    with umask(0o077), State(output) as state:
        put(state, "r.tsv")
        for folder in (state.folder, Path(state.locks)):
            assert mode(folder) & 0o777 == above & 0o770
        kept = {path.name: mode(path) for path in state.folder.iterdir() if path.is_file()}
    assert kept == dict.fromkeys(
        ("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"), above & 0o660
    )
    assert mode(output / ".reportupdater" / "locks" / ".state") == above & 0o660


def test_state_takes_the_group_of_the_output_folder(output: Path) -> None:
    group = other_group().gr_gid
    os.chown(output, -1, group)
    with State(output) as state:
        put(state, "r.tsv")
        found = [state.folder, *state.folder.iterdir(), *Path(state.locks).iterdir()]
        assert "state.sqlite-wal" in {path.name for path in found}
        assert {path.stat().st_gid for path in found} == {group}


def test_a_mode_that_somebody_has_changed_stays(output: Path) -> None:
    with State(output) as state:
        state.folder.chmod(0o711)
        state.path.chmod(0o604)
    with State(output) as state:
        assert mode(state.folder) == 0o711
        assert mode(state.path) == 0o604


GARBAGE = {
    "text": b"This was a database once.\n" * 100,
    "a short text": b"x" * 600,
    "zeros": bytes(8192),
    "random bytes": bytes(range(1, 256)) * 40,
    "a header alone": b"SQLite format 3\x00" + bytes(range(84)),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
def test_a_file_that_is_no_state_is_set_aside_and_begun_anew(
    output: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder = output / ".reportupdater"
    folder.mkdir()
    folder.joinpath("state.sqlite").write_bytes(garbage)
    with State(output) as state:
        put(state, "r.tsv")
    [aside] = folder.glob("state.sqlite.damaged-*")
    assert aside.read_bytes() == garbage
    [(_, level, told)] = caplog.record_tuples
    assert level == logging.WARNING
    assert told.startswith(f"{folder / 'state.sqlite'}: the state is damaged (")
    assert f"it was moved aside as {aside.name}, and a new one was made." in told
    with State(output) as state:
        assert [tsv for _, tsv in series(state)] == ["r.tsv"]


def test_a_state_whose_schema_is_damaged_is_set_aside(
    output: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with State(output) as state:
        put(state, "r.tsv")
    with state.path.open("r+b") as file:
        file.seek(100)  # behind the file's header, which stays good
        file.write(b"\xff" * 3996)
    with State(output) as state:
        assert series(state) == []
    assert "the state is damaged" in caplog.text


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_state_that_was_cut_off_is_set_aside(
    output: Path, pages: int, caplog: pytest.LogCaptureFixture
) -> None:
    with State(output) as state:
        put(state, "r.tsv")
    path = output / ".reportupdater" / "state.sqlite"
    os.truncate(path, pages * 4096)
    with State(output) as state:
        assert series(state) == []
    assert "the state is damaged" in caplog.text
    assert len(list(path.parent.glob("state.sqlite.damaged-*"))) == 1


def test_an_empty_file_is_a_new_state(output: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = output / ".reportupdater"
    folder.mkdir()
    folder.joinpath("state.sqlite").touch()
    with State(output) as state:
        put(state, "r.tsv")
    assert caplog.text == ""


def test_a_state_that_was_deleted_is_begun_anew_whatever_is_left_beside_it(
    output: Path, child: Callable[..., Child]
) -> None:
    process = child(COMMIT, output, "r", 3)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    path = output / ".reportupdater" / "state.sqlite"
    assert path.with_name("state.sqlite-wal").stat().st_size > 0
    path.unlink()
    with State(output) as state:
        assert series(state) == []
        put(state, "new.tsv")
    with State(output) as state:
        assert [tsv for _, tsv in series(state)] == ["new.tsv"]


def test_the_state_of_a_newer_version_is_refused_and_stays(output: Path) -> None:
    with State(output) as state:
        path = state.path
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        State(output)
    assert str(caught.value) == (
        f"{path}: the state was written by a newer version of this program"
        " (use that version, or another output folder)"
    )
    assert path.read_bytes() == before


ELSE = "something else stands there: move it away"


def test_an_output_folder_that_is_somebody_elses_is_told_with_a_hint() -> None:
    with TemporaryDirectory() as name:
        output = Path(name)
        output.chmod(0o555)
        with ordinary_user():
            user = pwd.getpwuid(os.geteuid()).pw_name
            with pytest.raises(StateError) as caught:
                State(output)
    path = output / ".reportupdater"
    assert str(caught.value) == (
        f"{path}: the state cannot be used: Permission denied"
        f" ({user}, who runs this, must be able to write there)"
    )


def test_a_state_that_is_somebody_elses_is_told_with_a_hint() -> None:
    with ordinary_user(), TemporaryDirectory() as name:
        output = Path(name)
        with State(output) as state:
            state.path.chmod(0o400)
        with pytest.raises(StateError) as caught:
            State(output)
    told = f"{state.path}: the state cannot be used: Permission denied ("
    assert str(caught.value).startswith(told)


def test_a_file_in_the_place_of_the_state_folder_is_told(output: Path) -> None:
    path = output / ".reportupdater"
    path.touch()
    with pytest.raises(StateError) as caught:
        State(output)
    assert str(caught.value) == f"{path}: the state cannot be used: File exists ({ELSE})"


def test_a_folder_in_the_place_of_the_state_is_told(output: Path) -> None:
    path = output / ".reportupdater" / "state.sqlite"
    path.mkdir(parents=True)
    with pytest.raises(StateError) as caught:
        State(output)
    assert str(caught.value) == f"{path}: the state cannot be used: not a regular file ({ELSE})"


def test_a_full_disk_is_told_and_what_was_committed_stays(state: State) -> None:
    put(state, "r/before.tsv")
    size = state.path.with_name("state.sqlite-wal").stat().st_size
    with file_sizes_up_to(size), pytest.raises(StateError) as caught:
        put(state, "r/lost.tsv")
    told = str(caught.value)
    assert told.startswith(f"{state.path}: the state cannot be used: ")
    assert "look at the disk's space and the file's mode" in told
    put(state, "r/after.tsv")
    assert [tsv for _, tsv in series(state)] == ["r/before.tsv", "r/after.tsv"]


def test_damage_that_shows_later_is_told_with_what_to_do(output: Path) -> None:
    with State(output) as state:
        put(state, "r.tsv")
        with state.reading() as connection:
            [(page,)] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name='runs'")
    path = output / ".reportupdater" / "state.sqlite"
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with State(output) as state, pytest.raises(StateError) as caught:  # noqa: SIM117
        with state.reading() as connection:
            connection.execute("SELECT * FROM runs").fetchall()
    assert str(caught.value) == (
        f"{path}: the state cannot be used: database disk image is malformed"
        " (look at the disk's space and the file's mode; a file that is damaged may be moved away:"
        " the TSVs stay, and what they lack is computed again)"
    )


def test_nobody_else_can_be_alone_meanwhile(state: State, child: Callable[..., Child]) -> None:
    code = """
import sys
from pathlib import Path
from reportupdater.state.database import State

print("waits", flush=True)
with State(Path(sys.argv[1])):
    print("opened", flush=True)
"""
    with state.alone():
        process = child(code, state.output)
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        assert not select.select([process.stdout], [], [], 0.3)[0]
    assert process.communicate(timeout=60)[0] == "opened\n"


@pytest.mark.parametrize("bit", [0, stat.S_ISGID])
def test_the_state_has_the_set_group_id_bit_where_the_kernel_hands_it_on(
    output: Path, bit: int
) -> None:
    os.chown(output, -1, other_group().gr_gid)
    output.chmod(0o770 | bit)
    with State(output) as state:
        assert state.folder.stat().st_mode & stat.S_ISGID == bit
        assert Path(state.locks).stat().st_mode & stat.S_ISGID == bit


def test_a_database_of_another_program_is_set_aside(tmp_path: Path) -> None:
    with State(tmp_path):
        pass
    path = tmp_path / ".reportupdater" / "state.sqlite"
    path.unlink()
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE other (a)")
        foreign.execute("PRAGMA user_version = 1")
    with State(tmp_path) as state, state.reading() as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    assert len(list(path.parent.glob("state.sqlite.damaged-*"))) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_in_the_place_of_each_of_its_files(
    tmp_path: Path, suffix: str, make: Callable[[Path], None]
) -> None:
    # SQLite would wait for a pipe for ever, and no signal would end it.
    with State(tmp_path) as state:
        path = state.path
    place = path.with_name(f"{path.name}{suffix}")
    place.unlink(missing_ok=True)
    make(place)
    with pytest.raises(StateError) as opened:
        State(tmp_path)
    with pytest.raises(StateError) as read, look(tmp_path):
        pass
    for error in (opened.value, read.value):
        assert "not a regular file" in str(error)
        assert "move it away" in error.hint


def test_what_is_interrupted_as_its_transaction_begins_leaves_none_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with State(tmp_path) as state:
        begin = state._waited_for

        def interrupted(call: Callable[[], object]) -> None:
            begin(call)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(state, "_waited_for", interrupted)
            with pytest.raises(KeyboardInterrupt), state.transaction():
                pass
        with state.transaction() as connection:
            state.series_id(connection, "a.tsv", "a")
