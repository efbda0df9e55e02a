"""The machine around the store: other processes, full disks, modes and groups."""

from __future__ import annotations

import grp
import os
import resource
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def ordinary_user() -> Iterator[None]:
    """As somebody who may not do everything, where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def other_group() -> grp.struct_group:
    """A group to which this user may give files, and which is not its own where there is one."""
    own = {os.getegid(), *os.getgroups()}
    groups = [group for group in grp.getgrall() if os.geteuid() == 0 or group.gr_gid in own]
    return next((group for group in groups if group.gr_gid != os.getegid()), groups[0])
