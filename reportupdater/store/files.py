"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import errno
import grp
import logging
import os
import pwd
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from reportupdater.errors import TsvError, Where

log = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE = 8
"""Files that are made durable at once."""

_forbidden: set[str] = set()
"""The groups of which it has been told that this process may not give files to them."""


def inside(output: Path, relative: str) -> Path:
    """The path of a file in the output folder.

    Raises TsvError where the path or a symbolic link on the way could lead out of the folder, or
    where something else stands in the file's place.
    """
    parts = relative.split("/")
    if "\0" in relative or not {"", ".", ".."}.isdisjoint(parts):
        # No configuration makes such a one; the state, from which paths come too, may be tampered with.
        raise TsvError(
            f"{relative!r} is no path of a TSV inside the output folder", where=Where(str(output))
        )
    path = str(output)
    mode = None
    for part in parts:
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = None
            continue
        if stat.S_ISLNK(mode):
            raise TsvError(
                "a symbolic link inside the output folder is not followed",
                where=Where(path),
                hint="put the file or folder itself there",
            )
    if mode is not None and not stat.S_ISREG(mode):  # a pipe, say: reading it would never end
        raise TsvError("not a regular file", where=Where(path), hint="move it away")
    return Path(path)


def remedy(error: OSError) -> str:
    """What helps where a file of the output folder can be neither made nor written."""
    match error.errno:
        case errno.EEXIST | errno.EISDIR | errno.ENOTDIR:
            return "something else stands there: move it away"
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on that disk; the next run goes on from what is stored"
        case errno.EROFS:
            return (
                "is that disk mounted for reading only? a systemd unit must name the output folder"
                " in ReadWritePaths="
            )
        case errno.EACCES | errno.EPERM:
            return f"{_user()}, who runs this, must be able to write there"
        case errno.EIO:
            return "is that disk failing? the kernel's log (`dmesg`) tells"
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return "that file system has no locks: use a local disk"
        case _:
            return ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


class Written(NamedTuple):
    """What a file shall hold: it stands in a temporary file beside it, and is not durable yet."""

    path: Path
    temporary: Path


def replace(
    path: Path, texts: Iterable[str], *, group: str | None = None, mode: int | None = None
) -> None:
    """Make `texts` the content of a file, durably and in one step, see `write`. Raises OSError."""
    for error in settle([write(path, texts, group=group, mode=mode)]).values():
        raise error


def publish(path: Path, texts: Iterable[str], *, mode: int) -> None:
    """The same for what every run writes anew: in one step, but a power failure may undo it."""
    _rename(write(path, texts, mode=mode))


def write(
    path: Path, texts: Iterable[str], *, group: str | None = None, mode: int | None = None
) -> Written:
    """Write what a file shall hold once it is settled.

    A file that exists keeps its mode and group; a new one follows the umask, or has `mode`. `group`
    is the name of a group that shall own it; one that this host lacks, or that the user may not
    give, is a warning. Raises OSError.
    """
    make_folder(path.parent)
    # The name is always the same, so that what a killed run left behind is removed by the next;
    # whoever writes the file holds a lock on it. Made anew, it has no mode or owner of before,
    # and is no symbolic link.
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "x", encoding="utf-8", newline="") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            with suppress(FileNotFoundError):
                _take_over(file.fileno(), path)
            if group:
                _give_to(file.fileno(), group, path)
            file.writelines(texts)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return Written(path, temporary)


def settle(files: Sequence[Written]) -> dict[Written, OSError]:
    """Put files in the place of the old ones, durably and each in one step; why some could not be.

    fsync of the temporary file, rename, fsync of the folder. Many are done at once: a disk makes
    several durable in the time of one.
    """
    failed = _each(_replace, files)
    folders = dict.fromkeys(file.path.parent for file in files if file not in failed)
    for folder, error in _each(sync_folder, list(folders)).items():
        failed |= {file: error for file in files if file.path.parent == folder}
    return failed


def _each(do: Callable[[T], None], things: Sequence[T]) -> dict[T, OSError]:
    """Do it with each, with some at once; those with which it failed, and why."""

    def tried(thing: T) -> OSError | None:
        try:
            do(thing)
        except OSError as error:
            return error
        return None

    if len(things) < 2:
        ended = [tried(thing) for thing in things]
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            ended = list(pool.map(tried, things))
    return {thing: error for thing, error in zip(things, ended, strict=True) if error}


def _replace(file: Written) -> None:
    _rename(file, durably=True)


def _rename(file: Written, *, durably: bool = False) -> None:
    try:
        if durably:
            _sync(file.temporary, os.O_RDONLY)
        os.replace(file.temporary, file.path)
    except BaseException:
        with suppress(OSError):
            file.temporary.unlink()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, if they are not there; their names are durable. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        with suppress(PermissionError):  # one may write to a folder that one may not read
            sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_over(descriptor: int, path: Path) -> None:
    before = path.stat()
    with suppress(PermissionError):  # a group that this user is not in
        os.fchown(descriptor, -1, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o7777)


def _give_to(descriptor: int, group: str, path: Path) -> None:
    number = _group_number(group)
    if number is None or os.fstat(descriptor).st_gid == number:
        return
    try:
        os.fchown(descriptor, -1, number)
    except PermissionError:
        _tell_forbidden(group, path)


@cache
def _group_number(group: str) -> int | None:
    """A group's number; None, which is told once, if this host has no such group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        log.warning(
            "this host has no group %r, which the key `group` names; TSVs that it should own keep"
            " theirs",
            group,
        )
        return None


def _tell_forbidden(group: str, path: Path) -> None:
    if group in _forbidden:  # hundreds of TSVs may belong to it
        return
    _forbidden.add(group)
    log.warning(
        "%s: not allowed to give the file to group %r; the runner's user must be a member of it"
        " (told of one file only)",
        path,
        group,
    )
