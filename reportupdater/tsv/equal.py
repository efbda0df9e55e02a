"""Whether two tables hold the same. Pure.

The same rows in any order, cell by cell. Two texts are one number only where both are spelled as
programs spell numbers, and no column of either table holds two texts of one number: `1.1` beside `1.10`
are versions, and `0012` is text. Numbers are compared exactly, as decimals.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from reportupdater.tsv.header import Header

Rows = Sequence[Sequence[str]]
_Cell = str | Decimal

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")
"""Integers, decimals, and doubles as Python, Java and Trino print them."""
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2})\.0+")
_LONGEST = 400


def same(header: Header, rows: Rows, other_header: Header, other_rows: Rows) -> bool:
    """Return whether two tables hold the same. Columns are known by their names, the first by its place.

    A column that one of them lacks is one without values there.

    >>> same(("date", "n"), [("d", "5.0")], ("date", "m", "n"), [("d", "", "5")])
    True
    """
    if header[:1] != other_header[:1] or len(rows) != len(other_rows):
        return False
    names = list(dict.fromkeys([*header[1:], *other_header[1:]]))
    if len(names) < max(len(header), len(other_header)) - 1:
        return header == other_header and Counter(map(tuple, rows)) == Counter(
            map(tuple, other_rows)
        )  # names that are empty, or there twice, say nothing of which column is which
    pairs = [
        _as_numbers(one, other)
        for one, other in (
            ([row[0] for row in rows], [row[0] for row in other_rows]),
            *(
                (_column(header, rows, name), _column(other_header, other_rows, name))
                for name in names
            ),
        )
    ]
    return Counter(zip(*(one for one, _ in pairs), strict=True)) == Counter(
        zip(*(other for _, other in pairs), strict=True)
    )


def _column(header: Header, rows: Rows, name: str) -> list[str]:
    if name not in header[1:]:
        return [""] * len(rows)
    place = header.index(name, 1)
    return [row[place] for row in rows]


def _as_numbers(one: list[str], other: list[str]) -> tuple[Sequence[_Cell], Sequence[_Cell]]:
    """Return a column of both tables, with numbers in the place of texts where that is safe."""
    if one == other:  # as nearly always
        return one, other
    if _is_ambiguous(one) or _is_ambiguous(other):
        return one, other
    return [_value(text) for text in one], [_value(text) for text in other]


def _is_ambiguous(texts: list[str]) -> bool:
    distinct = set(texts)
    return len({_value(text) for text in distinct}) != len(distinct)


def _value(text: str) -> _Cell:
    if len(text) <= _LONGEST and _NUMBER.fullmatch(text):
        return Decimal(text)
    match = _MIDNIGHT.fullmatch(text)
    return match[1] if match else text
