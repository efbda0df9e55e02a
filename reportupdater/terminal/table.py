"""Tables of plain text, no wider than the screen: of a status with notes below its rows, of a result."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reportupdater.terminal import wording
from reportupdater.terminal.escaping import Red

_GAP = "  "
WIDTH = 80
"""Columns where there is no terminal."""
_NARROWEST = 8
_DATE = len("2015-01-01T00:00:00")
_NUMBER = re.compile(r"[-+]?[0-9]*[.,]?[0-9]+(?:[eE][-+]?[0-9]+)?|NULL")

_BAD = "! "


class Row(NamedTuple):
    """A name, the cells of the other columns, and notes; a bad row is made to stand out."""

    name: str
    cells: Sequence[str]
    notes: Sequence[str] = ()
    is_bad: bool = False


class Screen(NamedTuple):
    """Where lines go: how wide it is (None where lines are not broken), and whether in colours."""

    width: int | None
    colours: bool

    @staticmethod
    def of_stdout() -> Screen:
        """Standard output: only a terminal has a width, or colours, which NO_COLOR takes away."""
        if sys.stdout is None or not sys.stdout.isatty():
            return Screen(None, False)
        dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
        return Screen(max(40, shutil.get_terminal_size().columns), not dumb)

    def broken(self, text: str, indent: str = "") -> list[str]:
        """Return a text in lines that fit; what follows the first is indented."""
        text = " ".join(text.split("\n"))
        if self.width is None:
            return [indent + text]
        return textwrap.wrap(
            text,
            self.width,
            initial_indent=indent,
            subsequent_indent=indent + _GAP,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def red(self, text: str) -> str:
        """Return a text that stands out, where there are colours."""
        return Red(text) if self.colours else text


def lines(head: Row, rows: Sequence[Row], screen: Screen) -> Iterator[str]:
    """Yield the table's lines. A name that is too long for its column has a line of its own."""
    widths = [
        max(columns_of(row.cells[place]) for row in (head, *rows))
        for place in range(len(head.cells))
    ]
    rest = len(_BAD) + sum(len(_GAP) + width for width in widths)
    longest = max(columns_of(row.name) for row in (head, *rows))
    if screen.width is not None:
        longest = max(columns_of(head.name), min(longest, screen.width - rest))
    for row in (head, *rows):
        flag = _BAD if row.is_bad else " " * len(_BAD)
        name = row.name
        if columns_of(name) > longest:
            yield screen.red(flag + name) if row.is_bad else flag + name
            flag, name = " " * len(flag), ""
        cells = (
            _padded(cell, width, to_the_right=True)
            for cell, width in zip(row.cells, widths, strict=True)
        )
        line = _GAP.join((flag + _padded(name, longest, to_the_right=False), *cells)).rstrip()
        yield screen.red(line) if row.is_bad else line
        for note in row.notes:
            yield from screen.broken(note, indent="    ")


def screen_width() -> int:
    """Return the width of the terminal to which standard output goes."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
    except (OSError, ValueError):  # it is none, or closed
        return WIDTH


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
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
            _padded(_cut(cell, size), size, to_the_right=to_the_right)
            for cell, size, to_the_right in zip(row, widths, right, strict=False)
        ]
        yield _GAP.join(parts).rstrip()
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
    return sum(widths) + len(_GAP) * (len(widths) - 1)


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


def _padded(text: str, width: int, *, to_the_right: bool) -> str:
    space = " " * (width - columns_of(text))
    return space + text if to_the_right else text + space
