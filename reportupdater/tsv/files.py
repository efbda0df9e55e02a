"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import errno
import grp
import logging
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from reportupdater.errors import TsvError, Where
from reportupdater.spelling import normal
from reportupdater.tsv import access, names
from reportupdater.tsv.folder import Folder

log = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE = 8
"""Files that are made durable at once."""

_forbidden: set[str] = set()
"""The groups reported already as those to which this process may not give files."""


class Place(NamedTuple):
    """A file of an output folder, there or not, in a folder that is open."""

    folder: Folder
    name: str

    def __str__(self) -> str:
        return self.folder.of(self.name)

    def found(self) -> os.stat_result | None:
        """The file as it is now; None if there is none. Raises TsvError where it is no file, OSError."""
        try:
            found = self.folder.stat(self.name)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):  # a pipe, say: reading it would never end
            raise _no_file(str(self), is_link=stat.S_ISLNK(found.st_mode))
        return found

    def open(self) -> int:
        """A descriptor to read the file from. Raises TsvError where it is no file, OSError."""
        try:
            return self.folder.open(self.name, os.O_RDONLY)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EEXIST, errno.EISDIR):
                raise _no_file(str(self), is_link=error.errno == errno.ELOOP) from None
            raise


def _no_file(path: str, *, is_link: bool) -> TsvError:
    if is_link:
        return TsvError(
            "a symbolic link inside the output folder is not followed",
            where=Where(path),
            hint="put the file or folder itself there",
        )
    return TsvError("not a regular file", where=Where(path), hint="move it away")


class Walk:
    """The way to files of an output folder, for as long as many are looked for in a row.

    The folder that was walked to last stays open: nearly all files of a report lie in one.
    """

    def __init__(self, output: Folder | None) -> None:
        """`output` is None for one that is not there, in which nothing is."""
        self._output = output
        self._above = ""
        self._last: Folder | None = output
        self._spellings: tuple[Folder, dict[str, list[str]]] | None = None
        """The names in a folder, by how they are spelled in NFC: read once, when one of them needs it."""

    def place(self, relative: str, *, make: bool = False) -> Place | None:
        """Where a file is, or would be; None where there is no such folder and `make` is not set.

        Raises TsvError where the path could lead out of the output folder, or a symbolic link is on
        it, OSError.
        """
        if not names.is_tsv(relative):
            output = self._output.path if self._output else ""
            raise TsvError(
                f"{relative!r} is no path of a TSV inside the output folder", where=Where(output)
            )
        *folders, name = normal(relative).split("/")
        above = "/".join(folders)
        if above != self._above or self._last is None:
            self._last = self._walked(folders, make=make)
            self._above = above
        if self._last is None:
            return None
        return Place(self._last, name if name.isascii() else self._spelled(self._last, name))

    def _spelled(self, folder: Folder, name: str) -> str:
        """The name as a file that is there spells it: an older one may have its accents in another form.

        Raises TsvError where two files are there, OSError.
        """
        if self._spellings is None or self._spellings[0] is not folder:
            spelled: dict[str, list[str]] = {}
            with suppress(PermissionError):  # one may write to a folder that one may not read
                for entry, _ in folder.entries():
                    spelled.setdefault(normal(entry), []).append(entry)
            self._spellings = folder, spelled
        found = sorted(self._spellings[1].get(name, ()))
        if len(found) > 1:
            which = " and ".join(map(ascii, found))
            raise TsvError(
                f"{which} are one name in two spellings of its accents (NFC and NFD)",
                where=Where(folder.of(name)),
                hint="put what is in both into one of them, and move the other away",
            )
        return found[0] if found else name

    def _walked(self, folders: Sequence[str], *, make: bool) -> Folder | None:
        folder = self._output
        for part in folders if folder else ():
            assert folder is not None
            name = part
            try:
                name = part if part.isascii() else self._spelled(folder, part)
                folder = folder.made(name) if make else folder.folder(name)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise _no_file(folder.of(name), is_link=True) from None
                raise
        return folder


def place(output: Folder | None, relative: str, *, make: bool = False) -> Place | None:
    """Where a single file of an output folder is, see `Walk`."""
    return Walk(output).place(relative, make=make)


def opened(output: Path) -> Folder | None:
    """An output folder, of which its files are only to be read; None where there is none. Raises OSError."""
    try:
        return Folder.at(output)
    except FileNotFoundError:
        return None


def remedy(error: OSError) -> str:
    """What helps where a file of the output folder can be neither made nor written."""
    match error.errno:
        case errno.EEXIST | errno.EISDIR | errno.ENOTDIR | errno.ELOOP | errno.EMLINK:
            return "something else stands there: move it away"
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on that disk; the next run goes on from what is stored"
        case errno.EROFS:
            return (
                "is that disk mounted for reading only? a systemd unit must name the output folder"
                " in ReadWritePaths="
            )
        case errno.EACCES | errno.EPERM:
            return f"{access.user()}, who runs this, must be able to write there"
        case errno.EMFILE:
            return (
                "a run holds a file open for each of its reports: raise the hard limit (`ulimit -Hn`, or"
                " LimitNOFILE= in a systemd unit), or split the project"
            )
        case errno.EIO:
            return "is that disk failing? the kernel's log (`dmesg`) shows it"
        case errno.ENOLCK | errno.EOPNOTSUPP:
            return "that file system has no locks: use a local disk"
        case _:
            return ""


def unreadable(error: OSError) -> str:
    """What helps where a file of the output folder cannot be read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{access.user()}, who runs this, must be able to read it"
    return remedy(error)


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
    """A group's number; None, which is reported once, if this host has no such group."""
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
