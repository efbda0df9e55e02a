"""Locks between real processes."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reportupdater.errors import StateError
from reportupdater.state.locks import Locks, Onlooker
from reportupdater.tsv.folder import Folder
from tests.machine import Child, file_sizes_up_to, mode, umask

NOW = datetime(2015, 1, 2, 3, 4, 5)

TAKE = """
import subprocess, sys
from datetime import datetime
from reportupdater.tsv.folder import Folder
from reportupdater.state.locks import Locks

with Locks(Folder.at(sys.argv[1])) as locks:
    print(locks.take("r", datetime(2015, 1, 1)), flush=True)
    if "script" in sys.argv:
        print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks(Folder.at(tmp_path))


def line(process: Child) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_one_process_at_a_time_holds_a_report(
    locks: Locks, tmp_path: Path, child: Callable[..., Child]
) -> None:
    other = child(TAKE, tmp_path)
    assert line(other) == "True\n"
    descriptors = os.listdir("/proc/self/fd")
    assert not locks.take("r", NOW)
    assert not locks.holds("r")
    assert os.listdir("/proc/self/fd") == descriptors
    assert locks.take("s", NOW)
    other.communicate("\n")
    assert locks.take("r", NOW)
    late = child(TAKE, tmp_path)
    assert line(late) == "False\n"
    locks.release("r")
    late.communicate("\n")
    assert line(child(TAKE, tmp_path)) == "True\n"
    locks.release("s")


def test_a_killed_process_holds_nothing(
    locks: Locks, tmp_path: Path, child: Callable[..., Child]
) -> None:
    other = child(TAKE, tmp_path)
    assert line(other) == "True\n"
    assert not locks.take("r", NOW)
    other.kill()
    other.wait()
    with locks:
        assert locks.take("r", NOW)


def test_a_script_that_outlives_its_run_does_not_hold_its_lock(
    locks: Locks, tmp_path: Path, child: Callable[..., Child]
) -> None:
    other = child(TAKE, tmp_path, "script")
    assert line(other) == "True\n"
    script = int(line(other))
    other.kill()
    other.wait()
    try:
        with locks:
            assert locks.take("r", NOW)
    finally:
        os.kill(script, signal.SIGKILL)


def test_a_lock_is_taken_once(tmp_path: Path) -> None:
    with Locks(Folder.at(tmp_path)) as locks:
        assert locks.take("r", NOW)
        assert locks.take("r", NOW)
        assert locks.holds("r")
        locks.release("r")
        assert not locks.holds("r")


def test_all_locks_go_at_the_end_and_their_files_stay(tmp_path: Path) -> None:
    with Locks(Folder.at(tmp_path)) as locks:
        assert locks.take("r", NOW)
        assert locks.take("s", NOW)
    with Locks(Folder.at(tmp_path)) as others:
        assert others.take("r", NOW)
        assert others.take("s", NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "s"]


def test_two_folders_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Locks(Folder.at(tmp_path / "a")) as one, Locks(Folder.at(tmp_path / "b")) as other:
        assert one.take("r", NOW)
        assert other.take("r", NOW)


def test_all_who_may_write_to_the_folder_may_take_its_locks(tmp_path: Path) -> None:
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(0o770)
    with umask(0o077), Locks(Folder.at(folder)) as locks:
        assert locks.take("r", NOW)
    assert mode(folder / "r") == 0o660


@pytest.mark.parametrize(
    ("held_for", "level"),
    [
        (timedelta(0), logging.INFO),
        (timedelta(hours=24), logging.INFO),
        (timedelta(hours=25), logging.WARNING),
    ],
)
def test_who_holds_a_report_is_told(
    locks: Locks,
    tmp_path: Path,
    child: Callable[..., Child],
    caplog: pytest.LogCaptureFixture,
    held_for: timedelta,
    level: int,
) -> None:
    caplog.set_level(logging.INFO)
    other = child(TAKE, tmp_path)
    line(other)
    assert not locks.take("r", NOW)
    told = locks.log_holder("r", datetime(2015, 1, 1) + held_for)
    assert told == f"is held by another run, process {other.pid}, since 2015-01-01T00:00:00Z"
    hint = f" (should it hang: `kill {other.pid}` ends it, and keeps what it has computed)"
    said = f"r: {told}; passed over{hint if level == logging.WARNING else ''}"
    assert caplog.record_tuples == [("reportupdater.state.locks", level, said)]


