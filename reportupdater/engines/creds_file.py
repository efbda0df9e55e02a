"""Option files with a login: the section `[client]`, in it `user = …` and `password = …`."""

from __future__ import annotations

import configparser
import logging
import os
import shlex
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path

from reportupdater.errors import ConnectionFailed

_log = logging.getLogger(__name__)

_looked_at: set[Path] = set()
_looking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, as far as they are known."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


def read(path: Path) -> Login:
    """The login in an option file, in which values may stand in quotes. Raises ConnectionFailed.

    No message quotes the file: a password may stand anywhere in a damaged one.
    """
    check(path)
    parser = configparser.RawConfigParser(allow_no_value=True)
    try:
        parser.read_string(path.expanduser().read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError, AttributeError) as error:
        raise damaged(path, error) from None
    return Login(_value(parser, "user"), _value(parser, "password"))


def check(path: Path) -> None:
    """Raise ConnectionFailed for a file that cannot be read; warn of one that everybody can.

    That is looked at once in a run: nobody needs to hear it for each connection.
    """
    try:
        with path.expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise _unreadable(path, error) from None
    with _looking:
        if path in _looked_at:
            return
        _looked_at.add(path)
    open_to_all = mode & (stat.S_IROTH | stat.S_IWOTH)
    if stat.S_ISREG(mode) and open_to_all and _can_be_reached(path.expanduser()):
        doing = "read" if open_to_all & stat.S_IROTH else "write to"
        _log.warning(
            "%s: every user of this host can %s this creds_file (chmod o= %s)",
            path,
            doing,
            shlex.quote(str(path)),
        )


def _can_be_reached(path: Path) -> bool:
    """Whether everybody may pass through the folders above a file."""
    try:
        return all(above.stat().st_mode & stat.S_IXOTH for above in path.resolve().parents)
    except OSError:
        return True


def _unreadable(path: Path, error: OSError) -> ConnectionFailed:
    """What is told of an option file that cannot be opened."""
    return ConnectionFailed(
        f"{path}: cannot read the creds_file: {error.strerror}",
        hint="it must exist and be readable for the user that runs the reports",
        retry=False,
    )


def damaged(path: Path, error: Exception) -> ConnectionFailed:
    """What is told of an option file that cannot be understood, without quoting it."""
    line = getattr(error, "lineno", None)
    return ConnectionFailed(
        f"{path}{f':{line}' if line else ''}: cannot be used as creds_file: {_wrong(error)}",
        hint="it is an option file: [client], then lines like user=… and password=…",
        retry=False,
    )


def _wrong(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return "not UTF-8"
        case configparser.DuplicateSectionError() | configparser.DuplicateOptionError():
            return "something is given twice"
        case configparser.MissingSectionHeaderError():
            return "no section begins before its first line"
    # AttributeError is what configparser makes of an indented line below a key without a value.
    return "a line cannot be understood"


def _value(parser: configparser.RawConfigParser, key: str) -> str | None:
    value = parser.get("client", key, fallback=None)
    if value is not None and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
