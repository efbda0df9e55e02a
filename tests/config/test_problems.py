"""Everything that a person can write wrongly, and what is said."""

from __future__ import annotations

import pytest

from reportupdater.config.schema import REPORT_KEYS
from reportupdater.configfile.keys import Key
from reportupdater.errors import Severity
from reportupdater.model import Project
from tests.config.conftest import Load
from tests.making import graphite as graphite_of
from tests.making import metrics

TOP = """\
databases:
  lite: {engine: sqlite, path: x}
  wikis: {host: db1.example.org, wiki_db_placeholder: wiki}
defaults: {db: lite, granularity: days, starts: 2015-01-02, execute: q}
reports:
"""
"""Five lines; a report after them begins on line 6."""


def told(project: Project) -> list[str]:
    return [str(problem) for problem in project.problems]


KNOWN = ", ".join(sorted(name for name, key in REPORT_KEYS.items() if isinstance(key, Key)))
EXAMPLE = "(for example reports: {edits: {db: wikis, granularity: days, starts: 2015-01-31}})"


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        ("", [f"config.yaml:1:1: the configuration is empty {EXAMPLE}"]),
        ("\ufeff# nothing yet\n", [f"config.yaml:1:1: the configuration is empty {EXAMPLE}"]),
        (
            "\n- a\n",
            [f"config.yaml:2:1: the configuration must be a mapping of keys to values, not a list {EXAMPLE}"],
        ),
        (
            "reports",
            [f"config.yaml:1:1: the configuration must be a mapping of keys to values, not 'reports' {EXAMPLE}"],
        ),
        ("!x {}", [
            ("config.yaml:1:1: the tag '!x' is not taken "
            "(only plain data can stand here; put text that begins with ! in quotes)")
        ]),
        ("a: 'x\n", ["config.yaml:1:4: a quote that is never closed"]),
        (b"a: 1\nb: \xe9\n", ["config.yaml:2:4: byte 0xe9 is not UTF-8 (save the file as UTF-8)"]),
        (b"\xef\xbb\xbfa: \xc3\xa9 \xe9\n", ["config.yaml:1:6: byte 0xe9 is not UTF-8 (save the file as UTF-8)"]),
        ("a: 1".encode("utf-16"), ["config.yaml:1:1: byte 0xff is not UTF-8 (save the file as UTF-8)"]),
        (
            "report: {}\n",
            [
                "config.yaml:1:1: unknown key 'report' is ignored (did you mean 'reports'?)",
                f"config.yaml:1:1: there are no reports {EXAMPLE}",
            ],
        ),
        ("reports:\n", [f"config.yaml:1:9: there are no reports {EXAMPLE}"]),
        ("reports: {}\n", [f"config.yaml:1:10: there are no reports {EXAMPLE}"]),
        (
            "reports: [a]\n",
            ["config.yaml:1:10: 'reports' must be a mapping of report names to their keys, not a list"],
        ),
    ],
)  # fmt: skip
def test_without_any_report_the_problem_says_what_to_write(
    load: Load, config: str | bytes, problems: list[str]
) -> None:
    project = load(config)
    assert sorted(told(project)) == sorted(problems)
    assert (project.reports, project.names) == ((), ())


