"""Cells as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

from reportupdater.errors import shown

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST = 400


def number(cell: str) -> float | None:
    """Return the number in a cell; None for an empty one. Raises ValueError for what is none, or not finite.

    >>> number(" 1.5e3 "), number(""), number("NULL")
    (1500.0, None, None)
    """
    text = cell.strip()
    if text in ("", "NULL"):
        return None
    if len(text) <= _LONGEST and _NUMBER.fullmatch(text):
        found = float(text)
        if isfinite(found):
            return found
    raise ValueError(f"{shown(cell)} is no finite number")


def no_number(cells: Iterable[str], column: str) -> str | None:
    """Return which of the cells of a column is neither empty nor a finite number; None where none is."""
    for cell in cells:
        try:
            number(cell)
        except ValueError as error:
            return f"{error}, in column {shown(column)}"
    return None


def spelled(value: float) -> str:
    """Return a number as messages show it.

    >>> spelled(1200.0), spelled(0.25)
    ('1200', '0.25')
    """
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
