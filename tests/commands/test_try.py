"""`reportupdater try`: what an analyst sees of one interval, and that it leaves no trace."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.calling import COMMAND, call, on_terminal
from tests.commands.conftest import Ask
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project, on_mariadb, wait_until
from tests.servers.mariadb import USER, Mariadb, free_port
from tests.servers.receivers import reads_all, receiver

NOW = ("--now", "2025-02-01T06")
BY_COUNTRY = """\
SELECT '{from_date}' AS date, 'Peru' AS country, 12 AS n, 'x' AS note
UNION ALL SELECT '{from_date}', 'Sri Lanka', 3.5, NULL
"""


def project(parent: Path, reports: str, graphite: str = "", **queries: str) -> Project:
    files = {f"{name}.sql": text for name, text in queries.items()}
    return Project(parent, f"{SQLITE}{graphite}\nreports:\n{reports}", files)


def test_the_latest_interval_of_the_first_series_is_shown_with_all_that_a_run_would_make_of_it(
    tmp_path: Path,
) -> None:
    one = project(
        tmp_path,
        '  edits: {explode_by: {wiki: "enwiki, dewiki"}, graphite: {path: "e.{wiki}.{country}.{_metric}", metrics: {n: n}}}',
        "graphite: {host: stats.example.org}",
        edits=BY_COUNTRY,
    )
    said = call("try", one.folder, "edits", *NOW)
    seconds = said.out.split("result: 2 rows, ")[1].split(" s ")[0]
    assert float(seconds) < 60
    assert (
        said.out
        == f"""\
edits wiki=enwiki [2025-01-31, 2025-02-01)

== query: {one.folder}/edits.sql
SELECT '2025-01-31' AS date, 'Peru' AS country, 12 AS n, 'x' AS note
UNION ALL SELECT '2025-01-31', 'Sri Lanka', 3.5, NULL

== result: 2 rows, {seconds} s on sqlite {one.folder}/data.sqlite
date        country      n  note
2025-01-31  Peru        12  x
2025-01-31  Sri Lanka  3.5

== checks: passed
Names of columns, width and date of each row: a run would store them.

