"""How many connections a run makes to a server, and what it uses them for."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tests.helpers import Project, on_mariadb, wiki_databases
from tests.servers.mariadb import Mariadb

# Long enough for others to be asked meanwhile.
SLOW = "SELECT '{from_date}' AS date, DATABASE() AS name, SLEEP(0.03) AS slept"


def status(server: Mariadb, name: str) -> int:
    """One of the server's counters."""
    ((_, count),) = server.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
    return int(count)


def connections_of(server: Mariadb, project: Project) -> tuple[int, int]:
    """Run the project: how many connections it made, and how many it had at once at most."""
    server.execute("FLUSH STATUS")
    before = status(server, "Connections")
    project.run()
    made = status(server, "Connections") - before - 1  # the one that asks
    return made, status(server, "Max_used_connections")


def test_all_wikis_of_a_server_share_its_connections(mariadb: Mariadb, tmp_path: Path) -> None:
    with wiki_databases(mariadb, 10) as wikis:
        config = on_mariadb(mariadb, "wiki_db_placeholder: wiki, concurrency: 3")
        config += f"reports: {{edits: {{explode_by: {{wiki: [{', '.join(wikis)}]}}}}}}\n"
        project = Project(tmp_path, config, {"edits.sql": SLOW})
        made, at_once = connections_of(mariadb, project)
        assert made == 3
        assert at_once <= 4  # and the one that looks
        for wiki in wikis:
            assert [row[1] for row in project.rows(f"edits/{wiki}")[1:]] == [wiki] * 3


def test_entries_for_one_server_share_its_connections_and_the_smaller_limit(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    entry = f"host: {mariadb.host}, port: {mariadb.port}, creds_file: {mariadb.creds_file}"
    with wiki_databases(mariadb, 2) as (one, other):
        config = f"""
databases:
  one: {{{entry}, db: {one}, concurrency: 2}}
  other: {{{entry}, db: {other}, concurrency: 5}}
defaults: {{granularity: days, starts: 2025-01-01}}
reports: {{edits: {{db: one}}, views: {{db: other}}}}
"""
        project = Project(tmp_path, config, {"edits.sql": SLOW, "views.sql": SLOW})
        made, at_once = connections_of(mariadb, project)
        assert made == 2
        assert at_once <= 3
        assert project.rows("edits")[1][1] == one
        assert project.rows("views")[1][1] == other


def test_a_server_is_asked_by_no_more_than_there_is_to_ask(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    config = on_mariadb(mariadb, "concurrency: 50") + "reports: {edits: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": SLOW})
    made, _ = connections_of(mariadb, project)
    assert made == 3


def test_concurrency_of_a_report_limits_its_queries(mariadb: Mariadb, tmp_path: Path) -> None:
    # Of two at once, both would wait for the lock that the first has, and the second not get it.
    query = (
        "SELECT '{from_date}' AS date, GET_LOCK('edits', 0) AS got, SLEEP(0.03) AS slept,"
        " RELEASE_LOCK('edits') AS released"
    )
    config = on_mariadb(mariadb, "concurrency: 4") + "reports: {edits: {concurrency: 1}}\n"
    project = Project(tmp_path, config, {"edits.sql": query})
    project.run(now="2025-01-09")
    assert [row[1] for row in project.rows("edits")[1:]] == ["1"] * 8


def test_no_connection_is_left(mariadb: Mariadb, tmp_path: Path) -> None:
    project = Project(tmp_path, on_mariadb(mariadb) + "reports: {edits: {}}\n", {"edits.sql": SLOW})
    aborted = status(mariadb, "Aborted_clients")
    project.run()
    with contextlib.closing(mariadb.admin()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE user <> 'root'")
        assert cursor.fetchall() == ((0,),)
    assert status(mariadb, "Aborted_clients") == aborted  # all have said good-bye


def test_results_do_not_depend_on_how_much_ran_at_once(mariadb: Mariadb, tmp_path: Path) -> None:
    query = """
        SELECT '{from_date}' AS date, DATABASE() AS name, seq * {day} AS n
        FROM seq_1_to_5 ORDER BY seq % 3, seq
    """
    contents = []
    with wiki_databases(mariadb, 5) as wikis:
        for concurrency in (1, 4, 16):
            keys = f"wiki_db_placeholder: wiki, concurrency: {concurrency}"
            config = on_mariadb(mariadb, keys)
            config += f"reports: {{edits: {{explode_by: {{wiki: [{', '.join(wikis)}]}}}}}}\n"
            project = Project(tmp_path / str(concurrency), config, {"edits.sql": query})
            project.run(now="2025-02-01")
            contents.append(project.tsvs())
    assert len(contents[0]) == 5
    assert contents[0] == contents[1] == contents[2]
