"""The machine around the store: other processes, full disks, modes and groups."""

from __future__ import annotations

import codecs
import grp
import os
import resource
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reportupdater.tsv import files, replacing, rows
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder

Child = subprocess.Popen[str]


@contextmanager
def file_sizes_up_to(size: int) -> Iterator[None]:
    """As on a full disk: what makes a file longer fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A disk of that size on a folder. Raises PermissionError where this user may not mount any."""
    options = f"size={kilobytes}k,mode=755"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        raise PermissionError("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def room_on(disk: Path, kilobytes: int) -> Iterator[None]:
    """With no more than so much room on a disk."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    size = room.f_bavail * room.f_frsize - kilobytes * 1024
    assert size > 0
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """With another umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    """The permission bits of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def at(path: Path) -> Place | None:
    """A file as the store is given it."""
    return Place(Folder.at(path.parent), path.name) if path.parent.is_dir() else None


def replace(path: Path, texts: Iterable[str], *, group: str | None = None) -> None:
    """Make `texts` the content of a file, durably and in one step. Raises OSError."""
    above = next(folder for folder in path.parents if folder.exists())
    place = files.place(Folder.at(above), str(path.relative_to(above)), make=True)
    assert place is not None
    for error in replacing.make_durable([replacing.write(place, texts, group=group)]).values():
        raise error


def write(path: Path, content: rows.Content) -> None:
    """Make a TSV that holds this."""
    place = at(path)
    assert place is not None
    assert replacing.make_durable([rows.write(place, content)]) == {}


@contextmanager
def ordinary_user() -> Iterator[None]:
    """As somebody who may not do everything, where the tests run as root."""
    codecs.lookup("utf-8-sig")  # loaded when first used, from where this user may have no access
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def obeying_modes() -> list[str]:
    """What a command goes through so that modes count for it, also where root runs the tests."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={without}", f"--inh-caps={without}"]


def other_group() -> grp.struct_group:
    """A group to which this user may give files, and which is not its own where there is one."""
    own = {os.getegid(), *os.getgroups()}
    groups = [group for group in grp.getgrall() if os.geteuid() == 0 or group.gr_gid in own]
    return next((group for group in groups if group.gr_gid != os.getegid()), groups[0])