== datapoints: 2, for graphite://stats.example.org:2003
path                  value  date
e.enwiki.Peru.n          12  2025-01-31
e.enwiki.Sri_Lanka.n    3.5  2025-01-31
"""
    )
    assert said.err.endswith("'Sri Lanka' of 'country' is 'Sri_Lanka' in metric paths\n")


def test_it_leaves_no_trace_and_nobody_hears_of_it(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(
            tmp_path,
            '  edits: {graphite: {path: "{_metric}", metrics: {n: n}}}',
            f"graphite: {{host: 127.0.0.1, port: {graphite.port}, enabled: true}}",
            edits=ONE,
        )
        before = sorted(tmp_path.rglob("*"))
        assert "datapoints: 1," in call("try", one.folder, "edits", folder=tmp_path).out
        assert sorted(tmp_path.rglob("*")) == before
        assert graphite.connections == 0
        one.run()  # which is heard, so that the receiver is known to listen
        assert graphite.connections > 0


def test_date_and_only_choose_another_interval_and_series(ask: Ask, tmp_path: Path) -> None:
    one = project(
        tmp_path,
        '  edits: {granularity: months, explode_by: {wiki: "enwiki, dewiki", x: "1, 2"}}',
        edits="SELECT '{from_date}' AS date, '{wiki}{x}' AS which",
    )
    chosen = "--only", "wiki=dewiki", "--only", "x=2", "--date", "2025-01-17"
    said = ask("try", one.folder, "edits", *NOW, *chosen)
    assert said.out.startswith("edits wiki=dewiki x=2 [2025-01-01, 2025-02-01)\n")
    assert "2025-01-01  dewiki2\n" in said.out
    assert said.err == ""


def test_only_the_query_is_rendered_to_be_pasted_elsewhere(ask: Ask, tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date, 1 AS n\n-- {{braces}}\n"
    one = project(tmp_path, "  edits: {db: nowhere}\n  views: {}", edits=ONE, views=query)
    said = ask("try", one.folder, "views", "--render-only", *NOW)
    assert said == ("SELECT '2025-01-31' AS date, 1 AS n\n-- {braces}\n", "")


@pytest.mark.parametrize(
    ("keys", "arguments", "interval", "doubt"),
    [
        ("lag: 86400", (), "2025-01-30", ""),
        ("lag: 86400", ("--date", "2025-01-31"), "2025-01-31", "its `lag` ends on 2025-02-02 00:00: data may be missing until then"),
        ("ends: 2025-01-20", (), "2025-01-19", ""),
        ("ends: 2025-01-20", ("--date", "2025-01-20"), "2025-01-20", "it does not lie before `ends`, which is 2025-01-20"),
        ("starts: 2025-01-20", ("--date", "2025-01-19"), "2025-01-19", "it lies before `starts`, which is 2025-01-20"),
        ("starts: 2026-01-20", (), "2025-01-31", "it lies before `starts`, which is 2026-01-20"),
        ("max_data_points: 3", ("--date", "2025-01-28"), "2025-01-28", "it is older than `max_data_points: 3` allows"),
        ("granularity: hours", (), "2025-02-01T05:00:00", ""),
        ("granularity: weeks", (), "2025-01-19", ""),
    ],
)  # fmt: skip
def test_what_a_run_would_not_compute_is_tried_with_a_warning(
    ask: Ask, tmp_path: Path, keys: str, arguments: tuple[str, ...], interval: str, doubt: str
) -> None:
    query = "SELECT '{year}-{month}-{day}T{hour}:00' AS date, 1 AS n"
    one = project(tmp_path, f"  edits: {{{keys}}}", edits=query)
    said = ask("try", one.folder, "edits", *NOW, *arguments)
    assert said.out.startswith(f"edits [{interval}, ")
    if doubt:
        assert said.err.endswith(f") would not be computed by a run: {doubt}\n")
        assert said.err.count("\n") == 1
    else:
        assert said.err == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--date", "2025-02-01"), "the interval of --date 2025-02-01 is not over yet (the latest that is over starts on 2025-01-31)"),
        (("--date", "9999-12-31"), "the interval of --date 9999-12-31 is not over yet (the latest that is over starts on 2025-01-31)"),
        (("--date", "soon"), "argument --date: 'soon' is no date (as in 2025-03-01 or 2025-03-01T05)"),
        (("--only", "wiki=enwiki"), "no report has a dimension 'wiki'"),
        (("--limit", "0"), "'0' is no whole number above 0"),
        (("--render-only", "--execute"), "not allowed with argument"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_told(
    ask: Ask, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    one = project(tmp_path, "  edits: {}", edits=ONE)
    said = ask("try", one.folder, "edits", *NOW, *arguments, code=2)
    assert told in said.err
    assert said.out == ""


def test_a_report_can_be_tried_while_others_are_broken_and_a_broken_one_says_why(
    ask: Ask,
    tmp_path: Path,
) -> None:
    reports = "  edits: {}\n  views: {granularity: dayz}\n  sizes: {colour: red, lag: soon}"
    one = project(tmp_path, reports, edits=ONE, sizes=ONE)
    assert ask("try", one.folder, "edits", *NOW).err == ""
    said = ask("try", one.folder, "edits", *NOW, "-l", "info").err
    assert said.endswith("INFO 4 problems elsewhere in the configuration; `check` lists all\n")
    said = ask("try", one.folder, "sizes", *NOW, code=2).err
    assert "unknown key 'colour' of report 'sizes'" in said
    assert "views" not in said
    assert said.endswith(
        "ERROR report 'sizes' cannot be tried before its configuration is fixed (2 errors above)\n"
    )
    said = ask("try", one.folder, "size", code=2).err
    assert said.endswith("has no report 'size' (did you mean 'sizes'?)\n")


def test_a_query_that_fails_is_told(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {}", edits="SELECT nonsense")
    said = ask("try", one.folder, "edits", *NOW, code=1)
    assert said.out.endswith("edits.sql\nSELECT nonsense\n")
    assert " ERROR edits [2025-01-31, 2025-02-01) failed after 0." in said.err
    assert said.err.endswith(f"s on sqlite {one.folder}/data.sqlite: no such column: nonsense\n")


def test_a_result_that_must_not_be_stored_is_shown_and_told(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {}", edits="SELECT '2025-02-01' AS date, 1 AS n")
    said = ask("try", one.folder, "edits", *NOW, code=1)
    assert "date        n\n2025-02-01  1\n\n== checks: failed\n" in said.out
    assert (
        "would not be stored: row 1 is dated 2025-02-01, outside the interval [2025-01-31"
        in said.err
    )


def test_no_rows_are_no_failure(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {}", edits=ONE + " WHERE 0")
    said = ask("try", one.folder, "edits", *NOW)
    assert said.out.endswith(
        "There are no rows: one of empty values would be stored, dated 2025-01-31.\n"
    )


@pytest.mark.parametrize(
    ("path", "metrics", "told"),
    [
        ("e.{_metric}", "n: n", "makes the same metric path of two rows of a date"),
        ("e.{_metric}.{city}", "n: n", "has {city}, which is no dimension and no column"),
        ("e.{_metric}.{country}", "n: nn", "takes the column 'nn', which the result does not have"),
        ("e..{_metric}", "n: n", "no datapoints would be sent before the configuration is fixed"),
    ],
)
def test_datapoints_that_would_not_be_sent_are_told(
    ask: Ask, tmp_path: Path, path: str, metrics: str, told: str
) -> None:
    report = f'  edits: {{graphite: {{path: "{path}", metrics: {{{metrics}}}}}}}'
    one = project(tmp_path, report, "graphite: {host: localhost}", edits=BY_COUNTRY)
    said = ask("try", one.folder, "edits", *NOW, code=1)
    assert told in said.err
    assert "== checks: passed" in said.out


@pytest.mark.parametrize(
    ("graphite", "told"),
    [
        ("", "which a run would not send: the project's section for it names no receiver"),
        ("graphite: {host: g, enabled: false}", "for graphite://g:2003, which a run on this host would not send: `enabled: false`"),
    ],
)  # fmt: skip
def test_datapoints_are_shown_where_none_are_sent(
    ask: Ask, tmp_path: Path, graphite: str, told: str
) -> None:
    report = '  edits: {graphite: {path: "e", metrics: {n: n}}}'
    one = project(tmp_path, report, graphite, edits=ONE)
    said = ask("try", one.folder, "edits", *NOW)
    assert said.out.endswith(f"datapoints: 1, {told}\npath  value  date\ne         1  2025-01-31\n")


def test_a_limit_cuts_rows_and_datapoints_and_tells_how_many_more_there_are(
    ask: Ask, tmp_path: Path
) -> None:
    rows = "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 25) "
    report = '  edits: {graphite: {path: "e.{n}", metrics: {n: n}}}'
    query = rows + "SELECT '{from_date}' AS date, n FROM t"
    one = project(tmp_path, report, "graphite: {host: g}", edits=query)
    out = ask("try", one.folder, "edits", *NOW).out
    assert "\n2025-01-31  20\n… and 5 more rows; --limit shows more\n" in out
    assert "\ne.20     20  2025-01-31\n… and 5 more datapoints; --limit shows more\n" in out
    out = ask("try", one.folder, "edits", *NOW, "--limit", "24").out
    assert "\n2025-01-31  24\n… and 1 more row; --limit shows more\n" in out
    assert "more" not in ask("try", one.folder, "edits", *NOW, "--limit", "25").out


def table_width(shown: str) -> int:
    """The width of a result with one row."""
    return max(map(len, shown.partition("== result")[2].split("\n")[1:3]))


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_is_as_wide_as_the_terminal_and_has_no_colours(
    ask: Ask, tmp_path: Path, columns: int
) -> None:
    query = f"SELECT '{{from_date}}' AS date, '{'long ' * 50}' AS text, '{'x' * 60}' AS more"
    one = project(tmp_path, "  edits: {}", edits=query)
    shown = on_terminal(columns, "try", one.folder, "edits", *NOW)
    assert "\x1b" not in shown
    assert table_width(shown) == columns
    assert table_width(ask("try", one.folder, "edits", *NOW).out) == 80


def test_a_terminal_shows_what_is_running_until_there_is_a_result(tmp_path: Path) -> None:
    script = "#!/bin/sh\nsleep 1\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    config = f"{SQLITE}reports:\n  sizes: {{type: script}}"
    one = Project(tmp_path, config, {"sizes": script})
    shown = on_terminal(100, "try", one.folder, "sizes", *NOW, "--execute", with_errors=True)
    running, _, result = shown.partition("== result")
    assert "0/1" in running
    assert re.search(r"0/1.* sizes .*2025-01-31.* \d s\r", running)
    assert "\x1b" not in result
    assert "2025-01-31  1\n" in result


def test_a_script_is_run_only_when_that_is_asked_for(ask: Ask, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {ran}\nprintf 'date\\twiki\\n%s\\t%s\\n' $1 $3\n"
    config = f'{SQLITE}reports:\n  sizes: {{type: script, explode_by: {{wiki: "enwiki"}}}}'
    one = Project(tmp_path, config, {"sizes": script})
    said = ask("try", one.folder, "sizes", *NOW)
    command = f"{one.folder}/sizes 2025-01-31 2025-02-01 enwiki {one.folder}"
    assert f"\n{command}\n" in said.out
    assert said.out.endswith(
        "== not run\nIt may write, or have other side effects; --execute runs it.\n"
    )
    assert ask("try", one.folder, "sizes", *NOW, "--render-only").out == command + "\n"
    assert not ran.exists()
    said = ask("try", one.folder, "sizes", *NOW, "--execute")
    assert "2025-01-31  enwiki\n" in said.out
    assert ran.exists()


def test_a_hive_file_with_several_statements_is_run_only_when_that_is_asked_for(
    ask: Ask,
    tmp_path: Path,
) -> None:
    ran = tmp_path / "ran"
    hive = f"""#!/bin/sh
