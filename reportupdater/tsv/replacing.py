"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import grp
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import NamedTuple, TypeVar

from reportupdater.tsv import access
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder

log = logging.getLogger(__name__)


T = TypeVar("T")


_AT_ONCE = 8
"""Files that are made durable at once."""


_forbidden: set[str] = set()
"""The groups reported already as those to which this process may not give files."""


class Written(NamedTuple):
    """The new contents of a file: in a temporary file beside it, and not durable yet."""

    place: Place
    temporary: str


def publish(place: Place, texts: Iterable[str], *, mode: int, group: int) -> None:
    """Make `texts` the content of a file that every run writes anew, with this mode and group.

    It happens in one step, but a power failure may undo it. Raises OSError.
    """
    _rename(_write(place, texts, lambda descriptor: access.give(descriptor, group, mode)))


def write(place: Place, texts: Iterable[str], *, group: str | None = None) -> Written:
    """Write the new contents of a file, to be made durable later.

    A file that exists keeps who may do what with it, see `access`; a new one follows the umask.
    `group` is the name of a group that shall own it; one that this host lacks, or that the user may
    not give, is a warning. Raises TsvError, OSError.
    """
    number = _group_number(group) if group else None
    try:
        old = place.open()
    except FileNotFoundError:
        wanted = access.of_new_file(place.folder, _temporary(place))
    else:
        try:
            wanted = access.of(old)
        finally:
            os.close(old)

    def grant(descriptor: int) -> None:
        given = group and number is not None and _is_given(descriptor, group, number, place)
        access.grant(descriptor, wanted, str(place), has_group=bool(given))

    return _write(place, texts, grant)


def _temporary(place: Place) -> str:
    # The name is always the same, so that what a killed run left behind is removed by the next;
    # the writer of the file holds a lock on it.
    return f".{place.name}.tmp"


def _write(place: Place, texts: Iterable[str], grant: Callable[[int], None]) -> Written:
    folder, temporary = place.folder, _temporary(place)
    # Made anew, it has no mode or owner of before, and is no symbolic link. Until all is in it, it is
    # for no one else: what others may read is decided by the file whose place it takes.
    folder.remove(temporary)
    descriptor = folder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(texts)
            file.flush()
            grant(descriptor)
    except BaseException:
        with suppress(OSError):
            folder.remove(temporary)
        raise
    return Written(place, temporary)


def make_durable(files: Sequence[Written]) -> dict[Written, OSError]:
    """Put files in the place of the old ones, durably and each in one step; why some could not be.

    fsync of the temporary file, rename, fsync of the folder. Many are done at once: a disk makes
    several durable in the time of one.
    """
    failed = _each(_replace, files)
    done = [file for file in files if file not in failed]
    folders = {file: file.place.folder.identity() for file in done}
    to_sync = {folders[file]: file.place.folder for file in done}
    errors = _each(_sync_folder, list(to_sync.items()))
    wrong = {identity: error for (identity, _), error in errors.items()}
    return failed | {file: wrong[folders[file]] for file in done if folders[file] in wrong}


def _each(do: Callable[[T], None], things: Sequence[T]) -> dict[T, OSError]:
    """Do it with each, with some at once; those with which it failed, and why.

    Where no further threads can be had, this one does it all.
    """
    left = deque(things)
    failed: dict[T, OSError] = {}
    bugs: list[Exception] = []

    def work() -> None:
        with suppress(IndexError):
            while True:
                thing = left.popleft()
                try:
                    do(thing)
                except OSError as error:
                    failed[thing] = error
                except Exception as error:
                    bugs.append(error)

    threads: list[threading.Thread] = []
    try:
        with suppress(RuntimeError):
            for _ in range(min(_AT_ONCE, len(things)) - 1):
                thread = threading.Thread(target=work)
                thread.start()
                threads.append(thread)
        work()
    finally:
        left.clear()  # where this one is stopped, the others begin nothing more
        for thread in threads:
            thread.join()
    if bugs:
        raise bugs[0]
    return failed


def _replace(file: Written) -> None:
    _rename(file, durably=True)


def _rename(file: Written, *, durably: bool = False) -> None:
    folder, name = file.place
    try:
        if durably:
            descriptor = folder.open(file.temporary, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        folder.rename(file.temporary, name)
    except BaseException:
        with suppress(OSError):
            folder.remove(file.temporary)
        raise


def _sync_folder(folder: tuple[object, Folder]) -> None:
    folder[1].sync()


def _is_given(descriptor: int, group: str, number: int, place: Place) -> bool:
    """Give an open file to a group; whether that is allowed."""
    try:
        if os.fstat(descriptor).st_gid != number:
            os.fchown(descriptor, -1, number)
    except PermissionError:
        _warn_forbidden(group, place)
        return False
    return True


@cache
def _group_number(group: str) -> int | None:
    """Return a group's number; None, which is reported once, if this host has no such group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        log.warning(
            "this host has no group %r, which the key `group` names; TSVs that it should own keep"
            " theirs",
            group,
        )
        return None


def _warn_forbidden(group: str, place: Place) -> None:
    if group in _forbidden:  # hundreds of TSVs may belong to it
        return
    _forbidden.add(group)
    log.warning(
        "%s: not allowed to give the file to group %r; the runner's user must be a member of it"
        " (reported for one file only)",
        place,
        group,
    )
