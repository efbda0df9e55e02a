from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.mysql.engine import MysqlEngine, MysqlSession
from reportupdater.errors import (
    ConnectionFailed,
    QueryError,
    QueryTimeout,
    ReportupdaterError,
    ResultError,
)
from reportupdater.model import Query, Table
from tests.engines.tasks import sql_task
from tests.helpers import patient
from tests.servers.mariadb import PASSWORD, USER, Mariadb, free_port, running_mariadb


@pytest.fixture
def session(mariadb: Mariadb, fresh_database: str) -> Iterator[MysqlSession]:
    with closing(MysqlSession(mariadb.entry(fresh_database))) as session:
        session.connect()
        yield session


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ask(
    session: MysqlSession, text: str, database: str | None = None, timeout: float = 600
) -> Table:
    return session.run(Query(text, database), max_rows=1000, timeout=timeout)


def value(session: MysqlSession, expression: str, timeout: float = 600) -> str:
    [[only]] = ask(session, f"SELECT {expression} AS x", timeout=timeout).rows
    return only


def failure(entry: MysqlDatabase) -> ConnectionFailed:
    session = MysqlSession(entry)
    with pytest.raises(ConnectionFailed) as caught:
        session.connect()
    assert not session.connected
    session.close()
    return caught.value


def ends_when_cancelled(session: MysqlSession, call: Callable[[], object]) -> float:
    """Cancel a call that hangs; the seconds that it then took to end."""
    ended: list[float] = []

    def calling() -> None:
        with pytest.raises(ConnectionFailed):
            call()
        ended.append(time.monotonic())

    thread = threading.Thread(target=calling)
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    cancelled = time.monotonic()
    session.cancel()
    thread.join(patient(10))
    return ended[0] - cancelled


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# The engine


def test_a_wiki_names_the_database_to_switch_to(mariadb: Mariadb) -> None:
    engine = MysqlEngine()
    entry = mariadb.entry("main", wiki_dimension="wiki")
    wiki = {"wiki": "dewiki", "day": "x"}
    assert engine.query(sql_task(entry, "SELECT '{wiki}'", dimensions=wiki)) == Query(
        "SELECT 'dewiki'", "dewiki"
    )
    assert engine.query(sql_task(mariadb.entry("main"), "{from_timestamp:.8}")) == Query(
        "20150102", "main"
    )
    assert engine.query(sql_task(mariadb.entry(), "SELECT 1")).database is None


def test_all_wikis_of_a_server_share_connections(mariadb: Mariadb) -> None:
    engine = MysqlEngine()
    entry = mariadb.entry(wiki_dimension="wiki")
    one, other = (
        sql_task(replace(entry, name=name), "SELECT 1", dimensions={"wiki": name})
        for name in ("enwiki", "dewiki")
    )
    assert engine.access(one) == engine.access(other)
    assert str(engine.server(one)) == f"mysql 127.0.0.1:{mariadb.port}"
    assert not engine.has_side_effects(one)


@pytest.mark.parametrize(
    "change", [{"creds_file": Path("/other")}, {"port": 1}, {"database": None}]
)
def test_another_login_or_no_database_needs_a_connection_of_its_own(
    mariadb: Mariadb, change: dict[str, Any]
) -> None:
    engine = MysqlEngine()
    entry = mariadb.entry("main")
    one, other = (
        sql_task(entry, "SELECT 1"),
        sql_task(mariadb.entry(**{"database": "main", **change}), ""),
    )
    assert engine.access(one) != engine.access(other)


