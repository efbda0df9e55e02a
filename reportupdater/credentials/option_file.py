"""The form of the MySQL client's option files: groups, options, comments, escapes. No I/O.

Read as the clients of MySQL and MariaDB read them, with one difference: they take the byte A0 for
a space, and so cut the last letter of a value that ends in `à` without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_LINE = 4094
"""Bytes of a line; the clients take a longer one for several."""

_SPACE = b" \t\n\v\f\r"

_UNCOMMENTED = re.compile(
    rb"""(?: [^'"#] | ' (?: [^'\\] | \\. )* (?: ' | \\?\Z ) | " (?: [^"\\] | \\. )* (?: " | \\?\Z ) )*""",
    re.DOTALL | re.VERBOSE,
)
"""A line up to its comment: a `#` that is in no quotes, wherever on the line they are."""

_INCLUDE = re.compile(rb"!\s*include(?P<folder>dir)?(?:\s+(?P<path>.*))?\Z", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {
    b"n": b"\n",
    b"t": b"\t",
    b"r": b"\r",
    b"b": b"\b",
    b"s": b" ",
    b"'": b"'",
    b'"': b'"',
    b"\\": b"\\",
}


class Option(NamedTuple):
    """A line `name` (its value is None then) or `name = value`, below the line of its group."""

    group: bytes
    name: bytes
    value: bytes | None
    line: int


class Include(NamedTuple):
    """A line `!include path`, or `!includedir path` for all files of a folder."""

    path: bytes
    folder: bool
    line: int


class Broken(Exception):
    """A line that no client would read. `what` says which kind of line it is, and quotes nothing."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def lines(content: bytes) -> Iterator[Option | Include]:
    r"""Yield the options and directives of a file in their order. Raises Broken.

    >>> [(found.name, found.value) for found in lines(b"[client]\n a_b = 'x\\sy' # note\n")]
    [(b'a_b', b'x y')]
    """
    group: bytes | None = None
    for number, whole in enumerate(content.split(b"\n"), 1):
        line = whole.strip(_SPACE)
        if len(whole) > LONGEST_LINE:
            raise Broken(number, f"a line of more than {LONGEST_LINE:,} bytes")
        if b"\0" in line:
            raise Broken(number, "a line with a NUL byte")
        if not line or line[:1] in b"#;":
            continue
        if line[:1] == b"!":
            if (found := _include(line, number)) is not None:
                yield found
        elif line[:1] == b"[":
            group = _group(line, number)
        elif group is None:
            raise Broken(number, "an option before the first group")
        else:
            name, value = _option(line)
            if not name:
                raise Broken(number, "an option without a name")
            yield Option(group, name, value, number)


def _include(line: bytes, number: int) -> Include | None:
    """Return the directive on a line; None for one that no client knows, which they pass over."""
    match = _INCLUDE.match(line)
    if match is None:
        return None
    if not match["path"]:
        keyword = "!includedir" if match["folder"] else "!include"
        raise Broken(number, f"`{keyword}` without a path")
    return Include(match["path"], match["folder"] is not None, number)


def _group(line: bytes, number: int) -> bytes:
    name, closed, _ = line[1:].partition(b"]")
    if not closed:
        raise Broken(number, "a group without its closing bracket")
    return name.rstrip(_SPACE)


def _option(line: bytes) -> tuple[bytes, bytes | None]:
    uncommented = _UNCOMMENTED.match(line)
    assert uncommented is not None  # it matches nothing, too
    name, assigned, value = uncommented[0].partition(b"=")
    name, value = name.rstrip(_SPACE), value.strip(_SPACE)
    if not assigned:
        return name, None
    if len(value) > 1 and value[:1] == value[-1:] and value[:1] in (b"'", b'"'):
        value = value[1:-1]
    return name, _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), value)
