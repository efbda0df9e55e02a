"""Folders that are opened once, and what is done in them by their descriptors.

A user who may write to an output folder may at any moment rename what lies in it, and put a link
in its place. So a folder below it is opened part by part, never through a link, and its files are
opened, made, renamed and removed relative to what is open, wherever its name leads by then.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

LINK = "a symbolic link inside the output folder is not followed"

_FOLDER = os.O_PATH | os.O_DIRECTORY


class Folder:
    """An open folder. Its descriptor is closed when nothing refers to it any more."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        """Its path when it was opened, for messages."""
        self._descriptor = descriptor

    def __del__(self, close=os.close) -> None:  # type: ignore[no-untyped-def] # even while Python ends
        close(self._descriptor)

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> Folder:
        """Open a folder that no one else can exchange, such as an output folder; it may be a link.

        Raises OSError.
        """
        return cls(os.fspath(path), os.open(path, _FOLDER))

    @property
    def link(self) -> str:
        """A path that leads here as long as this object is there, whatever becomes of the name."""
        return f"/proc/self/fd/{self._descriptor}"

    def of(self, name: str) -> str:
        """Return the path of a file, for messages."""
        return f"{self.path}/{name}"

    def folder(self, name: str) -> Folder:
        """Open a folder that lies in this one. Raises OSError, with ELOOP for a symbolic link."""
        try:
            flags = _FOLDER | os.O_NOFOLLOW
            return Folder(self.of(name), os.open(_name(name), flags, dir_fd=self._descriptor))
        except OSError as error:
            raise self._failed(name, error) from None

    def make(self, name: str, mode: int = 0o777) -> bool:
        """Make a folder in this one, durably; False if something has that name. Raises OSError."""
        try:
            os.mkdir(_name(name), mode, dir_fd=self._descriptor)
        except FileExistsError:
            return False
        except OSError as error:
            raise self._failed(name, error) from None
        with suppress(PermissionError):  # one may write to a folder that one may not read
            self.sync()
        return True

    def made(self, name: str) -> Folder:
        """Open a folder that lies in this one, and make it if it is missing. Raises OSError."""
        try:
            return self.folder(name)
        except FileNotFoundError:
            self.make(name)
        return self.folder(name)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Return a descriptor of a regular file in this folder.

        Raises OSError, with ELOOP for a symbolic link.
        """
        # What is no file must not be waited for: a pipe that no one writes to.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        try:
            descriptor = os.open(_name(name), flags, mode, dir_fd=self._descriptor)
        except OSError as error:
            raise self._failed(name, error) from None
        try:
            found = os.fstat(descriptor).st_mode
            if stat.S_ISDIR(found):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), self.of(name))
            if not stat.S_ISREG(found):
                raise OSError(errno.EEXIST, "not a regular file", self.of(name))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def stat(self, name: str) -> os.stat_result:
        """Return what has a name in this folder, a link itself. Raises OSError."""
        try:
            return os.stat(_name(name), dir_fd=self._descriptor, follow_symlinks=False)
        except OSError as error:
            raise self._failed(name, error) from None

    def own_stat(self) -> os.stat_result:
        """This folder itself. Raises OSError."""
        return os.fstat(self._descriptor)

    def identity(self) -> tuple[int, int]:
        """Return the identity of this folder. Raises OSError."""
        found = self.own_stat()
        return found.st_dev, found.st_ino

    def entries(self) -> list[tuple[str, bool]]:
        """Return all names in this folder, as UTF-8 spells them, and whether they are of folders.

        Raises OSError.
        """
        descriptor = self.readable()
        try:
            with os.scandir(descriptor) as found:
                return [(_text(one.name), one.is_dir(follow_symlinks=False)) for one in found]
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in one step; what had it is gone. Raises OSError."""
        here = self._descriptor
        try:
            os.rename(_name(old), _name(new), src_dir_fd=here, dst_dir_fd=here)
        except OSError as error:
            raise self._failed(new, error) from None

    def move(self, name: str, other: Folder, new: str) -> None:
        """Move a file into another folder of the same file system, in one step. Raises OSError."""
        os.rename(
            _name(name), _name(new), src_dir_fd=self._descriptor, dst_dir_fd=other._descriptor
        )

    def remove(self, name: str) -> None:
        """Remove a file, if it is there. Raises OSError."""
        try:
            os.unlink(_name(name), dir_fd=self._descriptor)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._failed(name, error) from None

    def sync(self) -> None:
        """Make the names in this folder durable. Raises OSError."""
        descriptor = self.readable()
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def readable(self) -> int:
        """Return a descriptor of this folder with which more can be done than finding names.

        Raises OSError.
        """
        try:
            return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._descriptor)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.path) from None

    def _failed(self, name: str, error: OSError) -> OSError:
        """Return an error with the whole path, and that of a link as such."""
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            with suppress(OSError):
                found = os.stat(_name(name), dir_fd=self._descriptor, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    return OSError(errno.ELOOP, LINK, self.of(name))
        return OSError(error.errno, error.strerror, self.of(name))


def _name(name: str) -> bytes:
    """Return a name as it is on the disk, in UTF-8 whatever the locale.

    Raises OSError where it is a path.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, "no name of a file", name)
    return name.encode("utf-8", "surrogateescape")


def _text(name: str) -> str:
    """Return a name that Python has decoded as the locale wants it, as UTF-8 spells it."""
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def make(path: str) -> Folder:
    """Open a folder outside of all output folders; make it, and those above it, if they are missing.

    Raises OSError.
    """
    try:
        return Folder.at(path)
    except FileNotFoundError:
        above, name = os.path.split(path.rstrip("/"))
        if not name or (not above and name in (".", "..")):
            raise
        if os.path.islink(path):  # one that leads nowhere
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
    folder = make(above or ".")
    return Folder.at(path) if name in (".", "..") else folder.made(name)
