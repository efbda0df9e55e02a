"""Escaping what steers a terminal: servers, scripts, files and their names may hold anything. Pure."""

from __future__ import annotations

import re

_STEERING = (  # compiled when something has to be escaped: nearly no run prints at all
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tabs and line breaks
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # not seen, or turning
    "\ud800-\udfff"  # no characters: what a file name has that is not UTF-8
    "\U000e0000-\U000e007f"
    "]"
)


class Red(str):
    """A line that is printed in red."""

    __slots__ = ()


def escaped(text: str) -> str:
    r"""Return a text in which nothing steers a terminal or cannot be seen; its line breaks stay.

    >>> print(escaped("a\x1b[2J\u202eb"))
    a\x1b[2J\u202eb
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_STEERING, lambda found: found[0].encode("unicode_escape").decode(), text)


def escaped_line(text: str) -> str:
    r"""Return the same on one line: the author of a part of it cannot write a log line.

    >>> print(escaped_line("a\nb"))
    a\nb
    """
    return escaped(text).replace("\n", "\\n")


def escaped_json(text: str) -> str:
    r"""Return JSON that means the same, and in which nothing steers a terminal.

    >>> print(escaped_json('"\u202e"'))
    "\u202e"
    """
    if text.isascii() and "\x7f" not in text:  # JSON has no other control but line breaks
        return text
    return re.sub(_STEERING, lambda found: _in_json(found[0]), text)


def _in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
