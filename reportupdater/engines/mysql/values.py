"""Columns of MariaDB and MySQL whose values PyMySQL leaves as bytes that are no text: BIT and GEOMETRY."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reportupdater.errors import ResultError

_BIT, _GEOMETRY = 16, 255
_ODD = frozenset({_BIT, _GEOMETRY})
_BINARY = 128
"""The flag of a BIT that an expression gives; a table's own column lacks it."""

Reader = Callable[[bytes], object]


def fit(result: Any) -> None:
    """Let the columns of a result that has just begun be read by their types."""
    for place, field in enumerate(result.fields if result.description else ()):
        if field.type_code in _ODD:  # looked at for each query
            result.converters[place] = (None, _reader(field))


def _reader(field: Any) -> Reader:
    if field.type_code == _GEOMETRY:
        return _geometry(field.name)
    return _computed_bits(field.name, field.length) if field.flags & _BINARY else _bits


def _bits(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _computed_bits(name: str, bits: int) -> Reader:
    """Read what an expression gives: MAX() sends digits, UNION ALL sends bits as a table's column does."""

    def read(data: bytes) -> int:
        if not data.isdigit():
            return _bits(data)
        # As bits these are 48 to 57 for each digit, which five bits cannot hold.
        if len(data) != (bits + 7) // 8 or bits <= 5:
            return int(data)
        raise ResultError(
            f"column {name!r} is a BIT that an expression gives: the server does not say whether"
            f" {data!r} is its digits or its bits",
            hint="let the query make a number of the BIT first: `column + 0`",
        )

    return read


def _geometry(name: str) -> Reader:
    def read(data: bytes) -> object:
        raise ResultError(
            f"column {name!r} is a GEOMETRY, which is no text",
            hint="let the query make text of it, with ST_AsText()",
        )

    return read
