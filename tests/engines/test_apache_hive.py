"""What only Apache Hive itself does, with Tez: the tests of `test_hive.py` run on Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reportupdater.engines.hive_session import HiveSession
from reportupdater.errors import QueryError
from tests.engines.asking_hive import ask, value
from tests.servers.hive import Hive


@pytest.fixture
def session(hive: Hive) -> Iterator[HiveSession]:
    with closing(HiveSession(hive.entry())) as session:
        session.connect()
        yield session


def test_a_failing_vertex_is_shown_with_its_innermost_cause(session: HiveSession) -> None:
    with pytest.raises(QueryError) as caught:
        ask(session, "SELECT assert_true(n = 2) FROM one GROUP BY n")
    assert caught.value.what == "vertex Reducer 2 failed: ASSERT_TRUE(): assertion failed."
    assert session.connected
    assert value(session, "1") == "1"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM nowhere", "Line 1:14 Table not found 'nowhere'"),
        ("\nSELECT x\nFROM one", "Line 2:7 Invalid table alias or column reference 'x': "),
        ("SELECT 1 AS date", "line 1:12 cannot recognize input near"),
    ],
)
def test_an_error_begins_with_the_place_and_what_is_wrong(
    session: HiveSession, query: str, shown: str
) -> None:
    with pytest.raises(QueryError) as caught:
        ask(session, query)
    assert caught.value.what.startswith(shown)
    assert caught.value.hint
