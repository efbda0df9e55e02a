from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from reportupdater.engines.hive import cli
from reportupdater.engines.hive.cli import CliSession, script
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.engine import HiveEngine
from reportupdater.errors import ConnectionFailed, QueryError, ResultError
from reportupdater.model import Query, Table
from tests.engines.tasks import sql_task
from tests.helpers import patient, wait_until
from tests.servers.hive import Hive
from tests.servers.mariadb import free_port
from tests.servers.spark import Spark, sleeping

QUIET = ("--silent=true", "--outputformat=tsv2", "--showHeader=true")
MARK = "reportupdater_0"
NO_TICKET = """\
Error: Could not open client transport with JDBC Uri: jdbc:hive2://x: GSS initiate failed
Caused by: GSSException: No valid credentials provided (Mechanism level: Failed to find any)
"""


@pytest.fixture
def entry(spark: Spark, beeline: str) -> HiveDatabase:
    """An entry that runs the real BeeLine."""
    url = f"jdbc:hive2://{spark.host}:{spark.port}/default"
    return HiveDatabase(
        name="hive", client="cli", command=(beeline, "-u", url, "-n", "reports", *QUIET)
    )


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], HiveDatabase]:
    """Makes an entry with a command of one's own, a shell script."""

    def make(body: str, name: str = "beeline") -> HiveDatabase:
        path = tmp_path / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
        return HiveDatabase(name="hive", client="cli", command=(str(path), "-x", "a b"))

    return make


def ask(
    entry: HiveDatabase, text: str, *, database: str | None = None, max_rows: int = 1000
) -> Table:
    session = CliSession(entry)
    session.connect()
    table = session.run(Query(text, database), max_rows=max_rows, timeout=600)
    session.close()
    return table


def table(output: str, preceding: int = 0, max_rows: int = 100, *, quoted: bool = False) -> Table:
    lines = re.findall(rb"[^\n]*\n|[^\n]+", output.encode())
    return cli.table(lines, MARK, preceding, max_rows, quoted=quoted)


# The real BeeLine


def test_beelines_output_is_a_table(spark: Spark, entry: HiveDatabase) -> None:
    # What stands in the query itself, beeline reads without the letters beyond U+FFFF.
    spark.execute("CREATE OR REPLACE VIEW titles AS SELECT '😀' AS title")
    text = r"""
        -- It's a report; "so" to speak
        SELECT '2015-01-02' AS `date`, CAST(NULL AS STRING) AS missing, '' AS blank, true AS yes,
            1.50 AS number, 'a\tb' AS tab, 'a"b' AS quote, '"x" y' AS quotes, concat('ü', title) AS wide,
            array('a', 'b') AS list, named_struct('a', 1) AS struct, ' ; ' AS odd
        FROM titles;
    """
    assert ask(entry, text) == Table(
        (
            *("date", "missing", "blank", "yes", "number"),
            *("tab", "quote", "quotes", "wide", "list", "struct", "odd"),
        ),
        [
            (
                *("2015-01-02", "", "", "true", "1.50"),
                *("a\tb", 'a"b', '"x" y', "ü😀", '["a","b"]', '{"a":1}', " ; "),
            )
        ],
    )


def test_beeline_runs_several_statements_and_the_last_table_counts(
    spark: Spark, entry: HiveDatabase
) -> None:
    spark.execute("CREATE DATABASE IF NOT EXISTS other")
    text = """
        SET x.y=it's set;
        CREATE TABLE filled (n INT);
        INSERT INTO filled VALUES (7);
        SELECT 'not this' AS x;
        SELECT n, current_database() AS place, '${hiveconf:queue}' AS queue
        FROM filled WHERE n > 0;
        DROP TABLE filled;
    """
    entry = replace(entry, settings={"queue": "nice one"})
    assert ask(entry, text, database="other") == Table(
        ("n", "place", "queue"), [("7", "other", "nice one")]
    )


