"""Texts that the state and JSON take: names of files on the way need not be UTF-8."""

from __future__ import annotations

import os
import re

_ESCAPED = rb"\\x([89a-f][0-9a-f])"


def storable(text: str) -> str:
    r"""Return a text in which bytes of a file's name that are no UTF-8 are written as escapes.

    >>> print(storable("/srv/S\udce3o"))
    /srv/S\xe3o
    """
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # what no name of a file holds
        return text.encode("utf-8", "backslashreplace").decode()


def on_disk(path: str) -> str:
    """Return the path of a file that has been stored, as the disk has it."""
    if "\\x" not in path or os.path.lexists(path):
        return path
    raw = re.sub(_ESCAPED, lambda found: bytes.fromhex(found[1].decode()), os.fsencode(path))
    return os.fsdecode(raw)
