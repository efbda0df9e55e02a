"""Databases with `engine: hive`, and which of them a report runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.errors import Severity
from reportupdater.model import Project, Report
from tests.config.conftest import Load

DEFAULTS = "defaults: {granularity: days, starts: 2015-01-02, execute: q}\n"
HIVE = "hive: {engine: hive, host: hive1.example.org}"
OTHER = "test_hive: {engine: hive, host: hive2.example.org}"
MYSQL = "replica: {host: db1.example.org}"
EXAMPLE = (
    "(add to databases, here or in host settings: hive: {engine: hive, host: hive1.example.org})"
)


def entry(load: Load, text: str) -> HiveDatabase:
    project = loaded(load, text, "type: hive, db: h")
    assert told(project) == []
    assert isinstance(project.reports[0].database, HiveDatabase)
    return project.reports[0].database


def loaded(load: Load, databases: str, report: str) -> Project:
    config = f"databases: {{{databases}}}\n{DEFAULTS}reports:\n  a: {{{report}}}\n"
    return load(config, **{"q.hql": "select '{from_date}', '{year}-{month}-{day}'"})


def told(project: Project) -> list[str]:
    return [str(problem) for problem in project.problems]


def the_report(project: Project) -> Report:
    assert told(project) == []
    (report,) = project.reports
    return report


def test_a_short_entry_has_all_defaults(load: Load) -> None:
    assert entry(load, "h: {engine: hive, host: hive1.example.org}") == HiveDatabase(
        name="h",
        concurrency=2,
        client="pyhive",
        host="hive1.example.org",
        port=10000,
        transport="binary",
        http_path="cliservice",
        ssl=False,
        ca_file=None,
        kerberos_host=None,
        auth="NONE",
        username=None,
        creds_file=None,
        password_env=None,
        open_session_timeout=60.0,
        kerberos_service_name="hive",
        kerberos_min_lifetime=600.0,
        database=None,
        settings={},
        command=(),
    )


def test_every_key_reaches_its_place(load: Load, tmp_path: Path) -> None:
    text = """h:
      engine: hive
      host: hive1.example.org
      port: 10001
      transport: http
      auth: LDAP
      username: ana
      creds_file: hive.cnf
      password_env: HIVE_PASSWORD
      kerberos_service_name: hs2
      kerberos_min_lifetime: 60
      database: event
      settings: {mapreduce.job.queuename: nightly, hive.exec.parallel: true, n: 08}
      concurrency: 5
      client: cli
      command: beeline --silent -u 'jdbc:hive2://hive1.example.org/;ssl=true'
