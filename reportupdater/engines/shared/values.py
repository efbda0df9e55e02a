"""Values as texts: what every engine puts into a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from reportupdater.errors import ResultError

_BINARY_HINT = "let the query make text of it, for example with HEX() or CAST()"


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


class _Writers(dict[type, Callable[[Any], str]]):
    """Type → what makes text of it. A type that is not there is looked at once, then it is."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        known = (known for known in kind.__mro__ if known is not object and known in self)
        base = next(known, None)
        # A subclass of str still has to become a plain one.
        self[kind] = writer = str if base is None or base is str else self[base]
        return writer


_WRITERS = _Writers(
    {
        str: str,
        int: int.__repr__,
        float: float.__repr__,
        type(None): lambda _: "",
        bool: _boolean,
        Decimal: _decimal,
        bytes: bytes.decode,
        bytearray: bytearray.decode,
    }
)


def text(value: object) -> str:
    """Return a value of a driver as a TSV spells it.

    It is Python's text of the value, but: None is empty, binary is taken as UTF-8, decimals have
    no exponent, booleans are `true` and `false`. Raises UnicodeDecodeError.

    >>> [text(value) for value in (None, 5.0, Decimal("0E-8"), b"enwiki", True)]
    ['', '5.0', '0.00000000', 'enwiki', 'true']
    """
    return _WRITERS[type(value)](value)


def text_rows(
    rows: Iterable[Sequence[object]], header: Sequence[str], first: int = 1
) -> list[tuple[str, ...]]:
    """Return rows of values as rows of texts; `first` is the number of the first row, for messages.

    Raises ResultError that names the column and the row of binary data that is not UTF-8.
    """
    writers = _WRITERS  # runs for every cell: a local name, and no call for what is text already
    texts = []
    for row in rows:
        try:
            texts.append(tuple([v if v.__class__ is str else writers[v.__class__](v) for v in row]))
        except UnicodeDecodeError:
            raise _undecodable(row, header, first + len(texts)) from None
    return texts


def _undecodable(row: Sequence[object], header: Sequence[str], number: int) -> ResultError:
    for name, value in zip(header, row, strict=False):
        try:
            text(value)
        except UnicodeDecodeError:
            return ResultError(
                f"column {name!r} of row {number:,} holds binary data that is not UTF-8",
                hint=_BINARY_HINT,
            )
    return ResultError(f"row {number:,} holds binary data that is not UTF-8", hint=_BINARY_HINT)


def too_many_rows(max_rows: int) -> ResultError:
    """Return the error for a result with more than `max_rows` rows."""
    return ResultError(
        f"more than {max_rows:,} rows",
        hint="let the query aggregate more, or raise the report's `max_rows`",
    )