touch {ran}
for file; do :; done
mark=$(grep -o 'reportupdater_[0-9a-f]*' "$file" | head -1)
printf '%s\\n%s\\ndate\\tn\\n2025-01-31\\t1\\n' $mark $mark  # what comes before the table ends so
"""
    config = (
        f"databases: {{hive: {{engine: hive, client: cli, command: [{tmp_path}/project/hive]}}}}\n"
        "defaults: {type: hive, granularity: days, starts: 2025-01-01}\n"
        "reports: {two: {}, one: {}}\n"
    )
    two = "SET a=b;\nINSERT INTO t SELECT 1;\nSELECT '{from_date}' AS `date`, 1 AS n;\n"
    one = "SET a=b;\nSELECT '{from_date}' AS `date`, 1 AS n;\n"
    made = Project(tmp_path, config, {"hive": hive, "two.hql": two, "one.hql": one})
    said = ask("try", made.folder, "two", *NOW)
    assert said.out.endswith("It may write, or have other side effects; --execute runs it.\n")
    assert not ran.exists()
    assert "2025-01-31  1" in ask("try", made.folder, "one", *NOW).out
    assert ran.exists()
    assert "2025-01-31  1" in ask("try", made.folder, "two", *NOW, "--execute").out


@pytest.mark.parametrize(
    "text", ["DROP TABLE x", "INSERT OVERWRITE TABLE t SELECT 1", "FROM t INSERT INTO u SELECT 1;"]
)
def test_a_hive_file_of_one_statement_that_writes_is_run_only_when_that_is_asked_for(
    ask: Ask, tmp_path: Path, text: str
) -> None:
    config = (
        f"databases: {{hive: {{engine: hive, client: cli, command: [touch, {tmp_path}/ran]}}}}\n"
        "defaults: {type: hive, granularity: days, starts: 2025-01-01}\n"
        "reports: {one: {}}\n"
    )
    made = Project(tmp_path, config, {"one.hql": text})
    said = ask("try", made.folder, "one", *NOW)
    assert said.out.endswith("It may write, or have other side effects; --execute runs it.\n")
    assert not (tmp_path / "ran").exists()


def test_a_report_that_writes_is_run_only_when_that_is_asked_for(ask: Ask, tmp_path: Path) -> None:
    delete = "DELETE FROM dl RETURNING '{from_date}' AS date, n"
    one = project(tmp_path, "  edits: {writes: true}\n  views:", edits=delete, views=delete)
    with closing(sqlite3.connect(one.folder / "data.sqlite", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE dl (n)")
        connection.execute("INSERT INTO dl VALUES (7)")
        said = ask("try", one.folder, "edits", *NOW)
        assert said.out.endswith("It may write, or have other side effects; --execute runs it.\n")
        said = ask("try", one.folder, "views", *NOW, "--execute", code=1)
        assert "(a report whose query writes says `writes: true`)" in said.err
        assert connection.execute("SELECT n FROM dl").fetchall() == [(7,)]
        assert "2025-01-31  7\n" in ask("try", one.folder, "edits", *NOW, "--execute").out
        assert connection.execute("SELECT n FROM dl").fetchall() == []


@pytest.mark.parametrize("statement", ["DELETE FROM dl", "CALL noresult()"])
def test_a_query_that_writes_to_a_mariadb_changes_nothing(
    ask: Ask, mariadb: Mariadb, fresh_database: str, tmp_path: Path, statement: str
) -> None:
    mariadb.execute(
        "CREATE TABLE dl (n INT)",
        "INSERT INTO dl VALUES (7)",
        "CREATE PROCEDURE noresult() DELETE FROM dl",
        f"GRANT ALL ON {fresh_database}.* TO {USER}",
        database=fresh_database,
    )
    config = on_mariadb(mariadb, f"db: {fresh_database}") + "reports: {edits: {}}\n"
    one = Project(tmp_path, config, {"edits.sql": statement})
    for how in ((), ("--execute",)):
        said = ask("try", one.folder, "edits", *NOW, *how, code=1).err
        assert "(1792) " in said
        assert "a report whose query writes says `writes: true`" in said
    assert mariadb.execute(f"SELECT n FROM {fresh_database}.dl") == ((7,),)


def test_a_query_is_stopped_when_its_time_is_over(ask: Ask, tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t)"
        " SELECT '{from_date}' AS date, max(n) AS n FROM t"
    )
    one = project(tmp_path, "  edits: {timeout: 1}", edits=endless)
    said = ask("try", one.folder, "edits", *NOW, code=1).err
    assert "stopped after 1 s (the report's `timeout` says how long a query may take)" in said


def test_a_server_that_is_not_there_is_tried_again_and_told(ask: Ask, tmp_path: Path) -> None:
    config = f"databases: {{r: {{host: 127.0.0.1, port: {free_port()}}}}}\n"
    config += "reports: {edits: {db: r, granularity: days, starts: 2025-01-01, retries: 1}}"
    one = Project(tmp_path, config, {"edits.sql": ONE})
    said = ask("try", one.folder, "edits", *NOW, "-l", "info", code=1).err
    assert said.count("trying again") == 1
    assert " failed after " in said


def test_an_interrupt_stops_the_query_on_the_server_too(mariadb: Mariadb, tmp_path: Path) -> None:
    mark = f"mark_{os.getpid()}"
    query = f"SELECT '{{from_date}}' AS date, SLEEP(100) AS {mark}"
    one = Project(tmp_path, on_mariadb(mariadb) + "reports: {edits: {}}", {"edits.sql": query})

    def runs() -> bool:
        return any(mark in query for query in mariadb.queries().values())

    with subprocess.Popen(
        ["env", "--default-signal=INT", *COMMAND, "try", one.folder, "edits", *NOW],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(lambda: runs() or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "ERROR interrupted after " in err
    assert "Traceback" not in err
    wait_until(lambda: not runs())
