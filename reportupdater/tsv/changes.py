"""What differs between two tables of one interval, value by value. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reportupdater.tsv.header import Header

_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?|NULL|")

Rows = Sequence[Sequence[str]]
_Keyed = dict[tuple[str, ...], Sequence[str]]


class Change(NamedTuple):
    """A value that is another one now. Empty where there is none."""

    row: tuple[str, ...]
    """The texts that distinguish the row from others of its date."""
    column: str
    old: str
    new: str

    def __str__(self) -> str:
        of = " ".join(filter(None, (*self.row, self.column)))
        return f"{of} {self.old or '-'} → {self.new or '-'}"


def changes(old_header: Header, old: Rows, header: Header, new: Rows) -> list[Change] | None:
    """Return the values that differ; None where rows cannot be distinguished by their texts.

    >>> [str(one) for one in changes(("d", "n"), [("x", "5")], ("d", "n"), [("x", "7")]) or []]
    ['n 5 → 7']
    """
    names = list(dict.fromkeys([*header[1:], *old_header[1:]]))
    texts = [
        name for name in names if _is_text(old_header, old, name) or _is_text(header, new, name)
    ]
    values = [name for name in names if name not in texts]
    before, after = _keyed(old_header, old, texts), _keyed(header, new, texts)
    if before is None or after is None:
        return None
    return list(_differing(before, old_header, after, header, values))


def _differing(
    before: _Keyed, old_header: Header, after: _Keyed, header: Header, values: Sequence[str]
) -> Iterator[Change]:
    for key in dict.fromkeys([*before, *after]):
        for name in values:
            old = _cell(old_header, before.get(key), name)
            new = _cell(header, after.get(key), name)
            if old != new:
                yield Change(key[1:], name, old, new)


def _is_text(header: Header, rows: Rows, name: str) -> bool:
    return any(not _NUMBER.fullmatch(_cell(header, row, name)) for row in rows)


def _keyed(header: Header, rows: Rows, names: Sequence[str]) -> _Keyed | None:
    keyed = {(row[0], *(_cell(header, row, name) for name in names)): row for row in rows}
    return keyed if len(keyed) == len(rows) else None


def _cell(header: Header, row: Sequence[str] | None, name: str) -> str:
    return row[header.index(name, 1)] if row is not None and name in header[1:] else ""
