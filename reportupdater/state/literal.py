"""A way for SQLite to take a path as it is given.

SQLite knows files by their paths alone: it opens the database at once, what lies beside it later, and
before that it replaces each symbolic link in the path by where it leads, also that of an open folder in
`/proc/self/fd`. A user who may rename that folder could lead it elsewhere in between. This is SQLite's
own file system, but for that one function.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

_NAME = b"reportupdater"
_OK, _CANNOT_OPEN = 0, 14
_FULL_PATH = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
)


class _Vfs(ctypes.Structure):
    """How `struct sqlite3_vfs` begins; what follows is copied with it."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", ctypes.c_void_p),
        ("delete", ctypes.c_void_p),
        ("access", ctypes.c_void_p),
        ("full_path", ctypes.c_void_p),
        ("rest", ctypes.c_void_p * 12),
    )


def _as_it_is(vfs: int, path: bytes, size: int, out: int) -> int:
    if len(path) >= size:
        return _CANNOT_OPEN
    ctypes.memmove(out, path + b"\0", len(path) + 1)
    return _OK


_kept: list[Any] = [_FULL_PATH(_as_it_is)]
"""What SQLite has the addresses of."""


@cache
def parameter() -> str:
    """Return what a URI of SQLite is given to have its path taken so.

    "" where this Python hides its SQLite.
    """
    library = _library()
    if library is None:
        return ""
    find: Callable[[bytes | None], int | None] = library.sqlite3_vfs_find
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    usual = find(None)
    if not usual:
        return ""
    vfs = _Vfs.from_buffer_copy(ctypes.string_at(usual, ctypes.sizeof(_Vfs)))
    vfs.next = None
    vfs.name = _NAME
    vfs.full_path = ctypes.cast(_kept[0], ctypes.c_void_p).value
    _kept.append(vfs)
    if library.sqlite3_vfs_register(ctypes.byref(vfs), 0) != _OK:
        return ""
    return f"&vfs={_NAME.decode()}"


def _library() -> ctypes.CDLL | None:
    """Return the SQLite that Python's own module uses, and no other one of this host."""
    import _sqlite3

    path = getattr(_sqlite3, "__file__", None)
    if path is None:
        return None
    library = ctypes.CDLL(path)
    return library if hasattr(library, "sqlite3_vfs_register") else None
