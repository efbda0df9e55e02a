"""Servers that are down, go away, come back, or let nobody in."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pymysql
import pytest

from reportupdater.engines.base import CONNECT_TIMEOUT
from tests.faults.scaled import scaled
from tests.helpers import ONE, Project, on_mariadb, patient, wait_until, wiki_databases
from tests.servers.mariadb import Mariadb, free_port, running_mariadb

SLOW = "SELECT '{from_date}' AS date, SLEEP(0.1) AS slept"
SLOW_ROWS = [[f"2025-01-{day:02}", "0"] for day in range(1, 21)]


def project_on(
    folder: Path, server: Mariadb, keys: str = "", query: str = SLOW, database: str = ""
) -> Project:
    """A project with a report on a MariaDB, and another that is on the embedded database."""
    config = on_mariadb(server, database).replace(
        "}\n", ", local: {engine: sqlite, path: data.sqlite}}\n", 1
    )
    config += f"reports: {{edits: {{{keys}}}, views: {{db: local}}}}\n"
    return Project(folder, config, {"edits.sql": query, "views.sql": ONE})


@pytest.fixture
def own_mariadb() -> Iterator[Mariadb]:
    """A server that may be stopped."""
    with running_mariadb() as server:
        yield server


def test_a_server_that_is_down_is_one_message_and_other_servers_reports_are_complete(
    tmp_path: Path,
) -> None:
    port = free_port()
    config = f"""
databases:
  down: {{host: 127.0.0.1, port: {port}}}
  local: {{engine: sqlite, path: data.sqlite}}
defaults: {{granularity: days, starts: 2025-01-01, db: down, retries: 1}}
reports:
  edits: {{explode_by: {{wiki: "a, b, c"}}}}
  editors:
  views: {{db: local}}
