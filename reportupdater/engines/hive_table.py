"""The table that PyHive's cursor holds when a statement has come to its end."""

from __future__ import annotations

from typing import Any

from reportupdater.engines import sql
from reportupdater.model import Table


def table(cursor: Any, max_rows: int) -> Table | None:
    """The result of a statement that has come to its end, None where there is none."""
    if cursor.description is None:
        return None
    names = [column[0] for column in cursor.description]
    try:
        return sql.table(cursor, max_rows)
    except TypeError:
        # Spark announces a column called Result even where it has none, as for CREATE TABLE.
        if names == ["Result"]:
            return None
        raise