# Values


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST(0 AS DECIMAL(20,8))", "0.00000000"),
        ("CAST(1234567.5 AS DECIMAL(10,2))", "1234567.50"),
        ("CAST(5 AS DOUBLE)", "5.0"),
        ("1e100", "1e+100"),
        ("CAST('2015-01-02 03:04:05' AS DATETIME)", "2015-01-02 03:04:05"),
        ("CAST('2015-01-02 03:04:05.5' AS DATETIME(3))", "2015-01-02 03:04:05.500000"),
        ("CAST('0000-00-00' AS DATE)", "0000-00-00"),
        ("DATE('2015-01-02')", "2015-01-02"),
        ("CAST('25:06:07' AS TIME)", "1 day, 1:06:07"),
        ("TRUE", "1"),
        ("1 = 2", "0"),
        ("18446744073709551615", "18446744073709551615"),
        ("CAST('enwiki' AS BINARY)", "enwiki"),
        ("X'F09F9880'", "😀"),
        ("UNHEX('C3BC')", "ü"),
        ("JSON_OBJECT('a', 'ü')", '{"a": "ü"}'),
        ("CONVERT('ü' USING latin1)", "ü"),
        ("'100%'", "100%"),
        (r"'a\\b'", r"a\b"),
        ("NULL", ""),
    ],
)
def test_values_are_written_as_the_contract_says(
    session: MysqlSession, expression: str, expected: str
) -> None:
    assert value(session, expression) == expected


def test_columns_are_written_as_the_contract_says(
    mariadb: Mariadb, fresh_database: str, session: MysqlSession
) -> None:
    mariadb.execute(
        "CREATE TABLE page (title VARBINARY(255), body MEDIUMBLOB, score FLOAT, kind ENUM('a', 'b'),"
        " flag BOOLEAN, year YEAR, stamp BINARY(14), note VARCHAR(20) CHARACTER SET latin1)",
        "INSERT INTO page VALUES ('Zürich_😀', 'text', 0.5, 'b', TRUE, 2015, '20150102030405', 'é')",
        database=fresh_database,
    )
    assert ask(session, "SELECT * FROM page", fresh_database) == Table(
        ("title", "body", "score", "kind", "flag", "year", "stamp", "note"),
        [("Zürich_😀", "text", "0.5", "b", "1", "2015", "20150102030405", "é")],
    )


def test_binary_that_is_not_utf8_is_told_with_its_column(session: MysqlSession) -> None:
    with pytest.raises(ResultError, match=r"column 'raw' of row 1 .*not UTF-8"):
        ask(session, "SELECT '2015-01-02' AS date, X'FF' AS raw")


def test_column_names_keep_every_character(session: MysqlSession) -> None:
    header = ask(session, "SELECT 1 AS `<= 10 edits`, 2 AS `2.5 ü`").header
    assert header == ("<= 10 edits", "2.5 ü")


# Switching databases


def test_the_session_switches_between_databases(
    mariadb: Mariadb, fresh_database: str, session: MysqlSession
) -> None:
    for name in ("mysql", fresh_database, fresh_database, "mysql"):
        assert ask(session, "SELECT DATABASE() AS x", name).rows == [(name,)]


def test_the_database_is_only_switched_when_it_changes(
    mariadb: Mariadb, fresh_database: str, session: MysqlSession
) -> None:
    def switched() -> int:
        [(_, count)] = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Com_change_db'")
        return int(count)

    ask(session, "SELECT 1", fresh_database)
    before = switched()
    for _ in range(5):
        ask(session, "SELECT 1", fresh_database)
    assert switched() == before


def test_a_database_that_is_not_there_is_an_error_of_that_query_alone(
    fresh_database: str, session: MysqlSession
) -> None:
    ask(session, "SELECT 1", fresh_database)
    with pytest.raises(QueryError, match=r"^\(1049\) Unknown database 'nowiki' \(.*list of wikis"):
        ask(session, "SELECT 1", "nowiki")
    assert session.connected
    assert ask(session, "SELECT DATABASE() AS x", fresh_database).rows == [(fresh_database,)]


def test_a_query_that_switches_the_database_itself_does_not_mislead_later_ones(
    fresh_database: str, session: MysqlSession
) -> None:
    ask(session, "SELECT 1", fresh_database)
    with pytest.raises(ResultError, match="no table"):
        ask(session, "USE mysql", fresh_database)
    if not session.connected:
        session.connect()
    assert ask(session, "SELECT DATABASE() AS x", fresh_database).rows == [(fresh_database,)]