"""
    files = {"edits.sql": ONE, "editors.sql": ONE, "views.sql": ONE}
    project = Project(tmp_path, config, files)
    began = time.monotonic()
    said = project.run(code=1, now="2025-01-31")
    assert time.monotonic() - began < patient(10)  # 120 tasks, and one back-off
    assert "30 of editors, the first is editors" in said
    assert "90 of edits, the first is edits" in said
    assert said.count(f"cannot connect to 127.0.0.1:{port}: Connection refused") == 2
    assert "does a server run there? check `host` and `port`" in said
    assert len(project.dates("views")) == 30
    assert list(project.tsvs()) == ["views.tsv"]
    # The ledger is not filled with what nobody asked.
    ((attempts,),) = project.state("SELECT COUNT(*) FROM attempts WHERE failed")
    assert attempts <= 8


def test_a_server_that_comes_back_within_the_back_off_is_asked_again(
    own_mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, own_mariadb)
    own_mariadb.stop()
    with project.started("-l", "info", now="2025-01-04") as run:
        run.says("trying again in")
        own_mariadb.start()
        said = run.ended(0)
    assert "6 done, 0 empty, 0 failed" in said
    assert project.rows("edits")[1:] == SLOW_ROWS[:3]


def test_a_server_that_dies_in_mid_run_and_comes_back_costs_nothing(
    own_mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, own_mariadb)
    with project.started("-l", "info", now="2025-01-21") as run:
        wait_until(own_mariadb.queries)
        own_mariadb.stop(kill=True)
        run.says("trying again in")
        own_mariadb.start()
        run.ended(0)
    assert project.rows("edits")[1:] == SLOW_ROWS


def test_a_server_that_goes_away_for_good_takes_nothing_that_was_committed(
    own_mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, own_mariadb, "retries: 1")
    with project.started(now="2025-01-21") as run:
        wait_until(lambda: project.committed() > 20)  # those of the other report, and more
        own_mariadb.stop()
        said = run.ended(1)
    assert said.count(str(own_mariadb.port)) == 1
    done = project.rows("edits")[1:]
    assert done == [row for row in SLOW_ROWS if row in done]
    assert 0 < len(done) < 20
    assert len(project.dates("views")) == 20
    own_mariadb.start()
    assert project.run(now="2025-01-21") == ""
    assert project.rows("edits")[1:] == SLOW_ROWS
    ((most,),) = project.state(
        "SELECT MAX(times) FROM (SELECT COUNT(*) AS times FROM attempts WHERE NOT failed"
        " GROUP BY series, start)"
    )
    assert most == 1


def test_connections_that_are_killed_in_mid_run_are_made_again(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, mariadb)
    with project.started(now="2025-01-21") as run:
        killed = 0
        for _ in range(3):
            # On a busy machine it may be at its end before the last of the three.
            connections: dict[int, str] = {}
            while not connections and run.process.poll() is None:
                connections = mariadb.queries()
            for connection in connections:
                kill(mariadb, f"KILL CONNECTION {connection}")
                killed += 1
        assert run.ended(0) == ""
    assert killed
    assert project.rows("edits")[1:] == SLOW_ROWS


@pytest.mark.parametrize("retries", [0, 5])
def test_a_query_that_ends_its_connection_again_and_again_fails_alone_and_others_go_on(
    mariadb: Mariadb, tmp_path: Path, retries: int
) -> None:
    config = on_mariadb(mariadb, "concurrency: 1")
    config += f"reports: {{bad: {{retries: {retries}}}, good: {{}}}}\n"
    files = {"bad.sql": "KILL CONNECTION_ID() -- {from_date}", "good.sql": SLOW}
    project = Project(tmp_path, config, files)
    with project.started("-l", "info", now="2025-01-21", through=scaled(10)) as run:
        said = run.ended(1)
    assert project.rows("good")[1:] == SLOW_ROWS
    assert (
        "failed: 3 of bad, the first is bad [2025-01-01, 2025-01-02): lost the connection" in said
    )
    assert "skipped: 17 of bad" in said
    # The query is what ends connections, perhaps the server: not as often as one is connected to.
    assert said.count("trying again in") == 3 * min(retries, 3)


@pytest.mark.long
def test_a_restart_of_a_minute_costs_nothing_by_default(
    own_mariadb: Mariadb, tmp_path: Path
) -> None:
    project = project_on(tmp_path, own_mariadb)
    with project.started("-l", "info", now="2025-01-21") as run:
        wait_until(own_mariadb.queries)
        own_mariadb.stop(kill=True)
        run.says("trying again in")
        time.sleep(60)
        own_mariadb.start()
        run.ended(0, within=120)
    assert project.rows("edits")[1:] == SLOW_ROWS


def kill(server: Mariadb, statement: str) -> None:
    """End a query or a connection, which may have ended by itself meanwhile."""
    with suppress(pymysql.err.OperationalError):
        server.execute(statement)


def test_a_query_that_somebody_kills_fails_alone(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    query = (
        "SELECT '{from_date}' AS date, COUNT(*) AS n FROM seq_1_to_9999999999 WHERE '{day}' = '02'"
    )
    project = project_on(tmp_path, mariadb, query=query, database=f"db: {fresh_database}")

    def endless() -> list[int]:
        return [number for number, query in mariadb.queries().items() if "'2025-01-02'" in query]

    with project.started() as run:
        wait_until(endless)
        kill(mariadb, f"KILL QUERY {endless()[0]}")
        said = run.ended(1)
    assert "edits [2025-01-02, 2025-01-03): (1317) Query execution was interrupted" in said
    assert project.dates("edits") == ["2025-01-01", "2025-01-03"]


def test_a_wiki_without_database_fails_alone(mariadb: Mariadb, tmp_path: Path) -> None:
    with wiki_databases(mariadb, 2) as (one, other):
        project = project_on(
            tmp_path,
            mariadb,
            f"explode_by: {{wiki: [{one}, {other}gone, {other}]}}",
            "SELECT '{from_date}' AS date, DATABASE() AS name",
            "wiki_db_placeholder: wiki",
        )
        said = project.run(code=1)
        assert f"Unknown database '{other}gone'" in said
        assert "check the report's `db`, or the list of wikis" in said
        assert project.rows(f"edits/{one}")[1:] == [[f"2025-01-0{day}", one] for day in (1, 2, 3)]
        assert project.rows(f"edits/{other}")[1] == ["2025-01-01", other]
        assert len(project.tsvs()) == 3


def test_an_error_of_a_query_shows_the_servers_words_the_report_the_values_and_the_interval(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    with wiki_databases(mariadb, 1) as (wiki,):
        project = project_on(
            tmp_path,
            mariadb,
            f"explode_by: {{wiki: {wiki}, editor: bot}}",
            "SELECT '{from_date}' AS date, rev_id FROM revision",
            "wiki_db_placeholder: wiki",
        )
        said = project.run(code=1, now="2025-01-02")
        assert (
            f"failed: edits editor=bot wiki={wiki} [2025-01-01, 2025-01-02):"
            f" (1146) Table '{wiki}.revision' doesn't exist"
        ) in said
        assert "check the table's name" in said


def test_a_login_that_is_refused_is_not_tried_again(mariadb: Mariadb, tmp_path: Path) -> None:
    project = project_on(tmp_path, mariadb)
    creds = project.write("creds.cnf", "[client]\nuser = reports\npassword = not-this-one\n")
    config = project.folder.joinpath("config.yaml")
    config.write_text(config.read_text().replace(str(mariadb.creds_file), "creds.cnf"))
    ((_, before),) = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    said = project.run(code=1, now="2025-01-31")
    ((_, after),) = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    assert 1 <= int(after) - int(before) <= 4  # one for each connection, not for each task
    assert said.count("cannot log in on") == 1
    assert f"check user and password in {creds}" in said
    assert len(project.dates("views")) == 30
    assert "not-this-one" not in said


@pytest.mark.parametrize("content", [None, "user = reports\n", "[client\n", "[client]\nport = x\n"])
def test_a_creds_file_that_cannot_be_used_is_told(
    mariadb: Mariadb, tmp_path: Path, content: str | None
) -> None:
    project = project_on(tmp_path, mariadb)
    config = project.folder.joinpath("config.yaml")
    config.write_text(config.read_text().replace(str(mariadb.creds_file), "creds.cnf"))
    if content is not None:
        project.write("creds.cnf", content)
    said = project.run(code=1)
    assert str(project.folder / "creds.cnf") in said
    assert "failed: 3 of edits" in said
    assert len(project.dates("views")) == 3


@pytest.mark.parametrize("creds", ["bad.cnf", "missing.cnf"])
def test_a_login_that_is_refused_is_no_reason_to_give_up_another_login_on_that_server(
    mariadb: Mariadb, tmp_path: Path, creds: str
) -> None:
    address = f"host: {mariadb.host}, port: {mariadb.port}, concurrency: 1"
    config = f"""
