"""Validating what is read from the state and from status.json, where other users may write anything.

A row that is not as this program writes it is left out and reported, so that it ends no command.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reportupdater.errors import shown

log = logging.getLogger(__name__)

Check = Callable[[object], bool]
_MOST = 2**63
_MOST_SECONDS = 1e12
_MOST_PID = 2**22
"""Linux gives no higher number to a process."""


def is_text(value: object) -> bool:
    """Return whether it is a text."""
    return isinstance(value, str)


def is_name(value: object) -> bool:
    """Return whether it is a text without a NUL, as paths and names of reports are."""
    return isinstance(value, str) and "\0" not in value


def is_count(value: object) -> bool:
    """Return whether it is a whole number from 0 on that SQLite can hold."""
    return type(value) is int and 0 <= value < _MOST


def is_seconds(value: object) -> bool:
    """Return whether it can be a time that queries took together, in seconds."""
    return isinstance(value, int | float) and 0 <= value < _MOST_SECONDS


def is_pid(value: object) -> bool:
    """Return whether it can be the number of a process."""
    return type(value) is int and 0 < value <= _MOST_PID


def is_exit_code(value: object) -> bool:
    """Return whether it can be the exit code of a process."""
    return type(value) is int and 0 <= value < 256


def is_stamp(value: object) -> bool:
    """Return whether it is a moment as `history.stamp` spells it.

    >>> is_stamp("2025-01-02T03:04:05.678Z"), is_stamp("2025-01-02T03:04:05+01:00")
    (True, False)
    """
    if not isinstance(value, str) or not value.endswith("Z"):
        return False
    try:
        return datetime.fromisoformat(value.removesuffix("Z")).tzinfo is None
    except ValueError:
        return False


def or_none(check: Check) -> Check:
    """Return the check that nothing passes too."""
    return lambda value: value is None or check(value)


def texts(value: object) -> bool:
    """Return whether it is a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))


def passes(checks: Sequence[Check], row: Sequence[object]) -> bool:
    """Return whether each value of a row passes its check."""
    return len(row) == len(checks) and all(map(_pass, checks, row))


def _pass(check: Check, value: object) -> bool:
    return check(value)


def has(content: object, checks: Mapping[str, Check], optional: Mapping[str, Check] = {}) -> bool:
    """Return whether something is a mapping whose values pass.

    The optional ones where they are there.
    """
    return (
        isinstance(content, dict)
        and all(name in content and check(content[name]) for name, check in checks.items())
        and all(check(content[name]) for name, check in optional.items() if name in content)
    )


class Ignored:
    """What has been left out, counted by table."""

    def __init__(self) -> None:
        self._rows: dict[str, list[object]] = {}

    def add(self, table: str, row: object) -> None:
        """Leave a row of a table, or another part of what is read, out."""
        self._rows.setdefault(table, []).append(row)

    def lines(self) -> Iterator[str]:
        """Return what has been left out, a line for each table."""
        for table, rows in self._rows.items():
            count = f"{len(rows):,} entries" if len(rows) > 1 else "an entry"
            yield f"{count} of {table} that no run can have written: ignored: {shown(repr(rows[0]))}"

    def log(self) -> None:
        """Log the lines."""
        for line in self.lines():
            log.warning("the state holds %s", line)


def rows(
    connection: sqlite3.Connection,
    table: str,
    checks: Sequence[Check],
    query: str,
    values: Sequence[object] | Mapping[str, object] = (),
    *,
    ignored: Ignored | None = None,
) -> list[Any]:
    """Return the rows of a query over a table that pass the checks.

    The others are ignored, and logged.
    """
    found = connection.execute(query, values).fetchall()
    good = [row for row in found if passes(checks, row)]
    if len(good) < len(found):
        mine = Ignored() if ignored is None else ignored
        for row in found:
            if not passes(checks, row):
                mine.add(table, row)
        if ignored is None:
            mine.log()
    return good
