"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import grp
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from reportupdater.errors import TsvError, Where

log = logging.getLogger(__name__)


def inside(output: Path, relative: str) -> Path:
    """The path of a file in the output folder.

    Raises TsvError where the path or a symbolic link on the way could lead out of the folder, or
    where something else stands in the file's place.
    """
    path = output
    parts = relative.split("/")
    if "\0" in relative or not {"", ".", ".."}.isdisjoint(parts):
        # No configuration makes such a one; the state, from which paths come too, may be tampered with.
        raise TsvError(
            f"{relative!r} is no path of a TSV inside the output folder", where=Where(str(output))
        )
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise TsvError(
                "a symbolic link inside the output folder is not followed",
                where=Where(str(path)),
                hint="put the file or folder itself there",
            )
    if path.exists() and not path.is_file():  # a pipe, say, which would be waited for for ever
        raise TsvError("not a regular file", where=Where(str(path)), hint="move it away")
    return path


def replace(
    path: Path, texts: Iterable[str], *, group: str | None = None, mode: int | None = None
) -> None:
    """Make `texts` the content of a file, in one step, so that a reader sees the old or the new.

    Temporary file in the same folder, fsync, rename, fsync of the folder. A file that exists keeps
    its mode and group; a new one follows the umask, or has `mode`. `group` is the name of a group
    that shall own it; one that this host lacks, or that the user may not give, is a warning.
    Raises OSError.
    """
    _make_folder(path.parent)
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
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_over(descriptor: int, path: Path) -> None:
    stat = path.stat()
    with suppress(PermissionError):  # a group that this user is not in
        os.fchown(descriptor, -1, stat.st_gid)
    os.fchmod(descriptor, stat.st_mode & 0o7777)


def _give_to(descriptor: int, group: str, path: Path) -> None:
    number = _group_number(group)
    if number is None or os.fstat(descriptor).st_gid == number:
        return
    try:
        os.fchown(descriptor, -1, number)
    except PermissionError:
        log.warning("%s: not allowed to give the file to group %r", path, group)


@cache
def _group_number(group: str) -> int | None:
    """A group's number; None, which is told once, if this host has no such group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        log.warning("this host has no group %r; files that it should own keep theirs", group)
        return None
