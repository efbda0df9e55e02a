"""Getting in, and what is said where that fails."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reportupdater.connection import Line
from reportupdater.engines.hive.session import HiveSession
from reportupdater.engines.hive.transport import Transport, login
from reportupdater.errors import ConnectionFailed, QueryError, ReportupdaterError
from tests.engines.hive.asking import ENTRY, answer, failure, stopped, value
from tests.helpers import patient
from tests.servers.mariadb import free_port
from tests.servers.spark import Spark

PASSWORD = "dont-tell-anybody"


def test_a_server_with_sasl_lets_in_under_any_password(spark: Spark) -> None:
    assert answer(spark.entry()) == "2"


@pytest.mark.parametrize("auth", ["LDAP", "CUSTOM"])
def test_user_and_password_are_sent(
    spark: Spark, tmp_path: Path, auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    creds_file = tmp_path / "creds.cnf"
    creds_file.write_text(f"[client]\nuser = \"somebody\"\npassword = '{PASSWORD}'\n")
    entry = spark.entry(auth=auth, username=None, creds_file=creds_file)
    assert answer(entry, "current_user()") == "somebody"
    monkeypatch.setenv("HIVE_PASSWORD", PASSWORD)
    entry = spark.entry(auth=auth, password_env="HIVE_PASSWORD")
    assert answer(entry, "current_user()") == "reports"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"auth": "NOSASL"}, "closed the connection .*`auth: NOSASL`: .*such as `auth: NONE`"),
        ({"transport": "http"}, "`transport: http` with `auth: NONE`"),
    ],
)
def test_a_server_that_wants_another_login_is_told_with_what_to_check(
    spark: Spark, keys: dict[str, Any], message: str
) -> None:
    error = failure(spark.entry(**keys))
    assert error.what.startswith(f"cannot log in on 127.0.0.1:{spark.port}: ")
    assert re.search(message, str(error))
    assert not error.retry


@pytest.mark.parametrize("auth", ["NONE", "NOSASL", "http"])
@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"",
        b"\x05\0\0\0\x05hello",
        b"\x80\x01\0\x02\0\0\0\x0bOpenSession\0\0\0\0\0",
        b"\0" * 99,
    ],
)
def test_what_is_no_hiveserver2_is_a_failed_connection(auth: str, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            # The client may be gone before all of this is done.
            with contextlib.suppress(OSError), server.accept()[0] as sock:
                sock.sendall(greeting)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1000):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        keys: dict[str, Any] = {"transport": "http"} if auth == "http" else {"auth": auth}
        error = failure(replace(ENTRY, port=port, **keys))
        thread.join()
    assert f"127.0.0.1:{port}" in str(error)
    assert error.hint


@pytest.mark.parametrize("keys", [{}, {"auth": "NOSASL"}, {"transport": "http"}])
def test_a_server_that_says_nothing_can_be_cancelled(keys: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = HiveSession(replace(ENTRY, port=server.getsockname()[1], **keys))
        timer = threading.Timer(0.3, session.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(ConnectionFailed):
            session.connect()
        assert time.monotonic() - began < patient(1.5)
        timer.join()
        session.close()


def test_a_refused_connection_names_the_server_and_what_to_check() -> None:
    port = free_port()
    error = failure(replace(ENTRY, port=port))
    assert str(error) == (
        f"cannot connect to 127.0.0.1:{port}: Connection refused"
        " (does a server run there? check `host` and `port`)"
    )
    assert error.retry


def test_an_unknown_host_names_it() -> None:
    error = failure(replace(ENTRY, host="nowhere.invalid"))
    assert error.what.startswith("cannot connect to nowhere.invalid:10000: ")


# Who logs in


def test_a_password_that_is_missing_is_told_before_anything_is_sent() -> None:
    error = failure(replace(ENTRY, auth="LDAP"))
    assert str(error) == (
        "auth: LDAP needs a password (give the database a `creds_file` or a `password_env`)"
    )
    assert not error.retry


def test_an_environment_variable_that_is_missing_is_named() -> None:
    error = failure(replace(ENTRY, password_env="NO_SUCH_PASSWORD"))
    assert error.what == "the environment variable NO_SUCH_PASSWORD is not set"
    assert not error.retry


def test_a_user_without_a_name_is_told_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    error = failure(replace(ENTRY, username=None))
    assert "`username`" in error.hint
    assert not error.retry


@pytest.mark.parametrize(
    "content",
    [
        f"password={PASSWORD}\n",
        f"[client]\npassword={PASSWORD}\nuser\n",
        f"[client]\n = {PASSWORD}\n[client\n",
        f"{PASSWORD}\n  {PASSWORD}",
        "[client]\npassword=\xff",
    ],
)
def test_a_damaged_creds_file_is_told_without_its_content(tmp_path: Path, content: str) -> None:
    creds_file = tmp_path / "creds.cnf"
    creds_file.write_bytes(content.encode("latin1"))
    error = failure(replace(ENTRY, creds_file=creds_file))
    assert str(creds_file) in error.what
    assert PASSWORD not in str(error)
    assert not error.retry


def test_a_missing_creds_file_is_told(tmp_path: Path) -> None:
    error = failure(replace(ENTRY, creds_file=tmp_path / "creds.cnf"))
    assert str(error) == (
        f"{tmp_path}/creds.cnf: cannot read the creds_file: No such file or directory"
        " (it must exist and be readable for the user that runs the reports)"
    )
    assert not error.retry


def test_the_password_is_in_no_message(
    spark: Spark, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HIVE_PASSWORD", PASSWORD)
    entry = spark.entry(auth="LDAP", password_env="HIVE_PASSWORD")
    messages = [str(failure(replace(entry, port=free_port())))]
    with closing(HiveSession(entry)) as session:
        session.connect()
        with pytest.raises(ReportupdaterError) as caught:
            value(session, "nothing")
        messages += [str(caught.value), repr(session), caplog.text]
    assert PASSWORD not in "\n".join(messages)


# Opening a session, for which a busy server takes its time


def late(server: socket.socket, port: int, seconds: float) -> None:
    """Hand one client on to a server, to which it can say nothing more for so many seconds."""
    with server.accept()[0] as client, socket.create_connection(("127.0.0.1", port)) as behind:

        def back() -> None:
            with contextlib.suppress(OSError):
                while data := behind.recv(1 << 16):
                    client.sendall(data)

        thread = threading.Thread(target=back)
        thread.start()
        while data := client.recv(1 << 16):
            if b"OpenSession" in data:
                time.sleep(seconds)
            behind.sendall(data)
        behind.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_opening_a_session_may_take_longer_than_a_login(
    spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportupdater.engines.hive.session.CONNECT_TIMEOUT", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=late, args=(server, spark.port, 3.0))
        thread.start()
        assert answer(spark.entry(port=server.getsockname()[1])) == "2"
        thread.join()


@pytest.mark.parametrize("keys", [{"auth": "NOSASL"}, {"transport": "http"}])
def test_a_session_that_is_not_opened_in_time_is_told_as_that(keys: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        entry = replace(ENTRY, port=port, open_session_timeout=0.5, **keys)
        error = failure(entry)
    assert error.what == f"127.0.0.1:{port} did not open a session within 0.5 s"
    assert "open_session_timeout" in error.hint
    assert error.retry


def test_the_limit_of_opening_a_session_comes_on_top_of_that_of_a_login() -> None:
    assert HiveSession(ENTRY).connect_timeout == 70
    assert HiveSession(replace(ENTRY, open_session_timeout=600)).connect_timeout == 610


# Sessions and queries that end without us


def handle(session: HiveSession) -> Any:
    """What the server calls a session."""
    connection: Any = session._connection
    return connection.sessionHandle


def closing_by_others(spark: Spark, request: Any) -> None:
    """Send a request to the server on a connection of its own."""
    entry = spark.entry()
    with (
        closing(Line()) as line,
        Transport(entry, login(entry), line, 10, 10).client() as client,
    ):
        kind = type(request).__name__[1:].removesuffix("Req")
        assert getattr(client, kind)(request).status.statusCode == 0


def test_a_session_that_has_expired_between_two_queries_costs_no_retry(spark: Spark) -> None:
    from TCLIService.ttypes import TCloseSessionReq

    with closing(HiveSession(spark.entry())) as session:
        session.connect()
        assert value(session, "1") == "1"
        closing_by_others(spark, TCloseSessionReq(handle(session)))
        assert value(session, "2") == "2"


def test_a_new_session_that_is_refused_at_once_is_a_failed_connection(spark: Spark) -> None:
    from TCLIService.ttypes import TCloseSessionReq

    with closing(HiveSession(spark.entry())) as session:
        session.connect()
        closing_by_others(spark, TCloseSessionReq(handle(session)))
        with pytest.raises(ConnectionFailed, match="Invalid SessionHandle"):
            value(session, "1")


def test_a_query_that_others_have_closed_is_not_tried_again(spark: Spark) -> None:
    from TCLIService.ttypes import TCloseOperationReq

    with closing(HiveSession(spark.entry())) as session:
        error, _ = stopped(
            spark,
            session,
            lambda: closing_by_others(spark, TCloseOperationReq(session._operation)),
        )
        assert isinstance(error, QueryError)
        assert error.what == "the query was stopped"
        assert value(session, "1") == "1"