def test_beelines_error_is_shown_without_its_stack(
    entry: HiveDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(QueryError, match=r"^beeline ended with exit code 2: \[TABLE_OR") as caught:
        ask(entry, "SELECT * FROM nowhere")
    assert "check the table's name" in caught.value.hint
    assert "\tat " not in str(caught.value)
    assert "at org.apache.spark" in caplog.text


def test_a_server_that_is_not_there_is_a_failed_connection(beeline: str) -> None:
    url = f"jdbc:hive2://127.0.0.1:{free_port()}/default"
    entry = HiveDatabase(name="hive", client="cli", command=(beeline, "-u", url, *QUIET))
    with pytest.raises(ConnectionFailed, match="Connection refused") as caught:
        ask(entry, "SELECT 1")
    assert caught.value.retry


def test_a_cancelled_query_ends_here_and_on_the_server(spark: Spark, entry: HiveDatabase) -> None:
    session = CliSession(entry)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(session.run, Query(sleeping(300)), max_rows=10, timeout=600)
        try:
            wait_until(lambda: spark.running() == [sleeping(300)])
        finally:
            session.cancel()
        assert isinstance(call.exception(patient(5)), ConnectionFailed)
    wait_until(lambda: spark.running() == [])


# Hive's own BeeLine


@pytest.fixture
def hives_own(hive: Hive, hive_beeline: tuple[str, ...]) -> HiveDatabase:
    """An entry that runs Hive's BeeLine on Hive."""
    url = f"jdbc:hive2://{hive.host}:{hive.port}/default"
    return HiveDatabase(
        name="hive", client="cli", command=(*hive_beeline, "-u", url, "-n", "reports", *QUIET)
    )


def test_quotes_that_hives_beeline_prints_are_a_part_of_the_value(hives_own: HiveDatabase) -> None:
    text = """SELECT '"q"' AS a, 'x"y' AS b, CAST(NULL AS STRING) AS c, '"NULL"' AS d"""
    assert ask(hives_own, text).rows == [('"q"', 'x"y', "", '"NULL"')]


@pytest.mark.long
def test_hives_beeline_that_quotes_is_read_as_such(hives_own: HiveDatabase) -> None:
    quoting = ("java", "-Ddisable.quoting.for.sv=false", *hives_own.command[1:])
    text = (
        r"""SELECT '"q"' AS a, 'x"y' AS b, 'a\tb' AS c, CAST(NULL AS STRING) AS d, '"NULL"' AS e"""
    )
    assert ask(replace(hives_own, command=quoting), text).rows == [
        ('"q"', 'x"y', "a\tb", "", '"NULL"')
    ]


@pytest.mark.long
@pytest.mark.parametrize("before", ["", "SET a.b=c;\n"])
def test_lines_in_the_errors_of_hives_beeline_are_those_of_the_file(
    hives_own: HiveDatabase, before: str
) -> None:
    text = f"{before}\n-- about it\n\nSELECT n,\n  -- more\n\n  nonsuch\nFROM one"
    line = text[: text.index("nonsuch")].count("\n") + 1
    with pytest.raises(QueryError, match=f"[Ll]ine {line}:"):
        ask(hives_own, text)


@pytest.mark.long
def test_a_server_that_hives_beeline_cannot_reach_is_a_failed_connection(
    hive_beeline: tuple[str, ...],
) -> None:
    url = f"jdbc:hive2://127.0.0.1:{free_port()}/default"
    entry = HiveDatabase(name="hive", client="cli", command=(*hive_beeline, "-u", url, *QUIET))
    with pytest.raises(ConnectionFailed, match="Connection refused") as caught:
        ask(entry, "SELECT 1")
    assert caught.value.retry
    assert caught.value.unreachable


# Commands


def test_the_command_is_called_with_a_file(
    made: Callable[..., HiveDatabase], tmp_path: Path
) -> None:
    body = f'printf "%s\\n" "$@" > {tmp_path}/words; cp "${{@: -1}}" {tmp_path}/query; echo date'
    entry = replace(made(body), settings={"a.b": "c d"})
    with pytest.raises(ResultError):  # the marks around the table are missing
        ask(entry, "SELECT 1;\n", database="events")
    *words, path = (tmp_path / "words").read_text().splitlines()
    assert words == ["-x", "a b", "--hiveconf", "a.b=c d", "-f"]
    assert not Path(path).exists()
    assert (tmp_path / "query").read_text().startswith("USE `events`;\nSELECT 'reportupdater_")
    assert (tmp_path / "query").read_text().endswith("`;\nSELECT 1;\n")


def test_hive_is_told_to_print_a_header(made: Callable[..., HiveDatabase], tmp_path: Path) -> None:
    entry = made(f'echo "$@" > {tmp_path}/words; echo date', name="hive")
    ask(entry, "SELECT 1")
    assert "--hiveconf hive.cli.print.header=true -f" in (tmp_path / "words").read_text()
    own = (*entry.command, "--hiveconf", "hive.cli.print.header=false")
    ask(HiveDatabase(name="hive", client="cli", command=own), "SELECT 1")
    assert (tmp_path / "words").read_text().count("print.header") == 1


def test_the_exit_code_counts_whatever_was_printed(made: Callable[..., HiveDatabase]) -> None:
    entry = made("printf 'date\\n2015-01-02\\n'; echo first >&2; echo last >&2; exit 3")
    with pytest.raises(QueryError) as caught:
        ask(entry, "SELECT 1")
    assert str(caught.value) == "beeline ended with exit code 3: last\n    first"


def test_standard_error_goes_to_the_log(
    made: Callable[..., HiveDatabase], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert ask(made("echo date; echo '10% done' >&2; echo more >&2"), "SELECT 1").rows == []
    assert [record.getMessage() for record in caplog.records] == [
        "beeline: 10% done",
        "beeline: more",
    ]


def test_a_connection_that_is_refused_is_one_even_where_the_command_ends_well(
    made: Callable[..., HiveDatabase],
) -> None:
    said = "Error: Could not open client transport: Connection refused (state=08S01,code=0)"
    with pytest.raises(ConnectionFailed, match=r"^beeline failed: .*Connection refused") as caught:
        ask(made(f"echo '{said}' >&2"), "SELECT 1")
    assert caught.value.retry
    assert caught.value.unreachable
    with pytest.raises(QueryError, match=r"^beeline failed: .*no such thing"):
        ask(made("echo 'Error: no such thing' >&2"), "SELECT 1")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (NO_TICKET, "kinit"),
        ("FAILED: ParseException line 1:25 cannot recognize input near 'date'", "backticks"),
        ("Exception in thread main java.lang.OutOfMemoryError: heap", "heap"),
        ("", "gives no reason"),
    ],
)
def test_what_the_command_says_is_told_with_what_to_do(
    made: Callable[..., HiveDatabase], tmp_path: Path, said: str, message: str
) -> None:
    (tmp_path / "said").write_text(said)
    with pytest.raises((QueryError, ConnectionFailed), match=message) as caught:
        ask(made(f"cat {tmp_path}/said >&2; exit 1"), "SELECT 1")
    if "kinit" in message:
        assert isinstance(caught.value, ConnectionFailed)
        assert not caught.value.retry


