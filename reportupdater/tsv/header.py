"""How the header of a TSV follows the results that are merged into it. Pure.

The first column is the date by position, whatever its name; the newest name wins. All other
columns are known by their names. Only headers that are stored already may hold empty names, which
are distinguished by their order.
"""

from __future__ import annotations

from collections.abc import Sequence

Header = tuple[str, ...]
_Key = tuple[str, int]


def evolved(old: Header, new: Header) -> Header:
    """Return the header of a TSV with header `old` after a result with header `new`.

    New columns come where the result has them; columns that are gone go to the end, in
    alphabetical order.

    >>> evolved(("date", "b", "a", "c"), ("day", "c", "d"))
    ('day', 'c', 'd', 'a', 'b')
    """
    kept = set(_keys(new))
    gone = sorted(key for key in _keys(old) if key not in kept)
    return new + tuple(name for name, _ in gone)


def positions(header: Header, within: Header) -> list[int] | None:
    """Return the place of each column of `header` in `within`, which has them all; None if nothing moves.

    >>> positions(("date", "a"), ("day", "b", "a"))
    [0, 2]
    """
    if header == within:
        return None
    places = {key: place for place, key in enumerate(_keys(within), 1)}
    return [0, *(places[key] for key in _keys(header))]


def moved(row: Sequence[str], places: Sequence[int], width: int) -> tuple[str, ...]:
    """Return a row with its cells at `places` of a wider row, the others empty.

    >>> moved(("2015-01-01", "5"), [0, 2], 3)
    ('2015-01-01', '', '5')
    """
    cells = [""] * width
    for place, cell in zip(places, row, strict=True):
        cells[place] = cell
    return tuple(cells)


def repeated(header: Sequence[str]) -> str | None:
    """Return the first name, if any, that a header has twice and that is not empty."""
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            return name
        seen.add(name)
    return None


def _keys(header: Header) -> list[_Key]:
    """Return what the columns but the first are known by: a name, and the how many-th of that name."""
    counts: dict[str, int] = {}
    keys = []
    for name in header[1:]:
        counts[name] = counts.get(name, 0) + 1
        keys.append((name, counts[name]))
    return keys