"""
    config = f"databases:\n  {text}{DEFAULTS}reports: {{a: {{type: hive, db: h}}}}\n"
    report = the_report(load(config, **{"q.hql": "select 1"}))
    assert report.database == HiveDatabase(
        name="h",
        concurrency=5,
        client="cli",
        host="hive1.example.org",
        port=10001,
        transport="http",
        auth="LDAP",
        username="ana",
        creds_file=tmp_path / "hive.cnf",
        password_env="HIVE_PASSWORD",
        kerberos_service_name="hs2",
        kerberos_min_lifetime=60.0,
        database="event",
        settings={"mapreduce.job.queuename": "nightly", "hive.exec.parallel": "true", "n": "08"},
        command=("beeline", "--silent", "-u", "jdbc:hive2://hive1.example.org/;ssl=true"),
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("hive --hiveconf x=y", ("hive", "--hiveconf", "x=y")),
        ("[beeline, -u, 'jdbc:x y', '']", ("beeline", "-u", "jdbc:x y", "")),
        ("beeline -u 'jdbc:x y' ''", ("beeline", "-u", "jdbc:x y", "")),
        ("['', beeline]", None),
        ("\"'' beeline\"", None),
        ("[beeline, -u, 'jdbc:x y', 08]", ("beeline", "-u", "jdbc:x y", "08")),
        ('beeline -e "a b"', ("beeline", "-e", "a b")),
    ],
)
def test_a_command_is_a_line_or_a_list_of_words(
    load: Load, text: str, command: tuple[str, ...] | None
) -> None:
    config = f"h: {{engine: hive, client: cli, command: {text}}}"
    if command is None:
        (problem,) = told(loaded(load, config, "type: hive, db: h"))
        assert "'command' of database 'h' must be a command line, or a list of its words" in problem
    else:
        assert entry(load, config).command == command


def test_a_command_line_needs_no_host_and_is_hive_where_none_is_given(load: Load) -> None:
    database = entry(load, "h: {engine: hive, client: cli}")
    assert (database.host, database.command) == (None, ("hive",))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "13: database 'h' has no 'host' (for example host: hive1.example.org)"),
        ("auth: kerberos", "46: 'auth' of database 'h' must be NONE, NOSASL, KERBEROS, LDAP or CUSTOM, not 'kerberos'"),
        ("transport: htp", "51: 'transport' of database 'h' must be binary or http, not 'htp' (did you mean 'http'?)"),
        ("client: hive", "48: 'client' of database 'h' must be pyhive or cli, not 'hive' (did you mean 'pyhive'?)"),
        ("command: \"x 'y\"", "49: 'command' of database 'h' must be a command line, or a list of its words (a quote in it is not closed)"),
        ("password_env: it is 'secret'", "54: 'password_env' of database 'h' must be the name of an environment variable (the password itself is in that variable, never here)"),
        ("command: []", "49: 'command' of database 'h' must be a command line, or a list of its words, not a list"),
        ("settings: [a]", "50: 'settings' of database 'h' must be a mapping of setting names to values, not a list"),
        ("settings: {a: {b: c}}", "54: 'a' of settings of database 'h' must be text, not a mapping"),
        ("settings: {a: }", "54: 'a' of settings of database 'h' must be text, not empty"),
        ("kerberos_min_lifetime: soon", "63: 'kerberos_min_lifetime' of database 'h' must be a number of seconds from 0 to 31,536,000, not 'soon'"),
        ("password: x", "40: unknown key 'password' of database 'h' (the login is in the file that `creds_file` names, never here)"),
        ("db: x", "40: unknown key 'db' of database 'h' (it belongs to engine: mysql)"),
        ("prot: 1", "40: unknown key 'prot' of database 'h' (did you mean 'port'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_entry_is_told_once_and_takes_out_its_reports(
    load: Load, keys: str, problem: str
) -> None:
    host = f"host: h, {keys}" if keys else "port: 10000"
    config = f"databases: {{h: {{engine: hive, {host}}}}}\n{DEFAULTS}"
    config += "reports: {a: {type: hive, db: h}, b: {type: hive, db: h}}\n"
    project = load(config, **{"q.hql": "select 1"})
    assert told(project) == [f"config.yaml:1:{problem}"]
    assert project.reports == ()


@pytest.mark.parametrize(
    ("databases", "db", "name"),
    [
        (f"{HIVE}, {OTHER}", "", "hive"),
        (f"{HIVE}, {OTHER}", "db: test_hive", "test_hive"),
        (f"{HIVE}, replica: {{}}", "", "hive"),
        (OTHER, "db: test_hive", "test_hive"),
    ],
)
def test_a_hive_report_runs_on_its_db_or_on_the_entry_called_hive(
    load: Load, databases: str, db: str, name: str
) -> None:
    project = loaded(load, databases, f"type: hive, {db}")
    assert [report.database.name for report in project.reports] == [name]
    assert project.reports[0].template is not None
    assert project.reports[0].execute.name == "q.hql"


def test_a_db_of_defaults_is_for_the_other_reports(load: Load) -> None:
    project = load(
        f"databases: {{{HIVE}, {MYSQL}}}\n"
        "defaults: {granularity: days, starts: 2015-01-02, execute: q, db: replica}\n"
        "reports: {a: {type: hive}, b: {}}\n",
        **{"q.hql": "select 1"},
    )
    assert told(project) == []
    assert [report.database.name for report in project.reports] == ["hive", "replica"]


def test_a_db_that_names_nothing_is_worth_a_warning(load: Load) -> None:
    project = loaded(load, f"{HIVE}, {OTHER}", "type: hive, db: tset_hive")
    assert told(project) == [
        (
            "config.yaml:4:23: 'db' of report 'a' names 'tset_hive', which is not in databases: "
            "the one called 'hive' is taken (did you mean 'test_hive'?)"
        )
    ]
    assert project.problems[0].severity is Severity.WARNING
    assert [report.database.name for report in project.reports] == ["hive"]


@pytest.mark.parametrize("databases", ["", MYSQL, "hive: {host: db1.example.org}", OTHER])
def test_without_a_hive_the_error_has_an_example_to_paste(load: Load, databases: str) -> None:
    project = loaded(load, databases, "type: hive")
    assert told(project) == [
        f"config.yaml:4:13: 'type' of report 'a' is hive, and there is no database for it {EXAMPLE}"
    ]
    assert project.reports == ()
    pasted = EXAMPLE.partition("settings: ")[2].removesuffix(")")
    the_report(loaded(load, pasted, "type: hive"))


def test_without_a_type_a_report_is_of_the_engine_of_its_db(load: Load) -> None:
    [report] = loaded(load, f"{HIVE}, {MYSQL}", "db: hive").reports
    assert (report.database.name, report.execute.name) == ("hive", "q.hql")


def test_without_a_type_files_tell_nothing_of_the_engine(load: Load) -> None:
    config = f"databases: {{{MYSQL}}}\n{DEFAULTS}reports: {{a: {{db: replica}}}}\n"
    project = load(config, **{"q.hql": "select 1"})
    assert [report.execute.name for report in project.reports] == ["q.sql"]


def test_type_hive_with_a_db_of_its_own_that_is_no_hive_is_an_error(load: Load) -> None:
    project = loaded(load, f"{HIVE}, {MYSQL}", "type: hive, db: replica")
    [problem] = told(project)
    what = "'db' of report 'a' names 'replica', which has engine: mysql (remove `type: hive`)"
    assert problem == f"config.yaml:4:23: {what}"


def test_sql_does_not_run_on_hive(load: Load) -> None:
    project = loaded(load, HIVE, "db: hive, type: sql")
    assert told(project) == [
        (
            "config.yaml:4:11: 'db' of report 'a' names 'hive', which has engine: hive "
            "(remove `type: sql`, or write `type: hive`)"
        )
    ]
    assert project.reports == ()


def test_placeholders_of_a_hiveql_file_are_checked(load: Load) -> None:
    project = load(
        f"databases: {{{HIVE}}}\n{DEFAULTS}reports: {{a: {{type: hive}}}}\n",
        **{"q.hql": "select '{from_dat}'"},
    )
    (problem,) = told(project)
    assert problem.startswith(
        "q.hql:1:9: unknown placeholder {from_dat} (did you mean 'from_date'?"
    )


def test_a_ca_file_without_tls_is_an_error(load: Load) -> None:
    project = loaded(
        load, "h: {engine: hive, host: hive1.example.org, ca_file: ca.pem}", "type: hive, db: h"
    )
    assert any("judges nothing without TLS (add: ssl: true)" in text for text in told(project))
