"""What MariaDB and MySQL warn of beside a result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from reportupdater.model import Meaning, ServerWarning

_CUT = frozenset({1260, 1301, 1931})
"""GROUP_CONCAT or JSON_ARRAYAGG met group_concat_max_len; a function max_allowed_packet; the query LIMIT
ROWS EXAMINED or max_recursive_iterations."""

_MOST = 10
"""Warnings of one result that are kept, beside those of a cut."""

_LONGEST = 300

_LISTED = 1000
"""Warnings that are asked for; a server keeps 64, unless its max_error_count says otherwise."""


def collected(connection: Any, count: int) -> tuple[ServerWarning, ...]:
    """Ask for the warnings of the last statement, `count` of them. Raises what PyMySQL raises.

    Equal ones are one. Those that mean that the result was cut are all kept, and come first.
    """
    from pymysql.cursors import Cursor

    with closing(connection.cursor(Cursor)) as cursor:
        cursor.execute(f"SHOW WARNINGS LIMIT {_LISTED}")
        listed = [(int(code), connection.hidden(str(text))) for _, code, text in cursor.fetchall()]
    return tuple(_kept(listed, count - len(listed)))


def _kept(listed: Iterable[tuple[int, str]], unknown: int) -> Iterator[ServerWarning]:
    different = list(dict.fromkeys(listed))
    # One of a kind says that the result was cut: `Row 6 was cut`, `Row 7 was cut`.
    cuts = {code: text for code, text in reversed(different) if code in _CUT}
    for code in sorted(cuts):
        yield ServerWarning(code, _short(cuts[code]), Meaning.CUT)
    others = [(code, text) for code, text in different if code not in _CUT]
    for code, text in others[:_MOST]:
        yield ServerWarning(code, _short(text))
    more = max(unknown, 0) + len(others[_MOST:])
    if more:
        yield ServerWarning(0, f"further warnings of the server: {more:,}")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
