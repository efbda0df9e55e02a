"""Values as both kinds of HiveServer2 send them: that of Apache Hive, and Spark's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ResultError
from tests.engines.hive.asking import ask, value
from tests.servers.hive import Hive
from tests.servers.hiveserver2 import HiveServer2
from tests.servers.spark import Spark


@pytest.fixture(params=["hive", "spark"])
def server(request: pytest.FixtureRequest) -> HiveServer2:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Hive | Spark)
    return found


@pytest.fixture
def session(server: HiveServer2) -> Iterator[HiveSession]:
    with closing(HiveSession(server.entry())) as session:
        session.connect()
        yield session


EXPECTED = {
    "true": "true",
    "1 = 2": "false",
    "5D": "5.0",
    "0.1D": "0.1",
    "1e10": "1.0E10",
    "1e-5D": "1.0E-5",
    "12345678.9D": "1.23456789E7",
    "CAST('NaN' AS DOUBLE)": "NaN",
    "CAST('Infinity' AS DOUBLE)": "Infinity",
    "CAST('-Infinity' AS DOUBLE)": "-Infinity",
    "CAST(NULL AS DOUBLE)": "",
    "CAST(0.1 AS FLOAT)": "0.1",
    "CAST(123456789 AS FLOAT)": "1.23456792E8",
    "CAST(1e10 AS FLOAT)": "1.0E10",
    "CAST(0 AS DECIMAL(20,8))": "0.00000000",
    "CAST(1e-7 AS DECIMAL(20,8))": "0.00000010",
    "CAST(1234567.5 AS DECIMAL(10,2))": "1234567.50",
    "CAST(NULL AS DECIMAL(10,2))": "",
    "CAST(3 AS TINYINT)": "3",
    "9223372036854775807": "9223372036854775807",
    "DATE '2015-01-02'": "2015-01-02",
    "TIMESTAMP '2015-01-02 03:04:05'": "2015-01-02 03:04:05",
    "TIMESTAMP '2015-01-02 03:04:05.5'": "2015-01-02 03:04:05.5",
    "TIMESTAMP '2015-01-02 03:04:05.123456'": "2015-01-02 03:04:05.123456",
    "CAST(NULL AS TIMESTAMP)": "",
    "INTERVAL '1-2' YEAR TO MONTH": "1-2",
    "INTERVAL '1 02:03:04' DAY TO SECOND": "1 02:03:04.000000000",
    "named_struct('action', 'init', 'n', 1e10)": '{"action":"init","n":1.0E10}',
    "array('a', 'ü', NULL)": '["a","ü",null]',
    "map('a', 1)": '{"a":1}',
    "array(named_struct('ok', true))": '[{"ok":true}]',
    "CAST('enwiki' AS BINARY)": "enwiki",
    "NULL": "",
    "'NULL'": "NULL",
    "'12.50'": "12.50",
    r"'it\'s'": "it's",
    "'100%'": "100%",
}


def test_values_are_written_as_the_hive_command_does(session: HiveSession) -> None:
    columns = ", ".join(f"{expression} AS c{at}" for at, expression in enumerate(EXPECTED))
    [found] = ask(session, f"SELECT {columns}").rows
    assert dict(zip(EXPECTED, found, strict=True)) == EXPECTED


def test_each_row_has_its_own_nulls(server: HiveServer2, session: HiveSession) -> None:
    numbers = {
        "Hive": "SELECT pos AS n FROM (SELECT posexplode(split(space(19), ' '))) AS t",
        "Spark": "SELECT id AS n FROM range(20)",
    }
    nullable = "if(n % 3 = 0, NULL, CAST(n AS {}))"
    kinds = "DOUBLE", "DECIMAL(4,1)", "INT", "STRING"
    columns = ", ".join(f"{nullable.format(kind)} AS c{at}" for at, kind in enumerate(kinds))
    table = ask(session, f"SELECT {columns} FROM ({numbers[server.name]}) AS x")
    rows = sorted(table.rows)
    expected = [
        ("", "", "", "") if n % 3 == 0 else (f"{n}.0", f"{n}.0", f"{n}", f"{n}") for n in range(20)
    ]
    assert rows == sorted(expected)


def test_all_digits_of_a_timestamp_are_kept(server: HiveServer2, session: HiveSession) -> None:
    found = value(session, "TIMESTAMP '2015-01-02 03:04:05.123456789'")
    kept = {"Hive": "2015-01-02 03:04:05.123456789", "Spark": "2015-01-02 03:04:05.123456"}
    assert found == kept[server.name]  # Spark itself knows no more than microseconds


def test_a_year_that_python_does_not_know_is_text(
    server: HiveServer2, session: HiveSession
) -> None:
    expression = {
        "Hive": "CAST('0000-01-01 00:00:00' AS TIMESTAMP)",
        "Spark": "TIMESTAMP '+10000-01-01 00:00:00'",
    }
    expected = {"Hive": "0000-01-01 00:00:00", "Spark": "+10000-01-01 00:00:00"}
    assert value(session, expression[server.name]) == expected[server.name]


def test_a_type_that_pyhive_does_not_know_is_text(
    server: HiveServer2, session: HiveSession
) -> None:
    """Such as TIMESTAMP WITH LOCAL TIME ZONE, whose number in Hive's interface is 22."""
    kind = {"Hive": "TIMESTAMP WITH LOCAL TIME ZONE", "Spark": "TIMESTAMP_LTZ"}
    zone = {"Hive": ".0 UTC", "Spark": ""}
    found = value(session, f"CAST('2015-01-02 03:04:05' AS {kind[server.name]})")
    assert found == f"2015-01-02 03:04:05{zone[server.name]}"


def test_binary_that_is_not_utf8_is_reported_with_its_column(session: HiveSession) -> None:
    with pytest.raises(ResultError, match=r"column 'raw' of row 1 .*not UTF-8"):
        ask(session, "SELECT '2015-01-02' AS `date`, unhex('FF') AS raw")
    assert value(session, "1") == "1"
