"""The table that PyHive's cursor holds when a statement has come to its end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reportupdater.engines import sql
from reportupdater.model import Table

_PREFIX = re.compile(r"^[A-Za-z_]\w*\.(?=.)")


class _Result:
    """PyHive's cursor, with the names of columns that a TSV shall have."""

    def __init__(self, cursor: Any, names: Sequence[str]) -> None:
        self.description = [(name,) for name in names]
        self.fetchmany = cursor.fetchmany


def table(cursor: Any, max_rows: int) -> Table | None:
    """The result of a statement that has come to its end, None where there is none."""
    if cursor.description is None:
        return None
    names = [column[0] for column in cursor.description]
    try:
        return sql.table(_Result(cursor, without_prefix(names)), max_rows)
    except TypeError:
        # Spark announces a column called Result even where it has none, as for CREATE TABLE.
        if names == ["Result"]:
            return None
        raise


def without_prefix(names: Sequence[str]) -> list[str]:
    """Names of columns without the table that Hive puts before those of `SELECT *`.

    >>> without_prefix(["t.date", "t.wiki", "other.wiki", "0.5 quantile"])
    ['date', 't.wiki', 'other.wiki', '0.5 quantile']
    """
    short = [_PREFIX.sub("", name) for name in names]
    return [one if short.count(one) == 1 else name for one, name in zip(short, names, strict=True)]
