"""The rows of a TSV as a script that a page loads, column by column.

From a file, a page may load scripts alone. A block has the moments of its rows, as hours, and the cells of
each column: a number where JavaScript writes it as it is in the TSV, else a text; nothing where the cell
is empty. So a page can write the TSV itself. Rows that come later are a block more.

    reportupdater.rows("edits/enwiki", ["date","edits"], [[394464,1],[24,364]], [[12,7,…]]);
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from reportupdater.intervals import Granularity

_NUMBER = r"(?!-0(?:,|$))-?(?:0|[1-9]\d{0,14}|(?:0|[1-9]\d{0,8})\.\d{0,5}[1-9])"
_NUMBERS = re.compile(rf"(?:{_NUMBER})?(?:,(?:{_NUMBER})?)*")
_ONE = re.compile(_NUMBER)
_FEW = 0.5
"""Of a column with fewer different texts than this part of its rows, each is written once."""


def block(
    name: str, header: Sequence[str], rows: Sequence[Sequence[str]], unit: Granularity
) -> str:
    """Return the call that gives a page rows; `name` is the TSV without its suffix.

    Raises ValueError where a row is not dated.
    """
    if not rows:
        return f"reportupdater.rows({json.dumps(name)},{json.dumps(header)},[],[]);\n"
    labels, *columns = zip(*rows, strict=True)
    cells = ",".join(map(_column, columns))
    dates = _dates(labels, unit)
    return f"reportupdater.rows({json.dumps(name)},{_header(tuple(header))},{dates},[{cells}]);\n"


@lru_cache(64)
def _header(header: tuple[str, ...]) -> str:
    return json.dumps(header)


@lru_cache(64)  # the series of a report have most of their dates in common
def _dates(labels: tuple[str, ...], unit: Granularity) -> str:
    """Return moments in hours: the first, then the steps, each with how many times it is taken."""
    runs: list[list[int]] = []
    before = 0
    for label in labels:
        start = unit.start(unit.place(label)[1])
        hour = (start.toordinal() - _EPOCH) * 24 + start.hour
        if runs and runs[-1][0] == hour - before:
            runs[-1][1] += 1
        else:
            runs.append([hour - before, 1])
        before = hour
    return json.dumps(runs, separators=(",", ":"))


_EPOCH = 719_163
"""The ordinal of 1970-01-01."""


def _column(cells: tuple[str, ...]) -> str:
    together = ",".join(cells)
    if _NUMBERS.fullmatch(together) and together.count(",") == len(cells) - 1:
        if "" in cells:
            together = ",".join([cell or "null" for cell in cells])
        return f"[{together}]"
    different = dict.fromkeys(cells)
    if len(different) < _FEW * len(cells):
        number = {cell: at for at, cell in enumerate(different)}
        of = ",".join([str(number[cell]) for cell in cells])
        return f'{{{_texts("values", different)},"of":[{of}]}}'
    return f"[{','.join(map(_cell, cells))}]"


def _texts(key: str, cells: Iterable[str]) -> str:
    return f'"{key}":[{",".join(map(_cell, cells))}]'


def _cell(cell: str) -> str:
    if not cell:
        return "null"
    return cell if _ONE.fullmatch(cell) else json.dumps(cell)
