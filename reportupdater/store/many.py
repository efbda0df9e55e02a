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


def insert(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Execute a statement in which `{rows}` stands for the rows, as behind VALUES."""
    for at in range(0, len(rows), _TOGETHER):
        some = rows[at : at + _TOGETHER]
        row = f"({', '.join('?' * len(some[0]))})"
        connection.execute(
            statement.format(rows=", ".join([row] * len(some))), list(chain.from_iterable(some))
        )
