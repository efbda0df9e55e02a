"""Servers that take fewer connections than `concurrency` asks for, and queries that wait for locks."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.faults.scaled import scaled
from tests.helpers import Project, on_mariadb, wait_until
from tests.servers.mariadb import Mariadb, running_mariadb

SLOW = "SELECT '{from_date}' AS date, SLEEP(0.05) AS slept"
REPORTS = 'reports: {edits: {}, views: {execute: edits}, users: {explode_by: {wiki: "a, b"}, execute: edits}}\n'
ROWS = [[f"2025-01-{day:02}", "0"] for day in range(1, 6)]
SERIES = ("edits", "views", "users/a", "users/b")


@contextmanager
def user(server: Mariadb, most: int) -> Iterator[Path]:
    """The creds_file of a user who may have so many connections at once; 0 leaves that to the server."""
    name = f"crowded_{uuid.uuid4().hex[:8]}"
    creds_file = server.folder / f"{name}.cnf"
    creds_file.write_text(f"[client]\nuser={name}\npassword=x\n")
    creds_file.chmod(0o600)
    server.execute(f"CREATE USER {name} IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS {most}")
    try:
        yield creds_file
    finally:
        server.execute(f"DROP USER {name}")


@contextmanager
def held(server: Mariadb, creds_file: Path) -> Iterator[pymysql.Connection[Any]]:
    """A connection of another program."""
    connection = pymysql.connect(
        host=server.host, port=server.port, read_default_file=str(creds_file)
    )
    try:
        yield connection
    finally:
        if connection.open:
            connection.close()


def crowded(folder: Path, server: Mariadb, creds_file: Path, reports: str = REPORTS) -> Project:
    config = on_mariadb(server, "concurrency: 6").replace(str(server.creds_file), str(creds_file))
    return Project(folder, config + reports, {"edits.sql": SLOW})


def assert_complete(project: Project) -> None:
    for series in SERIES:
        assert project.rows(series)[1:] == ROWS


@pytest.mark.parametrize("most", [1, 2])
def test_a_limit_of_a_users_connections_below_concurrency_costs_nothing_but_time(
    mariadb: Mariadb, tmp_path: Path, most: int
) -> None:
    with user(mariadb, most) as creds_file:
        project = crowded(tmp_path, mariadb, creds_file)
        with project.started("-l", "info", now="2025-01-06", through=scaled(10)) as run:
            said = run.ended(0)
    assert_complete(project)
    assert said.count("going on with the connections there are") == 1
    assert "(1226)" in said
    assert "the limit that was hit is the user's max_user_connections" in said


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-user-connections=2", "(1203)"),
        # One more is kept for the administrator.
        ("--max-connections=10", "the limit that was hit is the server's max_connections"),
    ],
)
def test_a_limit_of_the_servers_below_concurrency_costs_nothing_but_time(
    tmp_path: Path, option: str, words: str
) -> None:
    with running_mariadb(option) as server, user(server, 0) as creds_file:
        held = [server.admin() for _ in range(8)] if "=10" in option else []
        project = crowded(tmp_path, server, creds_file)
        with project.started("-l", "info", now="2025-01-06", through=scaled(10)) as run:
            said = run.ended(0)
        for connection in held:
            connection.close()
    assert_complete(project)
    assert words in said


def test_a_signal_ends_workers_that_wait_for_room(mariadb: Mariadb, tmp_path: Path) -> None:
    with user(mariadb, 1) as creds_file:
        project = crowded(tmp_path, mariadb, creds_file)
        project.write("edits.sql", "SELECT '{from_date}' AS date, SLEEP(60) AS slept")
        with project.started("-l", "info", now="2025-01-06") as run:
            run.says("going on with the connections there are")
            run.signal(signal.SIGTERM)
            began = time.monotonic()
            run.ended(143)
            assert time.monotonic() - began < 10


def test_a_run_waits_for_room_where_others_have_all_of_it(mariadb: Mariadb, tmp_path: Path) -> None:
    with user(mariadb, 1) as creds_file:
        project = crowded(tmp_path, mariadb, creds_file)
        with (
            held(mariadb, creds_file) as connection,
            project.started("-l", "info", now="2025-01-06") as run,
        ):
            run.says("trying again in")
            connection.close()
            run.ended(0)
    assert_complete(project)


def test_a_user_for_whom_there_is_no_room_at_all_is_no_reason_to_give_up_another(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    with user(mariadb, 1) as full, user(mariadb, 1) as other:
        address = f"host: {mariadb.host}, port: {mariadb.port}, concurrency: 1"
        config = f"""
databases:
  full: {{{address}, creds_file: {full}}}
  other: {{{address}, creds_file: {other}}}
defaults: {{granularity: days, starts: 2025-01-01, retries: 1}}
reports: {{edits: {{db: full}}, views: {{db: other, execute: edits}}}}
"""
        project = Project(tmp_path, config, {"edits.sql": SLOW})
        with (
            held(mariadb, full),
            project.started(now="2025-01-06", through=scaled(10)) as run,
        ):
            said = run.ended(1)
    assert "failed: 5 of edits" in said
    assert "max_user_connections" in said
    assert project.rows("views")[1:] == ROWS


def test_a_query_that_waits_for_a_lock_in_vain_is_asked_again(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    mariadb.execute("CREATE TABLE t (n INT)", "INSERT INTO t VALUES (7)", database=fresh_database)
    query = "SET STATEMENT lock_wait_timeout = 1 FOR SELECT '{from_date}' AS date, n FROM t"
    config = on_mariadb(mariadb, f"db: {fresh_database}") + "reports: {edits: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query})
    with closing(mariadb.admin(fresh_database)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        with project.started("-l", "info", now="2025-01-02") as run:
            run.says("(1205) Lock wait timeout exceeded")
            run.says("trying again in")
            cursor.execute("UNLOCK TABLES")
            run.ended(0)
    assert project.rows("edits")[1:] == [["2025-01-01", "7"]]


def test_a_query_that_waits_for_a_lock_for_ever_fails_and_others_go_on(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    mariadb.execute("CREATE TABLE t (n INT)", database=fresh_database)
    query = "SET STATEMENT lock_wait_timeout = 0 FOR SELECT '{from_date}' AS date, n FROM t"
    config = on_mariadb(mariadb, f"concurrency: 1, db: {fresh_database}")
    config += "reports: {edits: {}, views: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query, "views.sql": SLOW})
    with closing(mariadb.admin(fresh_database)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES t WRITE")
        with project.started(now="2025-01-06", through=scaled(10)) as run:
            said = run.ended(1)
    assert "(1205) Lock wait timeout exceeded" in said
    assert "another program holds a lock" in said
    assert project.rows("views")[1:] == ROWS
    wait_until(lambda: not mariadb.queries())
