from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any

import pytest

from reportupdater.engines.shared.sql import table
from reportupdater.engines.shared.values import text, text_rows
from reportupdater.errors import ResultError
from reportupdater.model import Table


class Name(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "plain"


class Level(IntEnum):
    HIGH = 3


class Rows:
    """A cursor over rows in memory, that counts what is fetched."""

    def __init__(self, names: Sequence[str] | None, rows: Sequence[tuple[Any, ...]]) -> None:
        self.description = None if names is None else [(name, None) for name in names]
        self.fetched = 0
        self._rows = rows

    def fetchmany(self, size: int) -> Sequence[tuple[Any, ...]]:
        chunk = self._rows[self.fetched : self.fetched + size]
        self.fetched += len(chunk)
        return chunk


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        ("0012", "0012"),
        (" NULL ", " NULL "),
        (0, "0"),
        (2**60, "1152921504606846976"),
        (5.0, "5.0"),
        (1e16, "1e+16"),
        (float("nan"), "nan"),
        (True, "true"),
        (False, "false"),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-12.50"), "-12.50"),
        (b"enwiki", "enwiki"),
        (bytearray("ü😀".encode()), "ü😀"),
        (date(2015, 1, 2), "2015-01-02"),
        (datetime(2015, 1, 2, 3, 4, 5), "2015-01-02 03:04:05"),
        (datetime(2015, 1, 2, 3, 4, 5, 60), "2015-01-02 03:04:05.000060"),
        (timedelta(hours=25), "1 day, 1:00:00"),
        (Name("special"), "plain"),
        (Level.HIGH, "3"),
    ],
)
def test_a_value_is_written_as_the_contract_says(value: object, expected: str) -> None:
    assert text(value) == expected
    [[written]] = text_rows([(value,)], ("column",))
    assert written == expected
    assert type(written) is str


def test_binary_that_is_not_utf8_is_told_with_its_column_and_row() -> None:
    rows = [("2015-01-02", b"\xc3\xbc"), ("2015-01-02", b"\xfc")]
    with pytest.raises(ResultError, match=r"^column 'name' of row 12 .*not UTF-8 .*HEX\(\)"):
        text_rows(rows, ("date", "name"), first=11)


def test_the_row_that_is_told_counts_over_all_chunks() -> None:
    rows: list[tuple[Any, ...]] = [(b"fine",)] * 2500 + [(b"\xff",)]
    with pytest.raises(ResultError, match="of row 2,501"):
        table(Rows(["name"], rows), max_rows=10_000)


def test_no_result_set_is_no_table() -> None:
    with pytest.raises(ResultError, match="gave no table"):
        table(Rows(None, []), max_rows=10)


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2000])
def test_a_table_has_all_rows_up_to_max_rows(count: int) -> None:
    rows = [(number,) for number in range(count)]
    cursor = Rows(["n"], rows)
    assert table(cursor, max_rows=2000) == Table(("n",), [(str(n),) for n in range(count)])


@pytest.mark.parametrize("max_rows", [0, 1, 999, 1000, 1001])
def test_no_more_than_one_row_too_many_is_fetched(max_rows: int) -> None:
    cursor = Rows(["n"], [(number,) for number in range(5000)])
    with pytest.raises(ResultError, match=f"more than {max_rows:,} rows"):
        table(cursor, max_rows=max_rows)
    assert cursor.fetched == max_rows + 1