databases:
  bad: {{{address}, creds_file: {creds}}}
  good: {{{address}, creds_file: {mariadb.creds_file}}}
defaults: {{granularity: days, starts: 2025-01-01}}
reports: {{edits: {{db: bad}}, editors: {{db: good}}, users: {{db: bad}}}}
"""
    files = dict.fromkeys(["edits.sql", "editors.sql", "users.sql"], ONE)
    files["bad.cnf"] = "[client]\nuser = reports\npassword = not-this-one\n"
    project = Project(tmp_path, config, files)
    said = project.run(code=1, now="2025-01-31")
    assert len(project.dates("editors")) == 30
    assert "failed: 30 of edits" in said
    assert "failed: 30 of users" in said


def test_what_takes_a_connection_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    assert CONNECT_TIMEOUT == 10  # here it is two seconds
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        config = f"""
databases:
  silent: {{host: 127.0.0.1, port: {port}}}
  local: {{engine: sqlite, path: data.sqlite}}
defaults: {{granularity: days, starts: 2025-01-01}}
reports: {{edits: {{db: silent, retries: 0}}, views: {{db: local}}}}
"""
        project = Project(tmp_path, config, {"edits.sql": ONE, "views.sql": ONE})
        began = time.monotonic()
        with project.started(through=scaled(2)) as run:
            said = run.ended(1)
        assert 2 < time.monotonic() - began < patient(8)
        assert f"mysql 127.0.0.1:{port} did not answer within 2 s" in said
        assert len(project.dates("views")) == 3


def test_what_is_no_mariadb_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = f"""
databases: {{other: {{host: 127.0.0.1, port: {port}, concurrency: 1}}}}
reports: {{edits: {{db: other, granularity: days, starts: 2025-01-01, retries: 0}}}}
"""
        project = Project(tmp_path, config, {"edits.sql": ONE})
        with project.started() as run:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            said = run.ended(1)
        assert f"127.0.0.1:{port}" in said
        assert "is that a MariaDB or MySQL server?" in said
