"""Option files with a login: the section `[client]`, in it `user = …` and `password = …`."""

from __future__ import annotations

import configparser
from dataclasses import dataclass, field
from pathlib import Path

from reportupdater.errors import ConnectionFailed


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, as far as they are known."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


def read(path: Path) -> Login:
    """The login in an option file, in which values may stand in quotes. Raises ConnectionFailed.

    No message quotes the file: a password may stand anywhere in a damaged one.
    """
    parser = configparser.RawConfigParser(allow_no_value=True)
    try:
        parser.read_string(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from None
    except (configparser.Error, UnicodeDecodeError, AttributeError) as error:
        raise damaged(path, error) from None
    return Login(_value(parser, "user"), _value(parser, "password"))


def unreadable(path: Path, error: OSError) -> ConnectionFailed:
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