def test_a_command_that_is_not_there_is_told() -> None:
    entry = HiveDatabase(name="hive", client="cli", command=("no-such-beeline",))
    with pytest.raises(QueryError, match=r"cannot run no-such-beeline: .*not in PATH"):
        ask(entry, "SELECT 1")
    assert str(HiveEngine().server(sql_task(entry, ""))) == "hive no-such-beeline"


def test_a_file_without_a_statement_is_an_error(made: Callable[..., HiveDatabase]) -> None:
    with pytest.raises(QueryError, match="empty"):
        ask(made("echo date"), "-- nothing;")


def test_cancel_ends_the_command_and_its_children(
    made: Callable[..., HiveDatabase], tmp_path: Path
) -> None:
    session = CliSession(made(f"sleep 300 & echo $! > {tmp_path}/pid; wait"))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(session.run, Query("SELECT 1"), max_rows=10, timeout=600)
        pid = tmp_path / "pid"
        wait_until(lambda: pid.exists() and pid.read_text())
        session.cancel()
        assert isinstance(call.exception(patient(5)), ConnectionFailed)
    child = int(pid.read_text())
    wait_until(lambda: not os.path.exists(f"/proc/{child}"))
    session.cancel()
    with pytest.raises(ConnectionFailed):
        session.connect()
    session.connect()


