"""Hive's own words: Spark, on which the other tests run, says many things in another way."""

from __future__ import annotations

import http.client
from types import SimpleNamespace

import pytest
from thrift.protocol.TProtocol import TProtocolException
from thrift.Thrift import TApplicationException
from thrift.transport.TTransport import TTransportException

from reportupdater.engines.hive import errors
from reportupdater.engines.hive.http import HttpError
from reportupdater.engines.hive.socket import Closed
from reportupdater.errors import ConnectionFailed, QueryError, ResultError

ADDRESS = "hive1.example.org:10000"
STACK = """
\tat org.apache.hive.service.cli.operation.Operation.toSQLException(Operation.java:380)
\tat org.apache.hive.service.cli.operation.SQLOperation.prepare(SQLOperation.java:206)
Caused by: org.apache.hadoop.hive.ql.parse.SemanticException: another
\t... 26 more"""


def response(text: str | None, lines: list[str] | None = None) -> Exception:
    """An error as PyHive raises it."""
    status = SimpleNamespace(errorMessage=text, infoMessages=lines)
    return Exception(SimpleNamespace(status=status))


SEMANTIC = "FAILED: SemanticException"
MISPLACED = "cannot recognize input near 'date' ',' 'wiki' in select expression"
RIGHTS = "user [reports] does not have [SELECT] privilege on [events/edits/*]"
TASK = "org.apache.hadoop.hive.ql.exec.mr.MapRedTask"


@pytest.mark.parametrize(
    ("before", "said", "hint"),
    [
        (f"{SEMANTIC} [Error 10001]: ", "Line 1:14 Table not found 'nowhere'", "the table's name"),
        (f"{SEMANTIC} [Error 10072]: ", "Database does not exist: nodb", "the entry's `database`"),
        (
            f"{SEMANTIC} [Error 10004]: ",
            "Line 8:3 Invalid table alias or column reference 'x': (possible column names are: n)",
            "column's",
        ),
        (f"{SEMANTIC} ", "No such thing", ""),
        ("FAILED: ParseException ", f"line 1:25 {MISPLACED}", "backticks"),
        ("FAILED: HiveAccessControlException ", f"Permission denied: {RIGHTS}", "no right"),
        ("FAILED: NoMatchingMethodException ", "No matching method for class x", ""),
        ("FAILED: ", f"Execution Error, return code 2 from {TASK}", ""),
        (f"FAILED: Execution Error, return code 1 from {TASK}. ", "it broke", ""),
        ("", "a word of FAILED: SemanticException in it", ""),
    ],
)
def test_hives_own_errors_are_shown_with_what_to_do(before: str, said: str, hint: str) -> None:
    for kind in ("compiling", "processing"):
        error = errors.of_query(response(f"Error while {kind} statement: {before}{said}"), ADDRESS)
        assert isinstance(error, QueryError)
        assert error.what == said
        assert hint in error.hint
        assert bool(hint) == bool(error.hint)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("java.lang.RuntimeException: it broke" + STACK, "it broke"),
        ("\n\norg.apache.hive.service.cli.HiveSQLException: \nit broke" + STACK, "it broke"),
        (
            "it broke: java.io.IOException: disk full" + STACK,
            "it broke: java.io.IOException: disk full",
        ),
        (STACK.strip("\n"), "at org.apache.hive.service.cli.operation.Operation.toSQLException"),
    ],
)
def test_no_stack_is_shown(said: str, shown: str) -> None:
    what = errors.of_query(response(said), ADDRESS).what
    assert what.partition("(")[0] == shown


