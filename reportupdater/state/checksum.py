"""Checksums of what the state holds for a while and the TSVs then hold for years.

SQLite has none: it takes a page that the disk has mixed up with another for what was written.
"""

from __future__ import annotations

from zlib import crc32

_PART = 1 << 20
"""Characters looked at together: a million rows have no second copy."""


def checksum(*values: str | int | None) -> int:
    """Return the CRC-32 of some values, a NUL behind each."""
    texts = [str(value) for value in values]
    if sum(map(len, texts)) < _PART:
        return crc32("\0".join([*texts, ""]).encode())
    check = 0
    for text in texts:
        for at in range(0, len(text), _PART):
            check = crc32(text[at : at + _PART].encode(), check)
        check = crc32(b"\0", check)
    return check
