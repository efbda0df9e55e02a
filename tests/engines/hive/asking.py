"""What the tests of the hive engine share."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed, ReportupdaterError
from reportupdater.model import Query, Table
from tests.helpers import patient, wait_until
from tests.servers.hiveserver2 import HiveServer2

ENTRY = HiveDatabase(name="hive", host="127.0.0.1", username="reports")


def ask(
    session: HiveSession,
    text: str,
    *,
    database: str | None = None,
    max_rows: int = 1000,
    timeout: float = 600,
) -> Table:
    """The table of a query, on a session that is connected if need be."""
    if not session.connected:
        session.connect()
    return session.run(Query(text, database), max_rows=max_rows, timeout=timeout)


def value(session: HiveSession, expression: str) -> str:
    """What an expression gives."""
    [[only]] = ask(session, f"SELECT {expression} AS x").rows
    return only


def answer(entry: HiveDatabase, expression: str = "1 + 1") -> str:
    """What an expression gives, in a session of its own."""
    with closing(HiveSession(entry)) as session:
        return value(session, expression)


def failure(entry: HiveDatabase) -> ConnectionFailed:
    """Why no session can be opened."""
    session = HiveSession(entry)
    began = time.monotonic()
    with pytest.raises(ConnectionFailed) as caught:
        session.connect()
    assert time.monotonic() - began < patient(5)
    assert not session.connected
    session.close()
    return caught.value


def stopped(
    server: HiveServer2,
    session: HiveSession,
    action: Callable[[], object],
    query: str | None = None,
) -> tuple[ReportupdaterError, float]:
    """What a query dies of when something happens to it, and after how many seconds."""
    query = query or server.sleeping
    if not session.connected:
        session.connect()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(ask, session, query)
        try:
            wait_until(lambda: server.running() == [query])
            began = time.monotonic()
            action()
            error = call.exception(patient(30))
        except BaseException:
            session.cancel()  # else the thread is waited for as long as the query takes
            raise
    assert isinstance(error, ReportupdaterError)
    return error, time.monotonic() - began
