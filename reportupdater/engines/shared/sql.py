"""What the engines for databases share: a query's text, and fetching its result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

from reportupdater.engines.shared.values import text_rows, too_many_rows
from reportupdater.errors import ResultError
from reportupdater.model import Table, Task
from reportupdater.template import time_values

CHUNK = 1000
"""Rows fetched at once: enough to be quick, and little in memory."""

MAX_TEXT = 2**27
"""Characters of a result: few rows may hold much, and SQLite takes a billion bytes in one value."""


ONE_STATEMENT = "a report's query is one statement; WITH names its parts"
"""What to do about a file with several."""


class Cursor(Protocol):
    """What is needed of a DB-API cursor."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """The columns of the result, the name first; None when there is no result."""

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """Return the next rows, fewer than `size` only at the end."""


def rendered(task: Task) -> str:
    """Return the text of the task's query with the interval and the dimensions' values put in."""
    report = task.series.report
    if report.template is None:
        raise TypeError(f"report {report.name} has no query")
    values = {**time_values(task.interval, report.granularity), **task.series.dimensions}
    return report.template.render(values)


def table(cursor: Cursor, max_rows: int) -> Table:
    """Return the result of the query that the cursor has executed.

    Raises ResultError when there is none, or as soon as it has more than `max_rows` rows or
    `MAX_TEXT` characters.
    """
    if cursor.description is None:
        raise ResultError(
            "the query gave no table", hint="a report's query is one statement that gives rows"
        )
    header = tuple(str(column[0]) for column in cursor.description)
    rows: list[tuple[str, ...]] = []
    size = 0
    while True:
        most = min(CHUNK, max_rows + 1 - len(rows))
        chunk = cursor.fetchmany(most)
        texts = text_rows(chunk, header, first=len(rows) + 1)
        rows += texts
        if len(rows) > max_rows:
            raise too_many_rows(max_rows)
        size += sum(map(len, chain.from_iterable(texts)))
        if size > MAX_TEXT:
            raise ResultError(
                f"more than {MAX_TEXT:,} characters in all its cells",
                hint="let the query aggregate more",
            )
        if len(chunk) < most:
            return Table(header, rows)
