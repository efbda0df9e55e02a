"""One statement for many rows.

`executemany` gives up the interpreter's lock twice for every row, and each time a worker that waits
for it is woken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_TOGETHER = 100
"""Rows of a statement: SQLite has a limit on parameters, 999 in its older versions."""


def insert(
    connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]], *same: Any
) -> None:
    """Execute a statement in which `{rows}` is replaced by the rows, as after VALUES.

    `same` is what all rows begin with. It is for short values: of a statement that has ended, Python
    keeps them, and there is a statement for each number of rows.
    """
    for at in range(0, len(rows), _TOGETHER):
        some = rows[at : at + _TOGETHER]
        begin = [f"?{number}" for number in range(1, len(same) + 1)]
        row = f"({', '.join(begin + ['?'] * len(some[0]))})"  # each ? counts on from the one before
        connection.execute(
            statement.format(rows=", ".join([row] * len(some))),
            [*same, *chain.from_iterable(some)],
        )
