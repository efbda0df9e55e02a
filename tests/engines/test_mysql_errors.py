"""Errors of servers and logins that the suite's own server cannot be brought to make."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymysql.err import InternalError, MySQLError, OperationalError

from reportupdater.engines.mysql_errors import of_login, of_query, said
from reportupdater.errors import ConnectionFailed, QueryError, QueryTimeout, ReportupdaterError

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
        (OperationalError(1927, "Connection was killed"), ConnectionFailed),
        (OperationalError(2006, "MySQL server has gone away"), ConnectionFailed),
        (OperationalError(2013, "Lost connection"), ConnectionFailed),
        (OperationalError(1158, "Got an error reading communication packets"), ConnectionFailed),
        (InternalError("Packet sequence number wrong"), ConnectionFailed),
        (IndexError("index out of range"), ConnectionFailed),
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


def test_what_is_said_is_one_line() -> None:
    assert said(MySQLError(1064, "near 'FROM\n  nowhere'\nat line 2")) == (
        "(1064) near 'FROM nowhere' at line 2"
    )
    assert said(ValueError("two\nlines")) == "ValueError: two lines"
