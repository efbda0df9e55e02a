"""Who may do what with a file that takes another one's place: as with that one, or it is not replaced.

Owner, group, the permissions of the mode and the access control list are kept. Set-user-ID,
set-group-ID and the sticky bit are not: a user who may write to a folder could have a run of root's make a
program of root's that way.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from reportupdater.errors import TsvError, Where
from reportupdater.tsv.folder import Folder

PERMISSIONS = 0o777
"""The bits of a mode that a file may be given."""

_ACL = "system.posix_acl_access"
_NONE = frozenset({errno.ENODATA, errno.EOPNOTSUPP})
_NOT_ALLOWED = frozenset({errno.EPERM, errno.EINVAL})
"""EINVAL: a user or group that a container's root does not know."""


class Access(NamedTuple):
    """Who may do what with a file. `owner` and `group` are None where they stay as they come."""

    mode: int
    acl: bytes | None
    owner: int | None = None
    group: int | None = None


def of(descriptor: int) -> Access:
    """Return the access to an open file. Raises OSError."""
    found = os.fstat(descriptor)
    mode = found.st_mode & PERMISSIONS
    return Access(mode, _acl(descriptor), found.st_uid, found.st_gid)


def of_new_file(folder: Folder, name: str) -> Access:
    """Return the access that a new file in a folder gets, as the umask or the folder's default list says.

    Only the kernel knows both: an empty file of that name is made, and removed again. Raises OSError.
    """
    folder.remove(name)
    descriptor = folder.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return Access(os.fstat(descriptor).st_mode & PERMISSIONS, _acl(descriptor))
    finally:
        os.close(descriptor)
        folder.remove(name)


def grant(descriptor: int, wanted: Access, path: str, *, has_group: bool) -> None:
    """Give an open file, which only this user may read yet, the access that is wanted.

    `has_group` is set where its group has been chosen. Raises TsvError where the file would open to
    other users than before, or close to its owner; OSError.
    """
    found = os.fstat(descriptor)
    group = found.st_gid if has_group or wanted.group is None else wanted.group
    if group != found.st_gid and not _chown(descriptor, -1, group) and _group_counts(wanted):
        raise TsvError(
            f"it belongs to the group {_group_name(group)}, to which {user()}, who runs this, may not"
            " give files",
            where=Where(path),
            hint="make that user a member of the group, or name another group with the key `group`",
        )
    if wanted.acl is None:
        _tried(lambda: os.removexattr(descriptor, _ACL))  # one that came from the folder
        os.fchmod(descriptor, wanted.mode)
    else:
        os.setxattr(descriptor, _ACL, wanted.acl)  # which sets the mode too
    owner = found.st_uid if wanted.owner is None else wanted.owner
    if owner == found.st_uid or _chown(descriptor, owner, -1):
        return
    if not _reads(owner, os.fstat(descriptor)):
        raise TsvError(
            f"it belongs to {user(owner)}, who could not read it any more: {user()}, who runs this, may"
            " not give files to other users",
            where=Where(path),
            hint=f"give the file to {user()}, or let its group or all users read it",
        )


def give(descriptor: int, group: int, mode: int) -> None:
    """Give an open file or folder of ours this group, if that is allowed, and this mode. Raises OSError."""
    _chown(descriptor, -1, group)
    os.fchmod(descriptor, mode)


def user(number: int | None = None) -> str:
    """Return the name of a user; of the one that runs this, without a number."""
    number = os.geteuid() if number is None else number
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _acl(descriptor: int) -> bytes | None:
    return _tried(lambda: os.getxattr(descriptor, _ACL))


def _tried(do: Callable[[], bytes | None]) -> bytes | None:
    """Return what an access to a list gives.

    None where there is none, or the file system has none.
    """
    try:
        return do()
    except OSError as error:
        if error.errno not in _NONE:
            raise
    return None


def _chown(descriptor: int, owner: int, group: int) -> bool:
    """Return whether the file could be given away."""
    try:
        os.fchown(descriptor, owner, group)
    except OSError as error:
        if error.errno not in _NOT_ALLOWED:
            raise
        return False
    return True


def _group_counts(access: Access) -> bool:
    """Return whether it makes a difference which group a file has."""
    return access.acl is not None or (access.mode >> 3) & 7 != access.mode & 7


def _group_name(number: int) -> str:
    with suppress(KeyError):
        return grp.getgrgid(number).gr_name
    return str(number)


def _reads(number: int, file: os.stat_result) -> bool:
    """Return whether a user that does not own a file may read it."""
    if number == 0 or file.st_mode & stat.S_IROTH:
        return True
    if not file.st_mode & stat.S_IRGRP:
        return False
    try:
        found = pwd.getpwuid(number)
    except KeyError:
        return False
    return file.st_gid in os.getgrouplist(found.pw_name, found.pw_gid)