NO_HIVE = (
    "(add to databases, here or in host settings: hive: {engine: hive, host: hive1.example.org})"
)
A_DATE = "must be a date of the years 1900 to 9998 like 2015-01-31"
OF_A = "of report 'a'"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("^granulaity: days", "unknown key 'granulaity' of report 'a' (did you mean 'granularity'?)"),
        ("^query: x", f"unknown key 'query' of report 'a' (known are: {KNOWN})"),
        ("type: ^sq", f"'type' {OF_A} must be sql, mysql, sqlite, hive or script, not 'sq' (did you mean 'sql'?)"),
        ("type: ^[sql]", f"'type' {OF_A} must be sql, mysql, sqlite, hive or script, not a list"),
        ("granularity: ^day", f"'granularity' {OF_A} must be hours, days, weeks or months, not 'day' (did you mean 'days'?)"),
        ("granularity: ^yearly", f"'granularity' {OF_A} must be hours, days, weeks or months, not 'yearly'"),
        ("starts: ^soon", f"'starts' {OF_A} {A_DATE}, not 'soon'"),
        ("starts: ^2015-02-30", f"'starts' {OF_A} {A_DATE}, not '2015-02-30'"),
        ("starts: ^0001-01-01", f"'starts' {OF_A} {A_DATE}, not '0001-01-01'"),
        ("starts: ^9999-12-31", f"'starts' {OF_A} {A_DATE}, not '9999-12-31'"),
        ("starts: ^20150131", f"'starts' {OF_A} {A_DATE}, not 20150131"),
        ("starts: ^2015-01-01T00:00+02:00", f"'starts' {OF_A} {A_DATE}, not '2015-01-01T00:00+02:00'"),
        ("starts: ^{}", f"'starts' {OF_A} {A_DATE}, not a mapping"),
        ("starts: ^2015-01-02T05", (f"'starts' {OF_A} has an hour "
            "(only granularity: hours takes one, and this is granularity: days)")),
        ("ends: ^2015-01-02 00:30", (f"'ends' {OF_A} has an hour "
            "(only granularity: hours takes one, and this is granularity: days)")),
        ("ends: ^2015-01-01", f"'ends' {OF_A} lies before 'starts' (which is 2015-01-02)"),
        ("lag: ^-1", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not -1"),
        ("lag: ^1 day", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not '1 day'"),
        ("lag: ^'60'", (f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, "
            "not the text '60' (write it without quotes)")),
        ("lag: ^true", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not true"),
        ("lag: ^1e400", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not '1e400'"),
        ("lag: ^.inf", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not '.inf'"),
        ("lag: ^010", f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, not '010'"),
        ("lag: ^999999999999999999999999999", (f"'lag' {OF_A} must be a number of seconds from 0 to 315,360,000, "
            "not 999999999999999999999999999")),
        ("timeout: ^0", f"'timeout' {OF_A} must be a number of seconds from 1 to 31,536,000, not 0"),
        ("max_data_points: ^0", f"'max_data_points' {OF_A} must be a whole number from 1 to 1,000,000, not 0"),
        ("max_data_points: ^1.5", f"'max_data_points' {OF_A} must be a whole number from 1 to 1,000,000, not 1.5"),
        ("max_data_points: ^yes", f"'max_data_points' {OF_A} must be a whole number from 1 to 1,000,000, not yes"),
        ("max_data_points: ^1234567", f"'max_data_points' {OF_A} must be a whole number from 1 to 1,000,000, not 1234567"),
        ("schedule: ^15 5 * *", (f"'schedule' {OF_A} must be a cron expression like '15 5 * * *', not '15 5 * *' "
            "(it has 4 fields; a schedule has five: minute, hour, day of the month, month, day of the week)")),
        ("schedule: ^15 25 * * *", f"'schedule' {OF_A} must be a cron expression like '15 5 * * *', not '15 25 * * *' ('25' is no hour)"),
        ("schedule: ^{}", f"'schedule' {OF_A} must be a cron expression like '15 5 * * *', not a mapping"),
        ("schedule: ^5", (f"'schedule' {OF_A} must be a cron expression like '15 5 * * *', not 5 "
            "(it has 1 field; a schedule has five: minute, hour, day of the month, month, day of the week)")),
        ("backfill: ^3", f"'backfill' {OF_A} must be a mapping of keys to values, not 3"),
        ("backfill: {^max_interval: 3}", f"unknown key 'max_interval' of backfill {OF_A} (did you mean 'max_intervals'?)"),
        ("backfill: {max_intervals: ^0}", f"'max_intervals' of backfill {OF_A} must be a whole number from 1 to 1,000,000, not 0"),
        ("retries: ^0x10", f"'retries' {OF_A} must be a whole number from 0 to 100, not '0x10'"),
        ("concurrency: ^0", f"'concurrency' {OF_A} must be a whole number from 1 to 1,000, not 0"),
        ("writes: ^1", f"'writes' {OF_A} must be true or false, not 1"),
        ("max_rows: ^1_000_000_000_000", f"'max_rows' {OF_A} must be a whole number from 1 to 1,000,000,000, not 1_000_000_000_000"),
        ("group: ^a b", f"'group' {OF_A} must be text without white space, not 'a b'"),
        ("group: ^''", f"'group' {OF_A} must be text without white space, not the text ''"),
        ("execute: ^\"a\\0b\"", (f"'execute' {OF_A} must be a path, not the text 'a\\x00b' "
            "(it holds a line break or a control character)")),
        ("execute: ^" + "x" * 70, f"report 'a' has no query file {'x' * 70}.sql"),
        ("granularity: null", "report 'a' has no 'granularity' (for example granularity: days)"),
        ("starts:", "report 'a' has no 'starts' (for example starts: 2015-01-31)"),
        ("db: ~", "report 'a' has no 'db' (known are: lite, wikis)"),
        ("db: ^lit", f"'db' {OF_A} names 'lit', which is not in databases (did you mean 'lite'?)"),
        ("db: wikis", ("report 'a' has no dimension 'wiki' "
            "(wiki_db_placeholder of the database 'wikis' says that it names the wiki)")),
        ("explode_by: ^wiki", f"'explode_by' {OF_A} must be a mapping of dimensions to values, not 'wiki'"),
        ("type: ^hive", f"'type' {OF_A} is hive, and there is no database for it {NO_HIVE}"),
        ("<<: ^1", "'<<' takes a mapping, or a list of mappings, by their aliases"),
    ],
)  # fmt: skip
def test_a_wrong_key_takes_out_its_report_alone(load: Load, key: str, problem: str) -> None:
    """`^` in the key stands where the problem is; without it, that is the report's name."""
    column = key.find("^") + 5 if "^" in key else 0
    config = f"{TOP}  a:\n    {key.replace('^', '')}\n  b: {{}}\n"
    project = load(config, **{"q.hql": "select 1"})
    where = f"config.yaml:7:{column}" if column else "config.yaml:6:3"
    assert told(project) == [f"{where}: {problem}"]
    assert [found.report for found in project.problems] == ["a"]
    assert [report.name for report in project.reports] == ["b"]
    assert project.names == ("a", "b")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("graphite: ^yes", f"'graphite' {OF_A} must be a mapping of keys to values, not yes"),
        ("graphite: {^paht: a, path: a, metrics: {b: c}}", f"unknown key 'paht' of graphite {OF_A} (did you mean 'path'?)"),
        ("graphite: ^{path: a}", f"graphite {OF_A} has no 'metrics' (for example metrics: {{edits: edit_count}})"),
        ("graphite: ^{metrics: {b: c}}", f"graphite {OF_A} has no 'path' (for example path: '{{_metric}}.{{wiki}}')"),
        ("graphite: {path: a, metrics: ^{}}", f"'metrics' of graphite {OF_A} names no metric (for example metrics: {{edits: edit_count}})"),
        ("graphite: {path: a, metrics: {b: ^[c]}}", f"'b' of metrics of graphite {OF_A} must be text, not a list"),
        ("graphite: {path: a, metrics: {b: ^, c: d}}", f"'b' of metrics of graphite {OF_A} must be text, not empty"),
        ("graphite: {path: ^'{a', metrics: {b: c}}", f"'path' of graphite {OF_A}: a single {{ in the text (write {{{{ and }}}} where braces are meant)"),
        ("graphite: {path: ^{_metric}, metrics: {b: c}}", f"'path' of graphite {OF_A} must be text, not a mapping (put text that begins with {{ in quotes)"),
        ("graphite: {path: ^a, metrics: {b: c, d: e}}", f"'path' of graphite {OF_A} lacks {{_metric}}, and so is the same for all its metrics"),
    ],
)  # fmt: skip
def test_a_wrong_graphite_of_a_report_withholds_its_datapoints_and_not_its_rows(
    load: Load, key: str, problem: str
) -> None:
    project = load(f"{TOP}  a:\n    {key.replace('^', '')}\n  b: {{}}\n")
    assert told(project) == [f"config.yaml:7:{key.find('^') + 5}: {problem}"]
    assert [found.report for found in project.problems] == ["a"]
    assert [(report.name, metrics(report)) for report in project.reports] == [
        ("a", None),
        ("b", None),
    ]


A_PORT = "must be a whole number from 1 to 65,535"


@pytest.mark.parametrize(
    ("entry", "problems"),
    [
        ("{host: h, prot: 1}", ["12: unknown key 'prot' of database 'm' (did you mean 'port'?)"]),
        ("{host: h, zzz: 1}", [("12: unknown key 'zzz' of database 'm' (known are: auto_find_db_shard, concurrency, "
            "creds_file, db, engine, host, mw_config_path, nameserver, port, socket, srv_name, time_zone, use_x1, wiki_db_placeholder)")]),
        ("{port: 1}", ["-1: database 'm' has no 'host' (for example host: db1.example.org)"]),
        ("{auto_find_db_shard: false}", ["-1: database 'm' has no 'host' (for example host: db1.example.org)"]),
        ("", ["-1: database 'm' has no 'host' (for example host: db1.example.org)"]),
        ("h", ["2: database 'm' must be a mapping of keys to values, not 'h'"]),
        ("[h]", ["2: database 'm' must be a mapping of keys to values, not a list"]),
        ("{host: h, port: 0}", [f"18: 'port' of database 'm' {A_PORT}, not 0"]),
        ("{host: h, port: 65536}", [f"18: 'port' of database 'm' {A_PORT}, not 65536"]),
        ("{host: h, port: yes}", [f"18: 'port' of database 'm' {A_PORT}, not yes"]),
        ("{host: h i}", ["9: 'host' of database 'm' must be the name or the IP address of a host, not 'h i'"]),
        ("{host: [h]}", ["9: 'host' of database 'm' must be the name or the IP address of a host, not a list"]),
        ("{host: h, auto_find_db_shard: 1}", ["32: 'auto_find_db_shard' of database 'm' must be true or false, not 1"]),
        ("{host: h, concurrency: 1001}", ["25: 'concurrency' of database 'm' must be a whole number from 1 to 1,000, not 1001"]),
        ("{host: h, time_zone: CET}", [("23: 'time_zone' of database 'm' must be server, or an offset like +01:00, not 'CET'"
            " (names of zones are the server's business: let it have one, and say server)")]),
        ("{host: h, time_zone: +15:00}", ["23: 'time_zone' of database 'm' must be server, or an offset like +01:00, not '+15:00'"]),
        ("{path: x}", [
            "-1: database 'm' has no 'host' (for example host: db1.example.org)",
            "3: unknown key 'path' of database 'm' (it belongs to engine: sqlite; without the key engine this is mysql)",
        ]),
        ("{engine: sqlite, host: h}", [
            "-1: database 'm' has no 'path' (for example path: events.sqlite)",
            "19: unknown key 'host' of database 'm' (it belongs to engine: mysql or hive)",
        ]),
        ("{engine: postgres, host: h}", ["11: 'engine' of database 'm' must be mysql, sqlite or hive, not 'postgres'"]),
        ("{engine: mysqll, host: h}", ["11: 'engine' of database 'm' must be mysql, sqlite or hive, not 'mysqll' (did you mean 'mysql'?)"]),
        ("{host: h, host: i}", ["12: the key 'host' is given twice (first on line 2)"]),
        ("{host: h, port: *x}", ["18: the alias '*x' names nothing above it (put text that begins with * in quotes)"]),
        ("{host: h, password: x}", [("12: unknown key 'password' of database 'm' "
            "(the login is in the file that `creds_file` names, never here)")]),
        ("{auto_find_db_shard: true}", [("23: 'auto_find_db_shard' of database 'm' lacks the wiki whose server to find "
            "(wiki_db_placeholder names the dimension that has it, or db the only one)")]),
        ("{host: h, socket: s}", [("9: 'host' of database 'm' and its 'socket' name two servers "
            "(a Unix socket is on this host: leave one out)")]),
        ("{port: 3306, socket: s}", [("9: 'port' of database 'm' and its 'socket' name two servers "
            "(a Unix socket is on this host: leave one out)")]),
        ("{db: d, auto_find_db_shard: true, socket: s}", [("30: 'auto_find_db_shard' of database 'm' and its 'socket' name two "
            "servers (a Unix socket is on this host: leave one out)")]),
        ("{host: h, srv_name: _s1._tcp.example.org}",
            ["22: 'srv_name' of database 'm' must be a DNS name with {section} in it, not '_s1._tcp.example.org'"]),
        ("{host: h, srv_name: '{section}{section}.example.org'}",
            ["22: 'srv_name' of database 'm' must be a DNS name with {section} in it, not the text '{section}{section}.example.org'"]),
        ("{host: h, nameserver: ns.example.org}", [("24: 'nameserver' of database 'm' must be an IP address, "
            "with `:port` if that is not 53, not 'ns.example.org' (a name cannot be looked up without it)")]),
        ("{host: h, nameserver: 10.0.0.1:65536}", [("24: 'nameserver' of database 'm' must be an IP address, "
            "with `:port` if that is not 53, not '10.0.0.1:65536'")]),
        ("{host: h, nameserver: '::1'}", [("24: 'nameserver' of database 'm' must be an IP address, "
            "with `:port` if that is not 53, not the text '::1'")]),
        ("{host: h, <<: 1}", ["16: '<<' takes a mapping, or a list of mappings, by their aliases"]),
    ],
)  # fmt: skip
def test_a_wrong_database_takes_out_the_reports_that_use_it_and_is_told_once(
    load: Load, entry: str, problems: list[str]
) -> None:
    project = load(
        f"""\
databases:
  m: {entry}
  ok: {{host: db1.example.org}}
defaults: {{db: m, granularity: days, starts: 2015-01-02, execute: q}}
reports:
  a: {{}}
  b: {{db: m}}
  c: {{db: ok}}
  d: {{type: script, execute: s}}
""",
        s="#!/bin/sh\n",
    )

    def moved(problem: str) -> str:
        column, _, message = problem.partition(": ")
        return f"config.yaml:2:{int(column) + 4}: {message}"

    assert told(project) == [moved(problem) for problem in problems]
    assert {problem.report for problem in project.problems} == {None}
    assert [report.name for report in project.reports] == ["c", "d"]


@pytest.mark.parametrize(
    ("line", "problems", "valid"),
    [
        ("lag: soon", ["6: 'lag' of defaults must be a number of seconds from 0 to 315,360,000, not 'soon'"], "b"),
        ("lagg: 5", ["1: unknown key 'lagg' of defaults (did you mean 'lag'?)"], ""),
        ("ends: 2014-01-01", ["7: 'ends' of defaults lies before 'starts' (which is 2015-01-02)"], "b"),
        ("ends: 2016-01-01T05", [("7: 'ends' of defaults has an hour "
            "(only granularity: hours takes one, and this is granularity: days)")], "b"),
        ("explode_by: {wiki: no.txt}", ["20: the dimension 'wiki' of defaults has no file no.txt to take its values from"], "b"),
        ("graphite: {path: x}", ["11: graphite of defaults has no 'metrics' (for example metrics: {edits: edit_count})"], "abc"),
        ("db: nothing", ["5: 'db' of defaults names 'nothing', which is not in databases (known are: lite)"], "b"),
        ("type: hive", [f"7: 'type' of defaults is hive, and there is no database for it {NO_HIVE}"], "b"),
        ("lag: 1\n  lag: 2", ["12: the key 'lag' is given twice (first on line 6)"], "b"),
        ("lag: 1, 2", ["6: 'lag' of defaults must be a number of seconds from 0 to 315,360,000, not '1, 2'"], "b"),
        ("[x]: 1", ["1: a key must be a plain word, not a list or a mapping (put text that begins with { in quotes)"], ""),
        ("by_wiki: true", ["1: 'by_wiki' of defaults is of an older version and ignored (`explode_by` makes a series for each wiki)"], "abc"),
    ],
)  # fmt: skip
def test_a_wrong_default_takes_out_the_reports_that_use_it_and_is_told_once(
    load: Load, line: str, problems: list[str], valid: str
) -> None:
    db = "" if line.startswith("db") else "  db: lite\n"
    project = load(
        f"""\
databases: {{lite: {{engine: sqlite, path: x}}}}
defaults:
  granularity: days
  starts: 2015-01-02
  execute: q
  {line}
{db}reports:
  a: {{}}
  b: {{lag: 1, ends: 2016-01-01, explode_by: {{}}, graphite: null, db: lite, type: sql}}
  c: {{lag: }}
""",
        **{"q.hql": "select 1"},
    )

    def moved(problem: str) -> str:
        column, _, message = problem.partition(": ")
        line, column = ("7", "3") if int(column) == 12 else ("6", str(int(column) + 2))
        return f"config.yaml:{line}:{column}: {message}"

    assert told(project) == [moved(problem) for problem in problems]
    names = "".join(report.name for report in project.reports)
    # `c` undoes the default of `lag` alone.
    assert names == (valid + "c" if line.startswith("lag: ") else valid)
    assert {problem.report for problem in project.problems} == {None}


@pytest.mark.parametrize(
    ("top", "problem", "valid"),
    [
        ("databases: [a]", "2:12: 'databases' must be a mapping of names to databases, not a list", "s"),
        ("databases: *x", "2:12: the alias '*x' names nothing above it (put text that begins with * in quotes)", "s"),
        ("databases: {ok: {engine: sqlite, path: x}}\ndatabases: {}", "3:1: the key 'databases' is given twice (first on line 2)", "s"),
        ("databases: {ok: {engine: sqlite, path: x}}\ndefaults: 5", "3:11: 'defaults' must be a mapping of report keys to values, not 5", ""),
        ("databases: {ok: {engine: sqlite, path: x}}\ndefaults: {}\ndefaults: {}", "4:1: the key 'defaults' is given twice (first on line 3)", ""),
        ("databases: {ok: {engine: sqlite, path: x}}\ngraphite: x", "3:11: 'graphite' must be a mapping of keys to values, not 'x'", "as"),
        ("databases: {ok: {engine: sqlite, path: x}}\nreports: {}", "3:1: the key 'reports' is given twice (first on line 1)", "as"),
        ("databases: {ok: {engine: sqlite, path: x}}\n[x]: y", ("3:1: a key must be a plain word, not a list or a mapping "
            "(put text that begins with { in quotes)"), "as"),
        ("databases: {ok: {engine: sqlite, path: x}}\nx-common: 1", ("3:1: unknown key 'x-common' is ignored "
            "(known are: databases, defaults, graphite, prometheus, reports)"), "as"),
        ("databases: {ok: {engine: sqlite, path: x}}\nx: {a: 1, a: !y 2}", ("3:1: unknown key 'x' is ignored "
            "(known are: databases, defaults, graphite, prometheus, reports)|3:11: the key 'a' is given twice (first on line 3)|"
            "3:14: the tag '!y' is not taken (only plain data can stand here; put text that begins with ! in quotes)"), "as"),
    ],
)  # fmt: skip
def test_a_wrong_part_takes_out_what_depends_on_it(
    load: Load, top: str, problem: str, valid: str
) -> None:
    common = "granularity: days, starts: 2015-01-01"
    reports = f"a: {{db: ok, execute: q, {common}}}, s: {{type: script, {common}}}"
    project = load(f"reports: {{{reports}}}\n{top}\n", s="#!/bin/sh\n")
    assert told(project) == [f"config.yaml:{part}" for part in problem.split("|")]
    assert {problem.report for problem in project.problems} == {None}
    assert [report.name for report in project.reports] == list(valid)
    assert project.names == ("a", "s")


@pytest.mark.parametrize(
    ("graphite", "files", "problems"),
    [
        ("{hots: h}", {}, ["config.yaml:1:12: unknown key 'hots' of graphite (did you mean 'host'?)"]),
        ("{host: h, port: x}", {}, [f"config.yaml:1:27: 'port' of graphite {A_PORT}, not 'x'"]),
        ("{lookups: names.yaml}", {}, ["config.yaml:1:21: 'lookups' of graphite must be a mapping of dimensions to files, not 'names.yaml'"]),
        ("{lookups: {wiki: []}}", {}, ["config.yaml:1:28: 'wiki' of lookups of graphite must be text, not a list"]),
        ("{lookups: {wiki: nams.yaml}}", {"names.yaml": ""},
            ["config.yaml:1:28: there is no lookup file nams.yaml for the dimension 'wiki' ('names.yaml' is there)"]),
        ("{lookups: {wiki: n.yaml}}", {"n.yaml": ""}, ["n.yaml:1:1: a lookup must be a mapping of values to names, not empty (for example enwiki: en)"]),
        ("{lookups: {wiki: n.yaml}}", {"n.yaml": "- a"}, ["n.yaml:1:1: a lookup must be a mapping of values to names, not a list (for example enwiki: en)"]),
        ("{lookups: {wiki: n.yaml}}", {"n.yaml": b"a: \xff"}, ["n.yaml:1:4: byte 0xff is not UTF-8 (save the file as UTF-8)"]),
        ("{lookups: {wiki: n.yaml}}", {"n.yaml": "a: 'b"}, ["n.yaml:1:4: a quote that is never closed"]),
        ("{lookups: {wiki: n.yaml}}", {"n.yaml": "a: b\na: c\nd: {e: f}\ng: \nh: !x i"}, [
            "n.yaml:2:1: the key 'a' is given twice (first on line 1)",
            "n.yaml:3:4: 'd' of the lookup must be text, not a mapping",
            "n.yaml:4:3: 'g' of the lookup must be text, not empty",
            "n.yaml:5:4: the tag '!x' is not taken (only plain data can stand here; put text that begins with ! in quotes)",
        ]),
    ],
)  # fmt: skip
def test_a_wrong_graphite_takes_out_no_report_and_no_datapoint_goes_astray(
    load: Load, graphite: str, files: dict[str, str | bytes], problems: list[str]
) -> None:
    project = load(f"graphite: {graphite}\n{TOP}  a: {{}}\n", **files)
    assert told(project) == problems
    assert [report.name for report in project.reports] == ["a"]
    assert graphite_of(project) is None


@pytest.mark.parametrize(
    ("reports", "problems", "valid"),
    [
        ("{a/b: {}, c: {}}", [("11: the report name 'a/b' holds what a file name must not "
            "(take letters, digits and _ . + -, first a letter, a digit or _)")], ["c"]),
        ("{../x: {}, c: {}}", [("11: the report name '../x' holds what a file name must not "
            "(take letters, digits and _ . + -, first a letter, a digit or _)")], ["c"]),
        ("{a..b: {}}", ["11: the report name 'a..b' holds '..' (take letters, digits and _ . + -, first a letter, a digit or _)"], []),
        ("{.a: {}}", [("11: the report name '.a' holds what a file name must not "
            "(take letters, digits and _ . + -, first a letter, a digit or _)")], []),
        ('{"a\\nb": {}}', [("11: the report name 'a\\nb' holds what a file name must not "
            "(take letters, digits and _ . + -, first a letter, a digit or _)")], []),
        ("{%s: {}}" % ("x" * 201), [(f"11: the report name '{'x' * 59}…' is longer than 200 characters "
            "(take letters, digits and _ . + -, first a letter, a digit or _)")], []),
        ("{a: 5, b: [], c: {}}", [
            "14: report 'a' must be a mapping of keys to values, not 5",
            "20: report 'b' must be a mapping of keys to values, not a list",
        ], ["c"]),
        ("{a: {}, A: {}, b: {}}", [("18: the report name 'A' differs from 'a' in case alone "
            "(that one is on line 5; rename one of them)")], ["a", "b"]),
        ("{a: {lag: x}, A: {}, b: {}}", [
            "20: 'lag' of report 'a' must be a number of seconds from 0 to 315,360,000, not 'x'",
            "24: the report name 'A' differs from 'a' in case alone (that one is on line 5; rename one of them)",
        ], ["b"]),
        ("{a: {}, a: {}, b: {}}", ["18: the key 'a' is given twice (first on line 5)"], ["b"]),
        ("{a: {lag: 1, lag: 2}, b: {}}", ["23: the key 'lag' is given twice (first on line 5)"], ["b"]),
        ("{a: *x, b: {}}", ["14: the alias '*x' names nothing above it (put text that begins with * in quotes)"], ["b"]),
        ("{a: {lag: *x}, b: {}}", ["20: the alias '*x' names nothing above it (put text that begins with * in quotes)"], ["b"]),
        ("{a: {explode_by: {w: [*x, y]}}, b: {}}", ["32: the alias '*x' names nothing above it (put text that begins with * in quotes)"], ["b"]),
        ("{a: {graphite: {path: x, metrics: {y: *x}}}, b: {}}",
            ["48: the alias '*x' names nothing above it (put text that begins with * in quotes)"], ["a", "b"]),
        ("{a: &a {lag: 1, lag: 2}, b: {<<: *a}, c: {}}", ["26: the key 'lag' is given twice (first on line 5)"], ["c"]),
        ("{a.tsv: {explode_by: {w: x}}, a: {}, A.TSV.x: {}}", [("11: the folder of report 'a.tsv' would be the file of report 'a' "
            "(that one is on line 5; rename one of them)")], ["a", "A.TSV.x"]),
        ("{A: {}, a.TSV: {explode_by: {w: x}}}", [("18: the folder of report 'a.TSV' would be the file of report 'A' "
            "(that one is on line 5; rename one of them)")], ["A"]),
        ("{a: {}, a.tsv: {}, b: {explode_by: {w: x}}, b.tsv: {explode_by: {w: x}}}", [], ["a", "a.tsv", "b", "b.tsv"]),
    ],
)  # fmt: skip
def test_names_of_reports_cannot_clash_or_leave_the_output_folder(
    load: Load, reports: str, problems: list[str], valid: list[str]
) -> None:
    project = load(TOP.replace("reports:\n", f"reports: {reports}\n"))
    assert told(project) == [f"config.yaml:5:{problem}" for problem in problems]
    assert [report.name for report in project.reports] == valid
    assert set(valid) < set(project.names) or not problems or "graphite" in reports


@pytest.mark.parametrize(
    ("key", "replaced_by"),
    [
        (
            "frequency: hours",
            "`granularity` says how long an interval is; a report runs when one is due",
        ),
        ("timeboxed: true", "every report is computed interval by interval from `starts` on"),
        ("funnel: true", "every report may have several rows with the same date"),
        ("by_wiki: [a]", "`explode_by` makes a series for each wiki"),
        ("first_date: 2015-01-01", "`starts` is the date of the first interval"),
    ],
)
def test_a_key_of_older_versions_is_a_notice(load: Load, key: str, replaced_by: str) -> None:
    project = load(TOP + f"  a: {{{key}}}\n")
    name = key.split(":", maxsplit=1)[0]
    assert told(project) == [
        f"config.yaml:6:7: {name!r} of report 'a' is of an older version and ignored ({replaced_by})"
    ]
    assert [problem.severity for problem in project.problems] == [Severity.NOTICE]
    assert [report.name for report in project.reports] == ["a"]


def test_severities_tell_what_takes_something_out(load: Load) -> None:
    project = load("extra: 1\n" + TOP + "  a: {funnel: true}\n  b: {lag: x}\n")
    assert [(problem.severity.value, problem.report) for problem in project.problems] == [
        ("warning", None),
        ("notice", "a"),
        ("error", "b"),
    ]


def test_an_error_in_a_shared_list_is_told_once_and_takes_out_each_report_that_reads_it(
    load: Load,
) -> None:
    project = load(
        TOP + "  a: {explode_by: {w: w.txt}}\n  b: {explode_by: {w: w.txt}}\n  c: {}\n",
        **{"w.txt": "x\n../y\n"},
    )
    assert told(project) == [
        (
            "w.txt:2:1: the value '../y' of the dimension 'w' holds what a file name must not "
            "(take letters, digits and _ . + -, first a letter, a digit or _)"
        )
    ]
    assert project.problems[0].report is None
    assert [report.name for report in project.reports] == ["c"]


def test_all_problems_are_told_at_once_in_the_order_of_the_files(load: Load) -> None:
    project = load(
        """\
databases:
  main: {host: db1.example.org, prot: 3306}
  lite: {engine: sqlite, path: x}
defaults:
  db: lite
  lag: soon
  starts: 2015-01-02
graphit: {host: graphite.example.org}
reports:
  pageviews:
    granulaity: days
    granularity: days
    lag: 0
    explode_by: {wiki: wikis.txt}
  edits:
    granularity: hours
    max_data_points: true
    lag: 0
    first_date: 2014-01-01
  good:
    granularity: weeks
    lag: 0
    execute: q
  late:
    granularity: months
    execute: q
  main:
    db: main
    lag: 0
    execute: gone
""",
        **{
            "pageviews.sql": "select {from_date}, '{wikki}'\nfrom t where a = {x.y}",
            "edits.sql": "select {from_date}",
            "wikis.txt": "enwiki\n\nEnwiki\n",
        },
    )
    assert told(project) == [
        "config.yaml:2:33: unknown key 'prot' of database 'main' (did you mean 'port'?)",
        (
            "config.yaml:6:8: 'lag' of defaults must be a number of seconds from 0 to 315,360,000, "
            "not 'soon'"
        ),
        "config.yaml:8:1: unknown key 'graphit' is ignored (did you mean 'graphite'?)",
        (
            "config.yaml:11:5: unknown key 'granulaity' of report 'pageviews' "
            "(did you mean 'granularity'?)"
        ),
        (
            "config.yaml:17:22: 'max_data_points' of report 'edits' must be a whole number "
            "from 1 to 1,000,000, not true"
        ),
        (
            "config.yaml:19:5: 'first_date' of report 'edits' is of an older version and ignored "
            "(`starts` is the date of the first interval)"
        ),
        "config.yaml:27:3: report 'main' has no 'granularity' (for example granularity: days)",
        "config.yaml:30:14: report 'main' has no query file gone.sql",
        ("edits.sql:1:8: {from_date} has no hour (with granularity: hours write {from_timestamp})"),
        (
            "pageviews.sql:1:22: unknown placeholder {wikki} "
            "(did you mean 'wiki'?; write {{ and }} where braces are meant)"
        ),
        (
            "pageviews.sql:2:18: {x.y} is no placeholder: only plain names are "
            "(write {{ and }} where braces are meant)"
        ),
        (
            "wikis.txt:2:1: the dimension 'wiki' has an empty value "
            "(remove the blank line or the comma)"
        ),
        (
            "wikis.txt:3:1: the value 'Enwiki' of the dimension 'wiki' "
            "differs from 'enwiki' in case alone (first on line 1)"
        ),
    ]
    assert [report.name for report in project.reports] == ["good"]
    assert project.names == ("pageviews", "edits", "good", "late", "main")


@pytest.mark.parametrize(
    ("config", "files", "problem"),
    [
        (
            "reports:\n  a:\n    granularity:days\n    db: local\n",
            {},
            "config.yaml:3:17: no space after the colon of 'granularity' (write granularity: days)",
        ),
        (
            f"{TOP}  a: {{explode_by: {{w:w.txt}}}}\n",
            {"w.txt": "enwiki\n"},
            "a dimension cannot be called 'w:w.txt' (write w: w.txt, with a space after the colon)",
        ),
        (
            f"{TOP}  a: {{explode_by: {{w: wikis}}}}\n",
            {"wikis.txt": "enwiki\n"},
            (
                "the dimension 'w' of report 'a' has the one value 'wikis', and there is a file wikis.txt"
                " (to take the values from it, write wikis.txt)"
            ),
        ),
        (
            f"{TOP}  a: {{explode_by: {{w: w.txt}}}}\n",
            {"w.txt": "# big wikis\nenwiki\n"},
            (
                "the value '# big wikis' of the dimension 'w' holds what a file name must not"
                " (a list of values has no comments: remove the line)"
            ),
        ),
        (
            f"{TOP}  a: {{explode_by: {{w: w.txt}}}}\n",
            {"w.txt": "enwiki,dewiki\n"},
            "(a list file has one value a line)",
        ),
        (
            "databases: {m: {host: h, user: me}}\nreports: {a: {db: m}}\n",
            {},
            "unknown key 'user' of database 'm' (the login is in the file that `creds_file` names)",
        ),
    ],
)
def test_mistakes_of_newcomers_are_named_with_their_cure(
    load: Load, config: str, files: dict[str, str], problem: str
) -> None:
    assert any(problem in one for one in told(load(config, **files)))