def test_a_lock_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    with Locks(Folder.at(tmp_path)) as locks, pytest.raises(StateError) as caught:
        locks.take("r", NOW)
    assert str(caught.value) == (
        f"{tmp_path / 'r'}: the lock cannot be taken: Is a directory"
        " (something else stands there: move it away)"
    )


def test_a_lock_can_be_taken_on_a_full_disk(tmp_path: Path) -> None:
    with Locks(Folder.at(tmp_path)) as locks:
        with file_sizes_up_to(0):
            assert locks.take("r", NOW)
        assert locks.holds("r")
    assert (tmp_path / "r").read_text() == ""


@pytest.mark.parametrize(
    "content",
    [
        *("", "12", "12 yesterday\n", None),
        "`kill 1` 2015-01-01T00:00:00\n",
        "12 2015-01-01T00:00:00+01:00\n",
        "-1 2015-01-01T00:00:00\n",
        "0 2015-01-01T00:00:00\n",
        f"{2**40} 2015-01-01T00:00:00\n",
        "١٢ 2015-01-01T00:00:00\n",
    ],
)
def test_a_holder_that_has_not_said_who_it_is_is_another_run(
    locks: Locks, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "r").write_text(content)
    assert locks.log_holder("r", NOW) == "is held by another run"


def test_a_lock_tells_its_newest_holder_only(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("123456789 2015-01-01T00:00:00.000000 and much more\n")
    with Locks(Folder.at(tmp_path)) as locks:
        locks.take("r", NOW)
        told = (tmp_path / "r").read_text()
        assert told.endswith(" 2015-01-02T03:04:05\n")
        assert told.count("\n") == 1
        assert len(told.split()) == 2


def test_an_onlooker_sees_who_holds_a_lock_and_takes_none(
    tmp_path: Path, child: Callable[..., Child]
) -> None:
    watching = Onlooker(Folder.at(tmp_path))
    assert watching.take_all(["r"], NOW)
    assert not (tmp_path / "r").exists()
    with child(TAKE, tmp_path) as process:
        assert line(process).strip() == "True"
        assert not watching.take_all(["r"], NOW)
        assert f"is held by another run, process {process.pid}, " in watching.log_holder("r", NOW)
        assert watching.held == {"r": watching.log_holder("r", NOW)}
        assert watching.take_all(["other"], NOW)
        process.kill()
    assert watching.take_all(["r"], NOW)  # whose file is still there
    with Locks(Folder.at(tmp_path)) as locks:
        assert locks.take("r", NOW)


def test_what_an_onlooker_may_not_read_it_takes_for_free(tmp_path: Path) -> None:
    assert Onlooker(None).take_all(["r"], NOW) == {"r"}


def test_those_that_are_held_for_a_moment_are_waited_for_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Locks, "patience", 60.0)
    folder = Folder.at(tmp_path)
    with Locks(folder) as others, Locks(folder) as locks:
        assert others.take_all(["a", "b"], NOW) == {"a", "b"}
        timers = [threading.Timer(0.2, others.release, [name]) for name in ("a", "b")]
        for timer in timers:
            timer.start()
        assert locks.take_all(["a", "b", "c"], NOW) == {"a", "b", "c"}


def test_one_that_is_held_for_longer_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Locks, "patience", 0.1)
    folder = Folder.at(tmp_path)
    with Locks(folder) as others, Locks(folder) as locks:
        assert others.take("a", NOW)
        assert locks.take_all(["a", "b"], NOW) == {"b"}


def test_two_onlookers_do_not_see_each_other(tmp_path: Path) -> None:
    folder = Folder.at(tmp_path)
    (tmp_path / "r").touch()
    with open(tmp_path / "r") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert Onlooker(folder).take_all(["r"], NOW)
