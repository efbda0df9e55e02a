"""Results as text: aligned columns, no wider than the screen."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence

from reportupdater.terminal import wording

WIDTH = 80
"""Columns where there is no terminal."""
_GAP = 2
_NARROWEST = 8
_DATE = len("2015-01-01T00:00:00")
_NUMBER = re.compile(r"[-+]?[0-9]*[.,]?[0-9]+(?:[eE][-+]?[0-9]+)?|NULL")

Row = Sequence[str]


def screen_width() -> int:
    """Return the width of the terminal to which standard output goes."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except (OSError, ValueError):  # it is none, or closed
        return WIDTH


def aligned(header: Row, rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yield the lines of a table, its columns aligned, none wider than `width`.

    Cells that are too long are cut, the longest first; columns that have no place at all are
    named in a last line. Columns of numbers are aligned to the right. Rows may be of any length.
    """
    count = max([len(header), *map(len, rows)], default=0)
    cells = [[_printable(cell) for cell in row] for row in (header, *rows)]
    cells = [[*row, *[""] * (count - len(row))] for row in cells]
    columns = [list(column) for column in zip(*cells, strict=True)]
    widths = _fitted([max(map(columns_of, column)) for column in columns], width)
    right = [all(_NUMBER.fullmatch(cell) for cell in column[1:] if cell) for column in columns]
    for row in cells:
        parts = [
            _padded(_cut(cell, size), size, to_the_right)
            for cell, size, to_the_right in zip(row, widths, right, strict=False)
        ]
        yield (" " * _GAP).join(parts).rstrip()
    if len(widths) < count:
        hidden = [column[0] for column in columns[len(widths) :]]
        more = f"and {wording.count(len(hidden), 'more column')}: {', '.join(hidden)}"
        yield _cut(more, width)


def _fitted(widths: list[int], width: int) -> list[int]:
    """Return the widths of as many columns as have a place, the widest made narrower, the first last."""
    fitting = len(widths)
    least = [min(size, _DATE if place == 0 else _NARROWEST) for place, size in enumerate(widths)]
    while fitting > 1 and _total(least[:fitting]) > width:
        fitting -= 1
    widths, least = widths[:fitting], least[:fitting]
    most = max(widths, default=0)

    def cut() -> list[int]:
        return [max(low, min(size, most)) for low, size in zip(least, widths, strict=True)]

    while most > _NARROWEST and _total(cut()) > width:
        most -= 1
    return [min(size, width) for size in cut()]


def _total(widths: list[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _printable(text: str) -> str:
    """Return a text on one line, nothing in it moves the cursor or colours the screen."""
    if text.isprintable():
        return text
    return "".join(part if part.isprintable() else repr(part)[1:-1] for part in text)


def _cut(text: str, width: int) -> str:
    if columns_of(text) <= width:
        return text
    kept, used = "", 1
    for character in text:
        used += _columns(character)
        if used > width:
            break
        kept += character
    return kept + "…"


def _padded(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - columns_of(text))
    return space + text if to_the_right else text + space
