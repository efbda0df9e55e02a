"""The rules that a result keeps before it is stored. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from reportupdater.errors import ResultError, shown
from reportupdater.intervals import Granularity
from reportupdater.model import ServerWarning, Table, Task

_MAX_NAME = 10_000
"""Characters of a column's name. What is longer is no name: something was printed without a line's end."""


class Checked(NamedTuple):
    """A table that may be stored: every row dated inside the interval, dates as labels."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    empty: bool
    """The query gave no rows; `rows` is one row of empty values then."""
    quoted: frozenset[str] | None = None
    """That of the table."""
    warnings: tuple[ServerWarning, ...] = ()
    """Those of the table."""


def checked(task: Task, table: Table) -> Checked:
    """Return the table of a task as it will be stored. Raises ResultError."""
    header = _header(task, table)
    if not table.rows:
        row = (task.start, *[""] * (len(header) - 1))
        return Checked(header, [row], empty=True, quoted=table.quoted, warnings=table.warnings)
    granularity = task.series.report.granularity
    wanted = granularity.number(task.interval.start)
    width = len(header)
    rows = []
    for count, row in enumerate(table.rows, 1):
        if len(row) != width:
            raise ResultError(
                f"row {count} has {_columns(len(row))}, the header has {width}",
                hint="the row begins " + shown("\t".join(row)),
            )
        try:
            label, number = granularity.place(row[0])
        except ValueError as error:
            raise ResultError(
                f"the first column of row {count}: {error}",
                hint=f"the first column must be a date inside [{task.start}, {task.end})",
            ) from None
        if number != wanted:
            raise ResultError(
                f"row {count} is dated {row[0][:40]}, outside the interval [{task.start}, {task.end})",
                hint=_outside(granularity, wanted, number),
            )
        rows.append(row if row[0] == label else (label, *row[1:]))
    return Checked(header, rows, empty=False, quoted=table.quoted, warnings=table.warnings)


def _columns(count: int) -> str:
    return f"{count} column" if count == 1 else f"{count} columns"


def _outside(granularity: Granularity, wanted: int, number: int) -> str:
    """Return what to do about a row dated in another interval than the wanted one."""
    hint = "select only what is in the interval, whose end is exclusive"
    if abs(number - wanted) > 1:
        return hint
    if granularity is Granularity.WEEKS:
        return f"{hint}; weeks run from Sunday to Saturday, in UTC, unless `week_starts: monday`"
    if granularity is Granularity.WEEKS_FROM_MONDAY:
        return f"{hint}; weeks run from Monday to Sunday, in UTC"
    return f"{hint}; its dates are in UTC"


def check_text(checked: Checked, text: str) -> None:
    """Raise ResultError where the text of a table holds a NUL, which no TSV may hold."""
    if "\0" not in text:
        return
    for count, row in enumerate(checked.rows, 1):
        for name, cell in zip(checked.header, row, strict=True):
            if "\0" in cell:
                raise ResultError(
                    f"column {shown(name)} of row {count:,} holds a NUL character",
                    hint="is it binary data, or padded? let the query make text of it, with HEX() or"
                    " TRIM(TRAILING '\\0' FROM …)",
                )


def _header(task: Task, table: Table) -> tuple[str, ...]:
    header = table.header
    if not table.rows and len(header) > 1 and not header[-1]:
        header = header[:-1]  # what scripts that pivot print when they have nothing to pivot
    _check_names(header, task.series.report.granularity)
    return header


@lru_cache(64)  # of the results of a report nearly all have the same
def _check_names(header: tuple[str, ...], granularity: Granularity) -> None:
    """Raise ResultError for names that a TSV cannot have."""
    if not header:
        raise ResultError("the result has no header", hint="its first line must name the columns")
    names: set[str] = set()
    for place, name in enumerate(header, 1):
        if not name:
            raise ResultError(f"column {place} has no name", hint="give every column a name")
        if len(name) > _MAX_NAME:
            raise ResultError(
                f"the name of column {place} has {len(name):,} characters",
                hint="the first line must name the columns",
            )
        if "\0" in name:
            raise ResultError(
                f"the name of column {place} holds a NUL character", hint="give it another name"
            )
        if name in names:
            raise ResultError(f"two columns are called {shown(name)}", hint="rename one of them")
        names.add(name)
    if header[0].startswith("\ufeff"):
        # It would be the TSV's own byte-order mark, and gone when that is read.
        raise ResultError(
            "the name of the first column begins with a byte-order mark",
            hint="let the script print one at most, and the query none",
        )
    if _is_date(granularity, header[0]):
        # Such a TSV would be taken for one whose header line is missing.
        raise ResultError(
            f"the first column is called {shown(header[0])}: that is a date, and no header",
            hint="the first line, or the query's AS, must name the columns",
        )


def _is_date(granularity: Granularity, text: str) -> bool:
    try:
        granularity.place(text)
    except ValueError:
        return False
    return True
