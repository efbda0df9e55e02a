"""The files of an output folder: where they are, and what helps where one cannot be used."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import TsvError, Where
from reportupdater.spelling import normal
from reportupdater.tsv import access, names
from reportupdater.tsv.folder import Folder


class Place(NamedTuple):
    """A file of an output folder, there or not, in a folder that is open."""

    folder: Folder
    name: str

    def __str__(self) -> str:
        return self.folder.of(self.name)

    def found(self) -> os.stat_result | None:
        """Return the file as it is now; None if there is none.

        Raises TsvError where it is no file, OSError.
        """
        try:
            found = self.folder.stat(self.name)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):  # a pipe, say: reading it would never end
            raise _no_file(str(self), is_link=stat.S_ISLNK(found.st_mode))
        return found

    def open(self) -> int:
        """Return a descriptor to read the file from.

        Raises TsvError where it is no file, OSError.
        """
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
        """Return where a file is, or would be; None where there is no such folder and `make` is not set.

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
    """Return where a single file of an output folder is, see `Walk`."""
    return Walk(output).place(relative, make=make)


def opened(output: Path) -> Folder | None:
    """Return an output folder, of which its files are only to be read; None where there is none.

    Raises OSError.
    """
    try:
        return Folder.at(output)
    except FileNotFoundError:
        return None


def remedy(error: OSError) -> str:
    """Return what helps where a file of the output folder can be neither made nor written."""
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
    """Return what helps where a file of the output folder cannot be read."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{access.user()}, who runs this, must be able to read it"
    return remedy(error)
