"""Tables of plain text, with notes below their rows, as wide as the terminal is."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reportupdater.terminal.escaping import Red

_GAP = "  "
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
        max(len(row.cells[place]) for row in (head, *rows)) for place in range(len(head.cells))
    ]
    rest = len(_BAD) + sum(len(_GAP) + width for width in widths)
    longest = max(len(row.name) for row in (head, *rows))
    if screen.width is not None:
        longest = max(len(head.name), min(longest, screen.width - rest))
    for row in (head, *rows):
        flag = _BAD if row.is_bad else " " * len(_BAD)
        name = row.name
        if len(name) > longest:
            yield screen.red(flag + name) if row.is_bad else flag + name
            flag, name = " " * len(flag), ""
        cells = (cell.rjust(width) for cell, width in zip(row.cells, widths, strict=True))
        line = _GAP.join((flag + name.ljust(longest), *cells)).rstrip()
        yield screen.red(line) if row.is_bad else line
        for note in row.notes:
            yield from screen.broken(note, indent="    ")