# Files and output


def test_what_is_printed_before_and_after_the_table_is_kept_apart() -> None:
    mark = f"SELECT '{MARK}' AS `{MARK}`"
    assert script(["SELECT 1"], MARK) == ("SELECT 1;\n", 0)
    assert script(["SHOW x", "SELECT 1"], MARK) == (f"SHOW x;\n{mark};\nSELECT 1;\n", 2)
    assert script(["SELECT 1", "DROP x"], MARK) == (f"SELECT 1;\n{mark};\nDROP x;\n", 0)
    assert script(["DROP x", "WITH t AS (SELECT 1) SELECT 2", "DROP x"], MARK) == (
        f"DROP x;\n{mark};\nWITH t AS (SELECT 1) SELECT 2;\n{mark};\nDROP x;\n",
        2,
    )
    assert script(["DROP x", "DROP y"], MARK) == (f"DROP x;\n{mark};\nDROP y;\n", 2)
    output = f"Result\n{MARK}\n{MARK}\ndate\tn\n2015-01-02\t7\n{MARK}\n{MARK}\nResult\n"
    assert table(output, 2) == Table(("date", "n"), [("2015-01-02", "7")])


def test_statements_are_in_their_lines_in_the_file_for_the_command() -> None:
    text, _ = script(["\n\nSELECT 1,\n2", "\n\n\n\nINSERT INTO t SELECT 3"], MARK)
    first, _, second, _ = text.split(";\n", 3)
    assert first.split("\n") == ["SELECT", " ", "       1,", "2"]
    assert second.split("\n") == ["INSERT", " ", " ", " ", "       INTO t SELECT 3"]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("NULL\tNULL x\tnull", ("", "NULL x", "null")),
        ('"q"\t"NULL"', ('"q"', '"NULL"')),
        ('"a"b\t"\t""', ('"a"b', '"', '""')),
        ("\0a\tb\0\tc\tNULL", ("a\tb", "c", "")),
        ('{"a":"b"}\t["x"]\t', ('{"a":"b"}', '["x"]', "")),
    ],
)
def test_quotes_are_a_part_of_fields(line: str, row: tuple[str, ...]) -> None:
    assert table(f"x\n{line}\n").rows == [row]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("NULL\tNULL x\tnull", ("", "NULL x", "null")),
        ('"NULL"\tNULL', ("NULL", "")),
        ('"a\tb"\t"say ""hi"""\tc', ("a\tb", 'say "hi"', "c")),
        ('"Weird" Al\ta"b"', ('"Weird" Al', 'a"b"')),
        ("\0a\tb\0\tc", ("a\tb", "c")),
        ('{"a":"b"}\t["x"]\t', ('{"a":"b"}', '["x"]', "")),
        ('"', ('"',)),
        ('""\t', ("", "")),
    ],
)
def test_quoted_output_loses_its_quotes(line: str, row: tuple[str, ...]) -> None:
    assert table(f"x\n{line}\n", quoted=True).rows == [row]


