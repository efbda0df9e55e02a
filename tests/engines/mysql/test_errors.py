"""Errors of servers and logins that the suite's own server cannot be brought to make."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymysql.err import InternalError, MySQLError, OperationalError

from reportupdater.engines.mysql.errors import of_login, of_query, said
from reportupdater.errors import (
    ConnectionFailed,
    QueryError,
    QueryTimeout,
    ReportupdaterError,
    ResultError,
)

ADDRESS = "db1.example.org:3306"


@pytest.mark.parametrize(
    ("error", "retry", "hint"),
    [
        (RuntimeError("'pynacl' package is required for ed25519"), False, "mysql_native_password"),
        (OperationalError(2059, "Authentication plugin 'x' not configured"), False, "native"),
        (OperationalError(1129, "Host 'x' is blocked"), False, "FLUSH HOSTS"),
        (OperationalError(1130, "Host 'x' is not allowed"), False, "this host"),
        (OperationalError(2026, "SSL is required"), False, "ssl-"),
        (OperationalError(1040, "Too many connections"), True, "`concurrency`"),
        (OperationalError(1053, "Server shutdown in progress"), True, ""),
        (InternalError("Packet sequence number wrong"), True, "is that a MariaDB"),
        (AssertionError(), True, "is that a MariaDB"),
    ],
)
def test_a_login_fails_for_good_or_may_be_tried_again(
    error: Exception, retry: bool, hint: str
) -> None:
    failure = of_login(error, ADDRESS, Path("/etc/creds.cnf"))
    assert failure.what.startswith(f"cannot log in on {ADDRESS}: ")
    assert failure.retry == retry
    assert hint in failure.hint


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OperationalError(3024, "maximum statement execution time exceeded"), QueryTimeout),
        (OperationalError(1969, "Query execution was interrupted"), QueryTimeout),
        (OperationalError(1205, "Lock wait timeout exceeded"), QueryError),
        (OperationalError(1213, "Deadlock found when trying to get lock"), QueryError),
        (
            OperationalError(4031, "The client was disconnected because of inactivity"),
            ConnectionFailed,
        ),
        (OperationalError(1927, "Connection was killed"), ConnectionFailed),
        (OperationalError(2006, "MySQL server has gone away"), ConnectionFailed),
        (OperationalError(2013, "Lost connection"), ConnectionFailed),
        (OperationalError(1158, "Got an error reading communication packets"), ConnectionFailed),
        (InternalError("Packet sequence number wrong"), ConnectionFailed),
        (ConnectionResetError(104, "Connection reset by peer"), ConnectionFailed),
        (IndexError("index out of range"), ResultError),
        (KeyError(242), ResultError),
        (ValueError("no such value"), ResultError),
    ],
)
def test_an_error_is_the_querys_or_the_connections(
    error: Exception, kind: type[ReportupdaterError]
) -> None:
    failure = of_query(error, ADDRESS)
    assert type(failure) is kind
    if isinstance(failure, ConnectionFailed):
        assert failure.retry
        assert ADDRESS in failure.what


@pytest.mark.parametrize(
    ("code", "text", "limit"),
    [
        (1040, "Too many connections", "the server's max_connections"),
        (1203, "User x already has more than 'max_user_connections' active connections",
            "the user's max_user_connections"),
        (1226, "User 'x' has exceeded the 'max_connections_per_hour' resource (current value: 9)",
            "the user's max_connections_per_hour"),
    ],
)  # fmt: skip
def test_a_server_without_room_names_the_limit_that_was_hit(
    code: int, text: str, limit: str
) -> None:
    failure = of_login(OperationalError(code, text), ADDRESS, None)
    assert failure.no_room
    assert f"the limit that was hit is {limit}" in failure.hint
    query = of_query(OperationalError(code, text), ADDRESS)
    assert isinstance(query, ConnectionFailed)
    assert not query.no_room  # it had its connection


@pytest.mark.parametrize("code", [1205, 1213, 1412])
def test_what_another_program_is_the_cause_of_is_asked_again(code: int) -> None:
    failure = of_query(OperationalError(code, "try restarting transaction"), ADDRESS)
    assert isinstance(failure, QueryError)
    assert failure.retry
    other = of_query(OperationalError(1146, "Table 'x.y' doesn't exist"), ADDRESS)
    assert isinstance(other, QueryError)
    assert not other.retry


def test_what_is_said_is_one_line() -> None:
    assert said(MySQLError(1064, "near 'FROM\n  nowhere'\nat line 2")) == (
        "(1064) near 'FROM nowhere' at line 2"
    )
    assert said(ValueError("two\nlines")) == "ValueError: two lines"