# A query's own errors


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELEC 1",
            r"^\(1064\) You have an error in your SQL syntax; .* near 'SELEC 1' at line 1$",
        ),
        (
            "SELECT 1; SELECT 2",
            r"^\(1064\) .*SELECT 2' at line 1 \(a report's query is one statement",
        ),
        (
            "SET @a = 1;\n-- the rows\nSELECT '2025-01-01' AS date,\n  @a AS n",
            r"^\(1064\) [^\n]* \(a report's query is one statement; WITH names its parts\)$",
        ),
        ("USE mysql; SELECT 1", r"^\(1064\) .* \(a report's query is one statement"),
        ("SELECT nothing\nFROM\nmysql.db", r"^\(1054\) Unknown column 'nothing' .*\(check the col"),
        (
            "SELECT * FROM nowhere",
            r"^\(1146\) Table '\w+\.nowhere' doesn't exist \(check the table",
        ),
        ("LOCK TABLES mysql.db READ", r"^\(1044\) .*denied .*\(the user of the creds_file"),
        ("", r"^\(1065\) Query was empty$"),
        ("SELECT 1 FROM\n\n", r"^\(1064\) [^\n]*$"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t", r"^\(\d+\) "),
    ],
)
def test_the_servers_own_words_are_shown(
    fresh_database: str, session: MysqlSession, query: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        ask(session, query, fresh_database)
    assert session.connected
    assert value(session, "1") == "1"


def test_an_error_in_the_midst_of_the_rows_is_the_querys_own(session: MysqlSession) -> None:
    rows = "SELECT seq, IF(seq < 90000, 1, (SELECT 1 UNION SELECT 2)) AS n FROM seq_1_to_100000"
    with pytest.raises(QueryError, match=r"^\(1242\) Subquery returns more than 1 row"):
        session.run(Query(rows, "mysql"), max_rows=200_000, timeout=600)
    assert value(session, "1") == "1"


def test_the_result_of_a_procedure_is_its_first_table(
    mariadb: Mariadb, fresh_database: str, session: MysqlSession
) -> None:
    mariadb.execute(
        "CREATE PROCEDURE two() BEGIN SELECT 1 AS n; SELECT 2 AS other; END",
        database=fresh_database,
    )
    assert ask(session, "CALL two()", fresh_database) == Table(("n",), [("1",)])
    assert value(session, "3") == "3"


# Time limits of the server


def test_the_server_itself_ends_a_query_that_outlives_the_timeout(session: MysqlSession) -> None:
    with pytest.raises(QueryTimeout, match=r"\(1969\).*`timeout`"):
        ask(session, "SELECT SLEEP(30)", timeout=0.2)
    assert session.connected
    assert value(session, "SLEEP(0.3)") == "0"


def test_the_servers_limit_follows_the_reports_timeout(session: MysqlSession) -> None:
    for timeout in (21_600.0, 0.75, 1e12, 21_600.0):
        limit = value(session, "@@max_statement_time", timeout=timeout)
        assert float(limit) == min(timeout, 31_536_000)


def test_the_limit_is_only_told_to_the_server_when_it_changes(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    def told() -> int:
        [(_, count)] = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Com_set_option'")
        return int(count)

    value(session, "1", timeout=100)
    first = told()
    other = told()  # what asking costs
    value(session, "1", timeout=100)
    value(session, "1", timeout=100)
    assert told() - other == other - first


# Connections that end


def test_a_killed_connection_is_a_failed_connection_and_can_be_made_again(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    mariadb.execute(f"KILL {value(session, 'CONNECTION_ID()')}")
    with pytest.raises(ConnectionFailed, match=rf"lost the connection to 127.0.0.1:{mariadb.port}"):
        value(session, "1")
    assert not session.connected
    with pytest.raises(ConnectionFailed, match="not connected"):
        value(session, "1")
    session.connect()
    assert value(session, "1") == "1"


def test_a_connection_that_is_killed_in_the_midst_of_a_query_may_be_retried(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    number = value(session, "CONNECTION_ID()")
    killer = threading.Timer(0.2, mariadb.execute, [f"KILL {number}"])
    killer.start()
    with pytest.raises(ConnectionFailed) as caught:
        value(session, "SLEEP(30)")
    killer.join()
    assert caught.value.retry


def test_a_query_that_somebody_ends_on_the_server_is_not_retried(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    number = value(session, "CONNECTION_ID()")
    killer = threading.Timer(0.2, mariadb.execute, [f"KILL QUERY {number}"])
    killer.start()
    with pytest.raises(QueryError, match=r"\(1317\).*someone else"):
        value(session, "SLEEP(30)")
    killer.join()
    assert value(session, "1") == "1"


def test_a_server_that_is_killed_and_comes_back_is_used_again() -> None:
    with running_mariadb() as server, closing(MysqlSession(server.entry())) as session:
        session.connect()
        assert value(session, "1") == "1"
        server.stop(kill=True)
        with pytest.raises(ConnectionFailed):
            value(session, "1")
        with pytest.raises(ConnectionFailed, match="Connection refused") as caught:
            session.connect()
        assert caught.value.retry
        server.start()
        session.connect()
        assert value(session, "1") == "1"


def test_a_result_that_is_too_large_is_not_read_to_its_end(
    mariadb: Mariadb, session: MysqlSession
) -> None:
    endless = "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b"
    began = time.monotonic()
    with pytest.raises(ResultError, match="more than 1,000 rows"):
        ask(session, endless, "mysql")
    assert time.monotonic() - began < patient(5)
    assert not session.connected
    wait_until(lambda: endless not in mariadb.queries().values())


def test_a_query_is_ended_even_when_the_server_cannot_be_told(
    session: MysqlSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_kill", lambda thread_id: None)
    assert 0.5 < ends_when_cancelled(session, lambda: value(session, "SLEEP(5)")) < 3


def test_a_server_that_is_sending_stops_when_the_line_is_cut(
    mariadb: Mariadb, session: MysqlSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_kill", lambda thread_id: None)
    endless = Query("SELECT a.seq FROM seq_1_to_1000001 a, seq_1_to_1000001 b", "mysql")
    ends_when_cancelled(session, lambda: session.run(endless, max_rows=10**9, timeout=600))
    wait_until(lambda: endless.text not in mariadb.queries().values())


# Connections that are never made


def test_a_server_that_says_nothing_can_be_cancelled(silent_port: int) -> None:
    session = MysqlSession(MysqlDatabase(name="replica", host="127.0.0.1", port=silent_port))
    assert ends_when_cancelled(session, session.connect) < 1
    assert not session.connected
    session.close()


def test_a_refused_connection_names_the_server_and_what_to_check() -> None:
    port = free_port()
    error = failure(MysqlDatabase(name="replica", host="127.0.0.1", port=port))
    assert str(error) == (
        f"cannot connect to 127.0.0.1:{port}: Connection refused"
        " (does a server run there? check `host` and `port`)"
    )
    assert error.retry


def test_an_unknown_host_names_it() -> None:
    error = failure(MysqlDatabase(name="replica", host="nowhere.invalid"))
    assert error.what.startswith("cannot connect to nowhere.invalid:3306: ")


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
        b"\x01\0\0\0\xff",
        b"\0" * 99,
    ],
)
def test_what_is_no_mysql_server_is_a_failed_connection(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as sock:
                sock.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        error = failure(MysqlDatabase(name="replica", host="127.0.0.1", port=port))
        thread.join()
    assert f"127.0.0.1:{port}" in str(error)
    assert error.retry


def test_a_server_without_room_may_be_asked_again(mariadb: Mariadb) -> None:
    mariadb.execute(
        "CREATE OR REPLACE USER crowded IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1",
    )
    creds_file = mariadb.folder / "crowded.cnf"
    creds_file.write_text("[client]\nuser=crowded\npassword=x\n")
    entry = mariadb.entry(creds_file=creds_file)
    with closing(MysqlSession(entry)) as session:
        session.connect()
        error = failure(entry)
    assert error.retry
    assert "(1226)" in error.what
    assert "`concurrency`" in error.hint


# Logging in


@pytest.mark.parametrize("content", [f"[client]\nuser={USER}\npassword={PASSWORD}x\n", "[mysql]\n"])
def test_a_login_that_is_refused_names_the_creds_file(
    mariadb: Mariadb, tmp_path: Path, content: str
) -> None:
    creds_file = tmp_path / "creds.cnf"
    creds_file.write_text(content)
    error = failure(mariadb.entry(creds_file=creds_file))
    assert "(1045) Access denied for user" in error.what or "(1698)" in error.what
    assert error.hint == f"check user and password in {creds_file}"
    assert not error.retry


def test_a_login_without_creds_file_says_what_is_missing(mariadb: Mariadb) -> None:
    error = failure(mariadb.entry(creds_file=None))
    assert error.hint == "give the database a `creds_file` with user and password"
    assert not error.retry


@pytest.mark.parametrize(
    "content",
    [
        f"user={USER}\npassword={PASSWORD}\n".encode(),
        f"[client]\npassword {PASSWORD}\n = {PASSWORD}\n[client\n".encode(),
        f"[client]\npassword={PASSWORD}\nuser\n".encode(),
        f"[client]\npassword={PASSWORD}\xff\n".encode("latin1"),
        f"[client]\npassword={PASSWORD}€\n".encode(),
        f"[client]\nssl-ca=/nowhere\npassword={PASSWORD}\n".encode(),
    ],
)
def test_a_damaged_creds_file_is_told_without_its_content(
    mariadb: Mariadb, tmp_path: Path, content: bytes
) -> None:
    creds_file = tmp_path / "creds.cnf"
    creds_file.write_bytes(content)
    error = failure(mariadb.entry(creds_file=creds_file))
    assert str(creds_file) in str(error)
    assert PASSWORD not in str(error)
    assert not error.retry


def test_a_missing_creds_file_is_told(mariadb: Mariadb, tmp_path: Path) -> None:
    error = failure(mariadb.entry(creds_file=tmp_path / "creds.cnf"))
    assert str(error) == (
        f"{tmp_path}/creds.cnf: cannot read the creds_file: No such file or directory"
        " (it must exist and be readable for the user that runs the reports)"
    )
    assert not error.retry


def test_only_the_login_is_taken_from_the_creds_file(mariadb: Mariadb, tmp_path: Path) -> None:
    creds_file = tmp_path / "creds.cnf"
    creds_file.write_text(
        f'[client]\nuser = "{USER}"\npassword = "{PASSWORD}"\n'
        "host = db9.example.org\nport = 1\nsocket = /nowhere\ndefault-character-set = latin1\n"
    )
    with closing(MysqlSession(mariadb.entry(creds_file=creds_file))) as session:
        session.connect()
        assert value(session, "'😀'") == "😀"
        assert value(session, "SUBSTRING_INDEX(USER(), '@', 1)") == USER
        assert ends_when_cancelled(session, lambda: value(session, "SLEEP(5)")) < patient(0.9)


def test_the_password_is_in_no_message(
    mariadb: Mariadb, session: MysqlSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    messages = [str(failure(mariadb.entry(port=free_port())))]
    for query in ("SELEC 1", "SELECT * FROM nowhere", "SELECT SLEEP(30)"):
        with pytest.raises(ReportupdaterError) as caught:
            ask(session, query, timeout=0.2)
        messages.append(str(caught.value))
    mariadb.execute(f"KILL {value(session, 'CONNECTION_ID()')}")
    with pytest.raises(ConnectionFailed) as lost:
        value(session, "1")
    messages += [str(lost.value), repr(session), caplog.text]
    assert PASSWORD not in "\n".join(messages)
