"""The text of rows: quoted as by `csv`'s excel-tab dialect, and read back."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

_TOGETHER = 10_000
"""Rows written together."""


class _Lines(list[str]):
    """Where `csv.writer` writes a line at a time; it quotes a CR only if CR LF ends the lines."""

    def write(self, line: str) -> None:
        self.append(line[:-2])


def lines(rows: Iterable[Sequence[str]]) -> str:
    r"""Return rows as TSV text, every line ended by LF.

    >>> lines([("2015-01-01", "5.0", " c\t")])
    '2015-01-01\t5.0\t" c\t"\n'
    """
    return "".join(_texts(rows))


def _texts(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the same in parts: of a million rows, not all lines are there at once."""
    rest = iter(rows)
    while some := list(islice(rest, _TOGETHER)):
        text = "\n".join(["\t".join(row) for row in some]) + "\n"
        yield text if _needs_no_quotes(text, some) else _quoted(some)


def _needs_no_quotes(text: str, rows: list[Sequence[str]]) -> bool:
    """Return whether cells that are joined as they are would be read again as they are."""
    return (
        '"' not in text
        and "\r" not in text
        and text.count("\n") == len(rows)
        and text.count("\t") == sum(map(len, rows)) - len(rows)
        # A cell that stands alone and is empty is quoted: its line would be blank.
        and (min(map(len, rows)) > 1 or all(row and row[0] for row in rows))
    )


def _quoted(rows: Iterable[Sequence[str]]) -> str:
    written = _Lines()
    csv.writer(written, dialect="excel-tab").writerows(rows)
    written.append("")
    return "\n".join(written)


def parse(text: str) -> list[tuple[str, ...]]:
    """Return the rows of a text that `lines` made."""
    if '"' not in text and "\r" not in text and "\n\n" not in text and text[:1] != "\n":
        return [tuple(line.split("\t")) for line in text.split("\n")[:-1]]
    return [tuple(cells) for cells in csv.reader(_cut(text), dialect="excel-tab", strict=True)]


def _cut(text: str) -> Iterator[str]:
    """Yield the lines of a text.

    LF alone ends one: splitlines() would cut at a dozen others too.
    """
    at = 0
    while end := text.find("\n", at) + 1:
        yield text[at:end]
        at = end
