"""Reading the small text files of a project, with a position for everything wrong in them."""

from __future__ import annotations

import codecs
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reportupdater.configfile.document import Refused, Section, parse
from reportupdater.configfile.kinds import describe
from reportupdater.errors import Problem, UsageError, Where, shown, similar

MAX_SIZE = 64 * 2**20
"""Bytes of a file. A larger one is no configuration, and might have no end."""


@dataclass(frozen=True, slots=True)
class Folders:
    """What a relative path is relative to: the project, or the folder of the host settings.

    `host` has the folder of each file of host settings by the path that its values' places have.
    """

    project: Path
    host: Mapping[str, Path] = field(default_factory=dict)

    def of(self, where: Where) -> Path:
        """Return the folder for a path that stands at this place."""
        return self.host.get(where.path, self.project)


def decode(data: bytes, path: str) -> tuple[str | None, list[Problem]]:
    """Return the text of a file in UTF-8, with or without a byte-order mark.

    None where it is not UTF-8.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(), []
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        return None, [Problem(what, where_in(before, len(before), path), "save the file as UTF-8")]


def read_needed(path: Path, hint: str = "") -> bytes:
    """Return what is in a file without which nothing can be done. Raises UsageError.

    `hint` is for one that is not there, where no other has a name like it.
    """
    try:
        return _bytes(path)
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        hint = (missing_hint(path) or hint) if missing else ""
        what = "there is no such file" if missing else f"cannot be read: {reason(error)}"
        raise UsageError(what, where=Where(str(path)), hint=hint) from None


def read_text(path: Path) -> tuple[str | None, list[Problem]]:
    """Return the text of a file; None where it cannot be read."""
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        return None, [Problem(f"cannot be read: {reason(error)}", Where(str(path)))]
    return decode(data, str(path))


def _bytes(path: Path) -> bytes:
    """Return all of a file that is no larger than anybody would write.

    Raises OSError, ValueError.
    """
    with open(path, "rb", opener=_opened) as file:
        os.set_blocking(file.fileno(), True)
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_SIZE >> 20} MiB")
    return data


def _opened(path: str, flags: int) -> int:
    """Open at once, even a pipe without a writer, which then reads as an empty file."""
    return os.open(path, flags | os.O_NONBLOCK)


def mapping_in(
    data: bytes, path: str, owner: str, hint: str = ""
) -> tuple[Section | None, list[Problem]]:
    """Return the mapping that a YAML file holds.

    None for all else, without a problem if it is empty.
    """
    text, problems = decode(data, path)
    if text is None:
        return None, problems
    root, problems = parse(text, path)
    if root is None or isinstance(root, Section):
        return root, problems
    if not isinstance(root, Refused):
        what = f"{owner} must be a mapping of keys to values, not {describe(root)}"
        problems = [*problems, Problem(what, root.where, hint)]
    return None, problems


def where_in(text: str, offset: int, path: str) -> Where:
    """Return the line and column of an offset."""
    line_start = text.rfind("\n", 0, offset) + 1
    return Where(path, text.count("\n", 0, offset) + 1, offset - line_start + 1)


def reason(error: Exception) -> str:
    """Return why the operating system refused, in its words and without the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def absolute(folder: Path, name: str) -> Path:
    """Return a path that is relative to a folder, made absolute.

    Symbolic links stay as they are.
    """
    return Path(os.path.abspath(folder / name))


def missing_hint(path: Path, *, ending: str = "") -> str:
    """Return a hint for a path that is no file: what it is instead, or a file with a name like it.

    `ending` is the one that such a file must have.
    """
    if os.path.isdir(path):
        return "it is a folder"
    if os.path.islink(path):
        return "it is a link that leads nowhere"
    try:
        names = [name for name in os.listdir(path.parent) if name.endswith(ending)]
    except (OSError, ValueError):
        return ""
    stems = {name.removesuffix(ending): name for name in names}
    close = similar(path.name.removesuffix(ending), stems)
    return f"{shown(stems[close])} is there" if close is not None else ""