@pytest.mark.parametrize(
    ("words", "options", "key", "expected"),
    [
        ([], "", None, '"q"'),
        (["-Ddisable.quoting.for.sv=false"], "", None, "q"),
        ([], "-Xmx1g -Ddisable.quoting.for.sv=false", None, "q"),
        (["-Ddisable.quoting.for.sv=true"], "-Ddisable.quoting.for.sv=false", None, '"q"'),
        ([], "", True, "q"),
        ([], "-Ddisable.quoting.for.sv=false", False, '"q"'),
    ],
)
def test_output_is_quoted_where_beeline_or_the_entry_says_so(
    made: Callable[..., HiveDatabase],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    options: str,
    key: bool | None,
    expected: str,
) -> None:
    monkeypatch.setenv("HADOOP_CLIENT_OPTS", options)
    entry = made("""printf 'x\\n"q"\\n'""")
    entry = replace(entry, command=(*entry.command, *words), quoted=key)
    assert ask(entry, "SELECT 1").rows == [(expected,)]


@pytest.mark.parametrize(
    "noise",
    [
        "\rnull                    \rnull",
        "0: jdbc:hive2://127.0.0.1:10000/default> ",
        "0: jdbc:hive2://host:10000/> . . . . . . .> . . . . . . .> ",
    ],
)
def test_beelines_prompts_are_left_out(noise: str) -> None:
    output = f"{noise}date\tn\n2015-01-02\t7\n{noise}2015-01-02\t8\n{noise}"
    assert table(output) == Table(("date", "n"), [("2015-01-02", "7"), ("2015-01-02", "8")])
    assert table(f"{noise}{MARK}\n{noise}{MARK}\n{noise}date\n", 2).header == ("date",)
    assert table("nullable\t0: x\n").header == ("nullable", "0: x")


@pytest.mark.parametrize(
    ("printed", "stored"),
    [
        ("0E-8", "0.00000000"),
        ("-0E-2", "0.00"),
        ("0E-18", "0.000000000000000000"),
        ("1E-8", "1E-8"),  # a small decimal: but a text may look like that, too
        ("1.0E-8", "1.0E-8"),
        ("1.0E10", "1.0E10"),
        ("0E8", "0E8"),
        ("0E-08", "0E-08"),
        ("0E-999", "0E-999"),
        ("x0E-8", "x0E-8"),
        ("2015-01-02 03:04:05.0", "2015-01-02 03:04:05.0"),
    ],
)
def test_a_decimal_that_is_zero_has_no_exponent_and_all_else_stays(
    printed: str, stored: str
) -> None:
    assert table(f"a\tb\n{printed}\tx\n").rows == [(stored, "x")]


def test_one_row_more_than_max_rows_is_an_error() -> None:
    assert len(table("n\n1\n2\n\n", max_rows=2).rows) == 2
    with pytest.raises(ResultError, match="more than 2 rows"):
        table("n\n1\n2\n3\n", max_rows=2)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "no table"),
        ("\n\n", "no table"),
        (f"date\n{MARK}\n", "no table"),
        ("+-----+\n| n   |\n+-----+\n", "--outputformat=tsv2"),
        ("| n   |\n", "--outputformat=tsv2"),
    ],
)
def test_what_is_no_table_is_an_error(output: str, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        table(output, 2 if MARK in output else 0)


def test_output_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ResultError, match="line 2 of the output is not UTF-8"):
        cli.table([b"date\n", b"\xff\n"], MARK, 0, 10)


def test_a_query_for_which_there_is_no_place_is_an_error_with_its_cure(
    made: Callable[[str], HiveDatabase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    session = CliSession(made("exit 0"))
    with pytest.raises(QueryError) as caught:
        session.run(Query("SELECT 1"), max_rows=1, timeout=60)
    assert "the query cannot be put into a file for the command: No such file" in str(caught.value)
    assert caught.value.hint == f"make room in {tmp_path}/missing, or name another folder in TMPDIR"