JOB = "1795667112515_0001_1"
VERTEX = (
    "Error while compiling statement: FAILED: Execution Error, return code 2 from"
    f" org.apache.hadoop.hive.ql.exec.tez.TezTask. Vertex failed, vertexName=Map 1,"
    f" vertexId=vertex_{JOB}_00, diagnostics=["
)
ATTEMPT = f"Task failed, taskId=task_{JOB}_00_000000, diagnostics=[TaskAttempt 0 failed, info=["
RUNNING = (
    f"Error: Node: h/10.0.0.1 : Error while running task ( failure ) : attempt_{JOB}_00_000000_0:"
)
NEXT = "\n], TaskAttempt 1 failed, info=[Error: x:java.lang.Error: other\nCaused by: a.b.C: third"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            (
                f"{ATTEMPT}{RUNNING}java.lang.RuntimeException: java.lang.RuntimeException: outer"
                f"{STACK}\nCaused by: a.b.HiveException: two\nlines\n\tat a.b.C.d(C.java:1)"
                f'\nCaused by: java.lang.NumberFormatException: For input string: "x"{NEXT}'
            ),
            'NumberFormatException: For input string: "x"',
        ),
        (
            (
                f"{ATTEMPT}{RUNNING}java.lang.RuntimeException: outer\n\tat a.b.C.d(C.java:1)"
                f"\nCaused by: org.apache.hadoop.hive.ql.metadata.HiveException: it broke: here{NEXT}"
            ),
            "it broke: here",
        ),
        (f"{ATTEMPT}{RUNNING}java.lang.NullPointerException{NEXT}", "NullPointerException"),
        (
            f"{ATTEMPT}{RUNNING}java.lang.OutOfMemoryError: Java heap space{NEXT}",
            "OutOfMemoryError: Java heap space",
        ),
        (
            (
                f"Vertex vertex_{JOB}_00 [Map 1] killed/failed due to:ROOT_INPUT_INIT_FAILURE, Vertex"
                f" Input: t initializer failed, vertex=vertex_{JOB}_00 [Map 1],"
                " org.apache.hadoop.mapred.InvalidInputException: Input path does not exist: file:/x"
                "\n\tat a.b.C.d(C.java:1)\n]"
            ),
            "InvalidInputException: Input path does not exist: file:/x",
        ),
        (f"{ATTEMPT}Container c1 is beyond its memory{NEXT}", "Container c1 is beyond its memory"),
    ],
)
def test_a_failing_vertex_is_shown_with_its_innermost_cause(said: str, shown: str) -> None:
    error = errors.of_query(response(VERTEX + said), ADDRESS)
    assert type(error) is QueryError
    assert error.what == f"vertex Map 1 failed: {shown}"


@pytest.mark.parametrize(
    "said",
    [
        "Illegal Operation state transition from CLOSED to ERROR",
        "Illegal Operation state transition from CANCELED to FINISHED",
        (
            'Cannot invoke "org.apache.hadoop.hive.ql.session.SessionState.getSessionId()" because the'
            ' return value of "org.apache.hive.service.cli.session.HiveSession.getSessionState()" is null'
        ),
    ],
)
def test_a_job_that_notices_that_its_query_was_ended_says_so(said: str) -> None:
    error = errors.of_query(response(said), ADDRESS)
    assert type(error) is QueryError
    assert error.what == "the query was stopped"
    assert "ended on the server" in error.hint


def test_a_job_that_notices_that_its_time_is_over_is_a_timeout() -> None:
    assert errors.is_timeout("Illegal Operation state transition from TIMEDOUT to ERROR")
    assert not errors.is_timeout("Illegal Operation state transition from CLOSED to ERROR")


def test_the_message_may_stand_among_the_lines_for_programs() -> None:
    lines = ["*org.apache.hive.service.cli.HiveSQLException:it broke:28:27", "a.b.C:run:C.java:1"]
    error = errors.of_query(response(None, lines), ADDRESS)
    assert str(error) == "it broke:28:27"
    assert str(errors.of_query(response(None), ADDRESS)) == "the server gives no reason"


