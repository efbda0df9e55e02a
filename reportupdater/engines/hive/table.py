"""The table that an operation of a HiveServer2 holds when it has come to its end.

It is read by the calls of the server's interface, not by PyHive's cursor: that one knows no type
newer than itself, rounds times to microseconds, and makes numbers of the server's texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from reportupdater.engines.shared import java, sql
from reportupdater.errors import ResultError
from reportupdater.model import Table

_FETCH = 10_000
"""Rows fetched at once."""

_Write = Callable[[Any], str]


def table(client: Any, operation: Any, max_rows: int) -> Table | None:
    """Return the result of a statement that has come to its end, None where there is none.

    Raises ResultError, and what Thrift and PyHive raise.
    """
    if not operation.hasResultSet:
        return None
    result = _Result(client, operation)
    if result.is_nothing:
        return None
    return sql.table(result, max_rows)


class _Result:
    """What `sql.table` needs of a cursor."""

    def __init__(self, client: Any, operation: Any) -> None:
        from TCLIService.ttypes import TGetResultSetMetadataReq

        self._client = client
        self._operation = operation
        columns = _good(client.GetResultSetMetadata(TGetResultSetMetadataReq(operation))).schema
        self.description = [(column.columnName,) for column in columns.columns]
        self._writers = [_writer(column) for column in columns.columns]
        self._rows: list[tuple[object, ...]] = []
        self._over = False
        self.is_nothing = False
        self._fetch()

    def fetchmany(self, size: int, /) -> Sequence[Sequence[object]]:
        while len(self._rows) < size and not self._over:
            self._fetch()
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def _fetch(self) -> None:
        from TCLIService.ttypes import TFetchOrientation, TFetchResultsReq

        request = TFetchResultsReq(self._operation, TFetchOrientation.FETCH_NEXT, _FETCH)
        results = _good(self._client.FetchResults(request)).results
        columns = results.columns
        if columns is None and not results.rows:
            # Spark announces a column called Result even where it has none, as for CREATE TABLE.
            self.is_nothing = self._over = True
            return
        texts = [
            _values(column, writer, name)
            for column, writer, (name,) in zip(
                columns, self._writers, self.description, strict=True
            )
        ]
        rows = list(zip(*texts, strict=True))
        self._rows += rows
        self._over = not rows  # what the server says of more rows is not to be relied on


def _good(response: Any) -> Any:
    from pyhive.exc import OperationalError
    from TCLIService.ttypes import TStatusCode

    if response.status.statusCode != TStatusCode.SUCCESS_STATUS:
        raise OperationalError(response)
    return response


def _values(column: Any, write: _Write | None, name: str) -> list[object]:
    """Return the values of a column of one answer, those that `write` makes text of as texts."""
    found = next((held for held in vars(column).values() if held is not None), None)
    if found is None:
        raise ResultError(
            f"column {name!r} has values of a kind that this client does not know",
            hint="let the query make text of it: CAST(… AS STRING)",
        )
    values: list[object] = found.values
    if write is not None:
        values = [write(value) for value in values]
    for at, byte in enumerate(found.nulls):  # a bit for each row
        if byte:
            for row in range(at * 8, min(at * 8 + 8, len(values))):
                if byte & (1 << row % 8):
                    values[row] = None
    return values


def _writer(column: Any) -> _Write | None:
    """Return what makes text of a column's values, None where they are good as they come.

    A type that is not known here comes as text, as do structs, arrays and maps.
    """
    primitive = column.typeDesc.types[0].primitiveEntry
    return None if primitive is None else _writers().get(primitive.type)


@cache
def _writers() -> dict[int, _Write]:
    from TCLIService.ttypes import TTypeId

    return {
        TTypeId.FLOAT_TYPE: java.double,
        TTypeId.DOUBLE_TYPE: java.double,
        TTypeId.DECIMAL_TYPE: _decimal,
        TTypeId.TIMESTAMP_TYPE: _timestamp,
    }


def _decimal(text: str) -> str:
    return format(Decimal(text), "f") if "E" in text else text


def _timestamp(text: str) -> str:
    return text.removesuffix(".0")  # as an old Hive sends whole seconds
