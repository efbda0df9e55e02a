"""Files that are replaced as a whole: what they keep, and what is left when that fails."""

from __future__ import annotations

import errno
import grp
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

import pytest

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv import files, replacing, rows
from reportupdater.tsv.folder import Folder
from tests.helpers import wait_until, written
from tests.machine import Child, file_sizes_up_to, mode, ordinary_user, other_group, replace, umask


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    replace(path, ["é\u2028\r", "\n", "x\n"])
    assert path.read_bytes() == "é\u2028\r\nx\n".encode()
    replace(path, [])
    assert path.read_bytes() == b""
    assert names(tmp_path) == ["r.tsv"]


def test_a_reader_keeps_the_file_that_it_has_opened(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    replace(path, ["old\n"])
    with path.open() as reader:
        replace(path, ["new\n"])
        assert reader.read() == "old\n"
    assert path.read_text() == "new\n"


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    replace(tmp_path / "a" / "b" / "r.tsv", ["x\n"])
    assert (tmp_path / "a" / "b" / "r.tsv").read_text() == "x\n"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_follows_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        replace(tmp_path / "r.tsv", ["x\n"])
    assert mode(tmp_path / "r.tsv") == 0o666 & ~mask


def test_a_file_keeps_its_mode_and_group(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.touch()
    group = other_group()
    os.chown(path, -1, group.gr_gid)
    path.chmod(0o604)
    with umask(0o077):
        replace(path, ["x\n"])
    assert mode(path) == 0o604
    assert path.stat().st_gid == group.gr_gid


def test_a_file_is_given_to_its_group(tmp_path: Path) -> None:
    group = other_group()
    replace(tmp_path / "r.tsv", ["x\n"], group=group.gr_name)
    assert (tmp_path / "r.tsv").stat().st_gid == group.gr_gid
    path = tmp_path / "old.tsv"
    path.touch(0o640)
    replace(path, ["x\n"], group=group.gr_name)
    assert path.stat().st_gid == group.gr_gid
    assert mode(path) == 0o640


def test_a_group_that_this_host_lacks_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replacing._group_number.cache_clear()
    path = tmp_path / "r.tsv"
    for text in ("x\n", "y\n"):
        replace(path, [text], group="no-such-group")
        assert path.read_text() == text
    assert caplog.record_tuples == [
        (
            "reportupdater.tsv.replacing",
            logging.WARNING,
            "this host has no group 'no-such-group', which the key `group` names; TSVs that it should own keep theirs",
        )
    ]


def test_a_group_that_the_user_is_not_in_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    replacing._forbidden.clear()
    own = {os.getegid(), *os.getgroups()}
    group = next(group.gr_name for group in grp.getgrall() if group.gr_gid not in own)
    with ordinary_user(), TemporaryDirectory() as folder:
        path = Path(folder, "r.tsv")
        for name in ("r.tsv", "s.tsv"):
            replace(path.with_name(name), ["x\n"], group=group)
            assert path.with_name(name).read_text() == "x\n"
    assert caplog.messages == [
        f"{path}: not allowed to give the file to group {group!r}; the runner's user must be a member of it (reported for one file only)"
    ]


def test_a_file_is_durable_before_it_gets_its_name_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r" / "a.tsv"
    did: list[str] = []

    def sync(descriptor: int, real: Callable[[int], None] = os.fsync) -> None:
        real(descriptor)
        what = Path(os.readlink(f"/proc/self/fd/{descriptor}")).relative_to(tmp_path)
        size = os.fstat(descriptor).st_size if what.suffix else ""
        did.append(f"sync {what} {size}".strip())

    def rename(
        old: bytes, new: bytes, *, real: Callable[..., None] = os.rename, **folders: int
    ) -> None:
        real(old, new, **folders)
        did.append(f"rename {old.decode()} {new.decode()}")

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    replace(path, ["x" * 70_000, "\n"])
    assert did == [
        "sync .",  # where the new folder is
        "sync r/.a.tsv.tmp 70001",
        "rename .a.tsv.tmp a.tsv",
        "sync r",
    ]


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    replace(tmp_path / "r" / "a.tsv", ["x\n"])
    assert os.listdir("/proc/self/fd") == before


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("old\n")
    with file_sizes_up_to(10_000), pytest.raises(OSError, match="File too large"):
        replace(path, ["x" * 7_000, "y" * 70_000])
    assert path.read_text() == "old\n"
    assert names(tmp_path) == ["r.tsv"]


def test_a_full_disk_leaves_no_new_file(tmp_path: Path) -> None:
    with file_sizes_up_to(10), pytest.raises(OSError, match="File too large"):
        replace(tmp_path / "r.tsv", ["x" * 20])  # seen only when it is flushed
    assert names(tmp_path) == []


def test_texts_that_cannot_be_made_leave_the_old_file(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "new\n"
        raise KeyboardInterrupt

    path = tmp_path / "r.tsv"
    path.write_text("old\n")
    with pytest.raises(KeyboardInterrupt):
        replace(path, broken())
    assert path.read_text() == "old\n"
    assert names(tmp_path) == ["r.tsv"]


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "r.tsv").mkdir()
    with pytest.raises(TsvError, match="not a regular file"):
        replace(tmp_path / "r.tsv", ["x\n"])
    assert names(tmp_path) == ["r.tsv"]


def test_a_file_in_the_place_of_the_folder_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(NotADirectoryError):
        replace(tmp_path / "a" / "r.tsv", ["x\n"])


def test_what_a_killed_writer_left_behind_is_overwritten(
    tmp_path: Path, child: Callable[..., Child]
) -> None:
    path = tmp_path / "r.tsv"
    path.write_text("old\n")
    path.chmod(0o600)
    code = """
import sys, time
from pathlib import Path
sys.path.append(sys.argv[2])
from tests.machine import replace

def texts():
    yield "x" * 100_000
    print("writing", flush=True)
    time.sleep(60)

replace(Path(sys.argv[1]), texts())
"""
    writer = child(code, path, Path(__file__).parents[2])
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    writer.kill()
    wait_until(lambda: writer.poll() is not None)
    assert path.read_text() == "old\n"
    left = [name for name in names(tmp_path) if name != "r.tsv"]
    assert left == [".r.tsv.tmp"]

    path.unlink()
    with umask(0o022):
        replace(path, ["new\n"])
    assert path.read_text() == "new\n"
    assert mode(path) == 0o644  # a new file: not the mode that the other one had
    assert names(tmp_path) == ["r.tsv"]


def test_a_symbolic_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    (tmp_path / ".r.tsv.tmp").symlink_to(elsewhere)
    replace(tmp_path / "r.tsv", ["x\n"])
    assert elsewhere.read_text() == "precious\n"
    assert not (tmp_path / "r.tsv").is_symlink()


def test_paths_inside_the_output_folder_are_joined(tmp_path: Path) -> None:
    assert files.place(Folder.at(tmp_path), "r/a/b.tsv") is None
    place = files.place(Folder.at(tmp_path), "r/a/b.tsv", make=True)
    assert str(place) == str(tmp_path / "r" / "a" / "b.tsv")
    assert str(files.place(Folder.at(tmp_path), "r/a/b.tsv")) == str(place)


@pytest.mark.parametrize("link", ["r", "r/a", "r/a/b.tsv"])
def test_a_symbolic_link_inside_the_output_folder_is_refused(tmp_path: Path, link: str) -> None:
    output = tmp_path / "output"
    (output / link).parent.mkdir(parents=True)
    (output / link).symlink_to(tmp_path / "elsewhere")  # which does not even exist
    with pytest.raises(TsvError) as caught:
        rows.read(files.place(Folder.at(output), "r/a/b.tsv"), Granularity.DAYS)
    assert str(caught.value) == (
        f"{output / link}: a symbolic link inside the output folder is not followed"
        " (put the file or folder itself there)"
    )


def test_the_output_folder_itself_may_be_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "output").symlink_to("real")
    written(tmp_path / "real" / "r.tsv", "date\n2015-01-01\n")
    place = files.place(Folder.at(tmp_path / "output"), "r.tsv")
    assert len(rows.read(place, Granularity.DAYS).rows) == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "make room on that disk; the next run goes on from what is stored"),
        (errno.EDQUOT, "make room on that disk; the next run goes on from what is stored"),
        (
            errno.EROFS,
            "is that disk mounted for reading only? a systemd unit must name the output folder in ReadWritePaths=",
        ),
        (errno.ENOTDIR, "something else stands there: move it away"),
        (errno.EIO, "is that disk failing? the kernel's log (`dmesg`) shows it"),
        (errno.ENOLCK, "that file system has no locks: use a local disk"),
        (errno.EFBIG, ""),
    ],
)
def test_what_helps_depends_on_what_is_wrong(code: int, remedy: str) -> None:
    assert files.remedy(OSError(code, os.strerror(code))) == remedy


def test_a_stop_while_files_are_made_durable_begins_no_further_ones() -> None:
    begun: list[int] = []
    stopped = threading.Event()

    class Stopped(BaseException):
        pass

    def settle(number: int) -> None:
        begun.append(number)
        if threading.current_thread() is threading.main_thread():
            stopped.set()
            raise Stopped
        stopped.wait(20)
        sleep(0.3)  # for the main thread to give up what is left

    with pytest.raises(Stopped):
        replacing._each(settle, range(64))
    assert len(begun) < 64
