"""The folder of the state and its files: made, opened and checked by descriptor."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from reportupdater.tsv import access
from reportupdater.tsv.folder import LINK, Folder

FOLDER = ".reportupdater"
NAME = "state.sqlite"
FAILED_STARTS = "failed-starts"
"""The folder of what is noted without the state, see `starts`."""
NOTIFIED = "notified"
"""The folder of what `on_failure` has been called for, see `notified`."""
# The output folder's mode without others' bits: for folders and for files.
_FOLDER_MODE = 0o770
FILE_MODE = 0o660
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def opened(folder: Folder, name: str) -> int:
    """Return a descriptor of a file of the state; a new one gets the mode and the group of its folder.

    The umask is ignored: all who may write to the folder may take its locks. Raises OSError; also
    where the file has a second name, since it may then be any file of this user's.
    """
    try:
        descriptor = folder.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        descriptor = folder.open(name, os.O_RDWR)
        if os.fstat(descriptor).st_nlink > 1:
            os.close(descriptor)
            what = "it has a second name elsewhere (a hard link)"
            raise OSError(errno.EMLINK, what, folder.of(name)) from None
        return descriptor
    above = folder.own_stat()
    access.give(descriptor, above.st_gid, above.st_mode & FILE_MODE)
    return descriptor


def home(output: Path) -> Folder | None:
    """Return the folder of an output folder's state; None if there is none. Raises OSError."""
    try:
        return Folder.at(output).folder(FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return None


def private(above: Folder, name: str, output: os.stat_result) -> Folder:
    """A folder of the state; a new one gets the output folder's group, and its mode without others' bits.

    The set-group-ID bit is the kernel's to give: a folder has it where the one above has it.
    """
    is_new = above.make(name, 0o700)
    try:
        folder = above.folder(name)
    except NotADirectoryError as error:
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), error.filename) from None
    if is_new:
        descriptor = folder.readable()
        try:
            found = os.fstat(descriptor)
            # Another folder of ours may have been put there: its files are not for the group.
            if found.st_uid == os.geteuid() and not folder.entries():
                mode = output.st_mode & _FOLDER_MODE
                access.give(descriptor, output.st_gid, mode | (found.st_mode & stat.S_ISGID))
        finally:
            os.close(descriptor)
    return folder


def check_regular(folder: Folder) -> None:
    """Raise OSError where a name of the state's files is that of something else.

    SQLite would wait for a pipe for ever, and no signal would end it.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        name = f"{NAME}{suffix}"
        with suppress(FileNotFoundError):
            mode = folder.stat(name).st_mode
            if stat.S_ISLNK(mode):
                raise OSError(errno.ELOOP, LINK, folder.of(name))
            if not stat.S_ISREG(mode):
                raise OSError(errno.EEXIST, "not a regular file", folder.of(name))


def uri(folder: Folder, output: str | os.PathLike[str], how: str) -> str:
    """Return what SQLite is given to open the state in a folder."""
    above = os.stat(output)
    if above.st_mode & _OTHERS_WRITE or above.st_uid not in (0, os.geteuid()):
        from reportupdater.state import literal  # others could exchange the folder meanwhile

        how += literal.parameter()
    return f"file:{folder.link}/{NAME}?{how}"


def has(folder: Folder, name: str) -> bool:
    """Return whether a folder has something of that name, as far as it can be seen."""
    try:
        folder.stat(name)
    except OSError:
        return False
    return True


def descriptors(file: os.stat_result) -> list[int]:
    """This process' descriptors of a file."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one with which the list was read
            one = os.fstat(int(name))
            if (one.st_dev, one.st_ino) == (file.st_dev, file.st_ino):
                found.append(int(name))
    return found