@pytest.mark.parametrize(
    "said",
    [
        "Invalid SessionHandle: SessionHandle [3f6d6a3a-6e5a-4d9c-b5a5-1b8f0d8a7c11]",
        "Invalid OperationHandle: OperationHandle [opType=EXECUTE_STATEMENT]",
        "org.apache.spark.SparkException: Job 3 cancelled because SparkContext was shut down",
        "Unable to execute: HiveServer2 is decommissioned or inactive",
        "Query was submitted to an inactive HS2 instance",
        "Operation canceled due to HiveServer2 stop",
    ],
)
def test_a_server_that_has_gone_or_come_back_is_a_failed_connection(said: str) -> None:
    error = errors.of_query(response(said), ADDRESS)
    assert isinstance(error, ConnectionFailed)
    assert error.retry
    assert ADDRESS in error.what


@pytest.mark.parametrize(
    "error",
    [KeyError(22), ValueError("not UTF-8"), TypeError("None"), AssertionError(), Exception()],
)
def test_an_exception_of_the_client_is_no_failed_connection(error: Exception) -> None:
    failure = errors.of_query(error, ADDRESS)
    assert isinstance(failure, ResultError)
    assert failure.what.startswith(f"an answer of {ADDRESS} cannot be read: {type(error).__name__}")
    assert "CAST" in failure.hint


@pytest.mark.parametrize(
    "error",
    [
        Closed("the server closed the connection"),
        HttpError("HTTP 503 Service Unavailable"),
        ConnectionResetError(104, "Connection reset by peer"),
        TimeoutError("timed out"),
        http.client.BadStatusLine("x"),
        EOFError(),
        TTransportException(message="TSocket read 0 bytes"),
        TProtocolException(message="Bad version in readMessageBegin"),
    ],
)
def test_an_error_of_the_way_to_the_server_is_a_failed_connection(error: Exception) -> None:
    failure = errors.of_query(error, ADDRESS)
    assert isinstance(failure, ConnectionFailed)
    assert failure.what.startswith(f"lost the connection to {ADDRESS}: ")
    assert failure.retry


def test_a_server_that_fails_to_answer_is_no_failed_connection() -> None:
    error = TApplicationException(6, "Internal error processing ExecuteStatement")
    failure = errors.of_query(error, ADDRESS)
    assert type(failure) is QueryError
    assert failure.what == f"{ADDRESS} cannot answer: Internal error processing ExecuteStatement"


@pytest.mark.parametrize(
    ("said", "retry", "hint"),
    [
        ("Failed to open new session: Cannot modify hive.x at runtime", False, "`settings`"),
        ("Connection limit per user reached (user: reports limit: 10)", True, ""),
        (
            "Failed to open new session: Cannot create directory. Name node is in safe mode.",
            True,
            "",
        ),
        ("Failed to open new session: MetaException: Could not connect to meta store", True, ""),
        ("HiveServer2 is decommissioned or inactive", True, ""),
        ("Failed to validate proxy privilege of reports for nightly", False, "`username`"),
    ],
)
def test_a_session_that_the_server_refuses(said: str, retry: bool, hint: str) -> None:
    error = errors.of_login(response(said), ADDRESS, "NONE", "binary")
    assert said in error.what
    assert error.retry == retry
    assert hint in error.hint


@pytest.mark.parametrize(
    ("said", "shown", "hint"),
    [
        ("Bad status: 3 (b'Error validating the login')", "Error validating the login", "password"),
        ("Bad status: 3 (b'GSS initiate failed')", "GSS initiate failed", "`auth`"),
    ],
)
def test_a_login_that_is_refused_is_not_tried_again(said: str, shown: str, hint: str) -> None:
    error = errors.of_login(RuntimeError(said), ADDRESS, "LDAP", "binary")
    assert error.what == f"cannot log in on {ADDRESS}: {shown}"
    assert hint in error.hint
    assert not error.retry


def test_a_ticket_error_without_a_reason_is_one_all_the_same() -> None:
    class GSSError(Exception):
        pass

    assert errors.words(GSSError(("Success", 0))) == "Kerberos gives no reason"
