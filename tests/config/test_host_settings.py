"""Files of the machine that are laid over every project."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from reportupdater.config import host
from reportupdater.config.host import default_host_files
from reportupdater.config.load import load_project
from reportupdater.config.on_failure import on_failure
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.errors import UsageError
from reportupdater.model import Database, Dimension, Project
from reportupdater.sinks.graphite.config import GraphiteSettings
from tests.config.conftest import Load
from tests.helpers import written
from tests.making import graphite

PROJECT = """\
databases:
  replica: {host: db1.example.org, port: 3311, db: stats, creds_file: my.cnf}
  lite: {engine: sqlite, path: events.sqlite}
defaults: {db: replica, granularity: days, starts: 2015-01-02, execute: q}
reports:
  a: {}
  b: {db: lite}
"""


def laid(load: Load, *host_texts: str, config: str = PROJECT, **files: str | bytes) -> Project:
    """The project with host settings `etc/1.yaml`, `etc/2.yaml`… laid over it."""
    names = [f"etc/{number}.yaml" for number, _ in enumerate(host_texts, 1)]
    load(config, **dict(zip(names, host_texts, strict=True)), **files)
    return load_project(Path(), host_files=[Path(name) for name in names])


def databases(project: Project) -> dict[str, Database]:
    assert [str(problem) for problem in project.problems] == []
    return {report.name: report.database for report in project.reports}


def replica(project: Project) -> MysqlDatabase:
    database = databases(project)["a"]
    assert isinstance(database, MysqlDatabase)
    return database


def told(project: Project) -> list[str]:
    return [str(problem) for problem in project.problems]


def test_keys_of_an_engine_are_laid_over_every_database_of_it(load: Load, tmp_path: Path) -> None:
    project = laid(load, "engines: {mysql: {creds_file: ro.cnf, port: 3312}, hive: {port: 1}}")
    assert databases(project) == {
        "a": MysqlDatabase(
            name="replica",
            host="db1.example.org",
            port=3312,
            database="stats",
            creds_file=tmp_path / "etc/ro.cnf",
        ),
        "b": SqliteDatabase(name="lite", path=tmp_path / "events.sqlite"),
    }


def test_a_path_is_relative_to_the_file_that_names_it(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    for creds_file, path in {
        "my.cnf": tmp_path / "etc/my.cnf",
        "/etc/my.cnf": Path("/etc/my.cnf"),
        "~/.my.cnf": Path("/home/someone/.my.cnf"),
    }.items():
        text = f"engines: {{mysql: {{creds_file: {creds_file}}}}}"
        assert replica(laid(load, text)).creds_file == path
    assert replica(laid(load, "defaults: {group: x}")).creds_file == tmp_path / "my.cnf"
    lite = databases(laid(load, "databases: {lite: {engine: sqlite, path: x.sqlite}}"))["b"]
    assert lite == SqliteDatabase(name="lite", path=tmp_path / "etc/x.sqlite")


def test_a_key_that_is_null_undoes_what_projects_say(load: Load) -> None:
    entry = replica(laid(load, "engines: {mysql: {creds_file: null, port: ~}}"))
    assert (entry.creds_file, entry.port) == (None, 3306)


def test_an_entry_replaces_one_of_the_same_name_whole(load: Load) -> None:
    project = laid(load, "databases: {replica: {host: db2.example.org}}")
    assert replica(project) == MysqlDatabase(name="replica", host="db2.example.org")


def test_an_entry_may_have_another_engine_than_the_one_that_it_replaces(load: Load) -> None:
    project = laid(
        load,
        "databases: {replica: {engine: sqlite, path: /x}}\nengines: {mysql: {creds_file: my.cnf}}",
    )
    assert databases(project)["a"] == SqliteDatabase(name="replica", path=Path("/x"))


def test_an_entry_that_no_project_has_can_be_used_by_all(load: Load) -> None:
    config = "reports: {a: {type: hive, granularity: days, starts: 2015-01-02, execute: q}}"
    project = laid(
        load,
        "databases: {hive: {engine: hive, host: hive1.example.org}}",
        config=config,
        **{"q.hql": "select 1"},
    )
    assert databases(project) == {"a": HiveDatabase(name="hive", host="hive1.example.org")}


def test_an_entry_keeps_what_it_says_itself_beside_an_engine_of_the_same_file(load: Load) -> None:
    project = laid(
        load,
        "databases: {replica: {host: db2.example.org, port: 3320}}\n"
        "engines: {mysql: {port: 3321, concurrency: 9}}",
    )
    assert replica(project) == MysqlDatabase(
        name="replica", host="db2.example.org", port=3320, concurrency=9
    )


def test_the_time_zone_of_all_servers_is_a_matter_of_the_machine(load: Load) -> None:
    project = laid(load, "engines: {mysql: {time_zone: server}}")
    assert replica(project).time_zone == "server"


def test_a_file_is_laid_over_the_one_before(load: Load, tmp_path: Path) -> None:
    first = (
        "databases: {replica: {host: db2.example.org, port: 3320}}\n"
        "engines: {mysql: {creds_file: first.cnf, concurrency: 9}}"
    )
    second = "engines: {mysql: {creds_file: second.cnf, port: 3321}}"
    assert replica(laid(load, first, second)) == MysqlDatabase(
        name="replica",
        host="db2.example.org",
        port=3321,
        creds_file=tmp_path / "etc/second.cnf",
        concurrency=9,
    )
    third = "databases: {replica: {host: db3.example.org}}"
    assert replica(laid(load, first, second, third)) == MysqlDatabase(
        name="replica", host="db3.example.org"
    )


def test_a_key_that_an_entry_lacks_may_come_from_the_host(load: Load) -> None:
    config = PROJECT.replace("host: db1.example.org, ", "")
    assert replica(laid(load, "engines: {mysql: {host: h}}", config=config)).host == "h"
    assert told(laid(load, "", config=config)) == [
        "config.yaml:2:3: database 'replica' has no 'host' (for example host: db1.example.org)"
    ]


def test_defaults_lie_between_a_reports_own_keys_and_the_projects_defaults(load: Load) -> None:
    config = PROJECT.replace("execute: q}", "execute: q, lag: 1, retries: 1, timeout: 10}")
    project = laid(
        load,
        "defaults: {lag: 2, timeout: 20, max_rows: 5, group: first}",
        "defaults: {timeout: 30, group: second}",
        config=config.replace("a: {}", "a: {max_rows: 6}"),
    )
    assert told(project) == []
    a, b = project.reports
    assert (a.retries, a.lag, a.timeout, a.group) == (1, timedelta(seconds=2), 30.0, "second")
    assert (a.max_rows, b.max_rows) == (6, 5)


def test_a_list_in_defaults_is_relative_to_the_host_settings(load: Load) -> None:
    project = laid(
        load,
        "defaults: {explode_by: {wiki: wikis.txt}}",
        **{"etc/wikis.txt": "enwiki\n", "wikis.txt": "dewiki\n"},
    )
    assert project.reports[0].dimensions == (Dimension("wiki", ("enwiki",)),)


@pytest.mark.parametrize(
    ("own", "host_texts", "wanted"),
    [
        ("graphite: {host: g1, port: 2103}", ["graphite: {host: g2}"], GraphiteSettings(host="g2", port=2103)),
        ("graphite: {host: g1, port: 2103}", ["graphite: {port: null}"], GraphiteSettings(host="g1", port=2003)),
        ("graphite: {host: g1}", ["graphite: {host: g2}", "graphite: {host: g3, port: 1}"], GraphiteSettings(host="g3", port=1)),
        ("graphite: {host: g1}", ["graphite: null"], GraphiteSettings(host="g1")),
        ("", ["graphite: {host: g2}"], GraphiteSettings(host="g2")),
        ("graphite: ~", ["graphite: {host: g2}"], GraphiteSettings(host="g2")),
        ("", ["graphite: ~"], None),
    ],
)  # fmt: skip
def test_graphite_is_laid_over_key_by_key(
    load: Load, own: str, host_texts: list[str], wanted: GraphiteSettings | None
) -> None:
    project = laid(load, *host_texts, config=f"{PROJECT}{own}\n")
    assert told(project) == []
    assert graphite(project) == wanted


def test_lookups_are_read_from_beside_the_file_that_names_them(load: Load) -> None:
    files = {"etc/n.yaml": "enwiki: host", "n.yaml": "enwiki: project"}
    config = PROJECT + "graphite: {lookups: {wiki: n.yaml}}\n"
    project = laid(load, "graphite: {lookups: {wiki: n.yaml}}", config=config, **files)
    assert graphite(project) == GraphiteSettings(lookups={"wiki": {"enwiki": "host"}})
    project = laid(load, "graphite: {host: h}", config=config, **files)
    assert graphite(project) == GraphiteSettings(host="h", lookups={"wiki": {"enwiki": "project"}})


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "{}", "databases:\nengines: ~\ndefaults: {}"]
)
def test_settings_that_are_empty_change_nothing(load: Load, text: str) -> None:
    assert databases(laid(load, text)) == databases(load(PROJECT))


def test_the_null_device_is_an_empty_file(load: Load) -> None:
    load(PROJECT)
    assert replica(load_project(Path(), host_files=[Path(os.devnull)])).port == 3311


A_MAPPING = "must be a mapping of keys to values"


@pytest.mark.parametrize(
    ("text", "problems", "valid"),
    [
        # The top level: nobody knows what it should have changed.
        ("reports: {a: {}}", ["1:1: unknown key 'reports' (reports belong into the config.yaml of a project)"], ""),
        ("engine: {}", ["1:1: unknown key 'engine' (did you mean 'engines'?)"], ""),
        ("- a", [f"1:1: host settings {A_MAPPING}, not a list (for example engines: {{mysql: {{creds_file: ~/.my.cnf}}}})"], ""),
        ("a: 'x\n", ["1:4: a quote that is never closed"], ""),
        ("defaults: 5", ["1:11: 'defaults' must be a mapping of report keys to values, not 5"], ""),
        ("engines: x", ["1:10: 'engines' must be a mapping of engines to keys, not 'x'"], ""),
        ("graphite: [x]", [f"1:11: 'graphite' {A_MAPPING}, not a list"], ""),
        ("defaults: {}\ndefaults: {}", ["2:1: the key 'defaults' is given twice (first on line 1)"], ""),
        ("!x {}", ["1:1: the tag '!x' is not taken (only plain data can stand here; put text that begins with ! in quotes)"], ""),
        # Below it: what depends on it.
        ("engines: {mysq: {}}", ["1:11: unknown key 'mysq' of engines (did you mean 'mysql'?)"], "c"),
        ("engines: {mysql: 1}", [f"1:18: 'mysql' of engines {A_MAPPING}, not 1"], "c"),
        ("engines: {mysql: {prot: 1}}", ["1:19: unknown key 'prot' of mysql in engines (did you mean 'port'?)"], "bc"),
        ("engines: {mysql: {engine: hive}}", [("1:19: unknown key 'engine' of mysql in engines (known are: auto_find_db_shard, "
            "concurrency, creds_file, db, host, mw_config_path, nameserver, port, socket, srv_name, time_zone, use_x1, wiki_db_placeholder)")], "bc"),
        ("engines: {mysql: {password: x}}", [("1:19: unknown key 'password' of mysql in engines "
            "(the login is in the file that `creds_file` names, never here)")], "bc"),
        ("engines: {sqlite: {path: [x]}}", ["1:26: 'path' of sqlite in engines must be a path, not a list"], "ac"),
        ("databases: {x: {host: h, prot: 1}}", ["1:26: unknown key 'prot' of database 'x' (did you mean 'port'?)"], "abc"),
        ("databases: {lite: {}}", ["1:13: database 'lite' has no 'host' (for example host: db1.example.org)"], "ac"),
        ("databases: {lite: x}", [f"1:19: database 'lite' {A_MAPPING}, not 'x'"], "ac"),
        ("defaults: {lagg: 1}", ["1:12: unknown key 'lagg' of defaults (did you mean 'lag'?)"], ""),
        ("defaults: {lag: x}", ["1:17: 'lag' of defaults must be a number of seconds from 0 to 315,360,000, not 'x'"], "b"),
        ("defaults: {db: gone}", [], "abc"),
        ("graphite: {hots: h}", ["1:12: unknown key 'hots' of graphite (did you mean 'host'?)"], "abc"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place_and_takes_out_what_depends_on_it(
    load: Load, text: str, problems: list[str], valid: str
) -> None:
    config = PROJECT.replace("a: {}", "a: {db: replica}").replace(
        "{db: lite}", "{db: lite, lag: 1}"
    )
    config += "  c: {type: script, execute: s}\ngraphite: {host: g1}\n"
    project = laid(load, text, config=config, s="#!/bin/sh\n")
    assert told(project) == [f"etc/1.yaml:{problem}" for problem in problems]
    assert "".join(report.name for report in project.reports) == valid
    assert project.names == ("a", "b", "c")
    assert (graphite(project) is None) == ("graphite" in text and "hots" in text)


def test_problems_of_the_project_come_first(load: Load) -> None:
    project = laid(load, "defaults: {lag: x}", "graphite: {port: 0}", config=f"x: 1\n{PROJECT}")
    assert [problem.partition(": ")[0] for problem in told(project)] == [
        "config.yaml:1:1",
        "etc/1.yaml:1:17",
        "etc/2.yaml:1:18",
    ]


def test_an_engine_in_a_project_is_told_where_it_belongs(load: Load) -> None:
    assert told(load(PROJECT + "engines: {mysql: {port: 1}}\n")) == [
        "config.yaml:8:1: unknown key 'engines' is ignored (it belongs to host settings)"
    ]


def test_a_project_that_is_broken_is_told_beside_host_settings_that_are(load: Load) -> None:
    assert told(laid(load, "x: 1", config="")) == [
        (
            "config.yaml:1:1: the configuration is empty "
            "(for example reports: {edits: {db: wikis, granularity: days, starts: 2015-01-31}})"
        ),
        "etc/1.yaml:1:1: unknown key 'x' (known are: databases, defaults, engines, graphite, on_failure, prometheus, site)",
    ]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nowhere", "nowhere: there is no such file"),
        ("host.yml", "host.yml: there is no such file ('host.yaml' is there)"),
        (".", ".: cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_asked_for_must_be_there(load: Load, file: str, message: str) -> None:
    load(PROJECT, **{"host.yaml": ""})
    with pytest.raises(UsageError) as error:
        load_project(Path(), host_files=[Path(file)])
    assert str(error.value) == message


def test_the_machines_file_comes_before_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_machine = tmp_path / "etc.yaml"
    of_user = tmp_path / "home/.config/reportupdater/config.yaml"
    _, users_place = host._PLACES
    monkeypatch.setattr(host, "_PLACES", (str(of_machine), users_place))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_host_files() == ()
    of_user.parent.mkdir(parents=True)
    of_user.touch()
    assert default_host_files() == (of_user,)
    of_machine.symlink_to("nowhere")  # it was meant to be there: reading it fails loudly
    assert default_host_files() == (of_machine, of_user)


def test_the_machines_file_is_in_etc() -> None:
    assert host._PLACES[0] == "/etc/reportupdater/config.yaml"


def command(folder: Path, *texts: str) -> tuple[str, ...] | None:
    """The command that is called on failure, by files of host settings with these texts."""
    files = [written(folder / f"etc{n}/{n}.yaml", text) for n, text in enumerate(texts)]
    found = on_failure([*files, folder / "gone.yaml"])
    return found.words if found else None


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((), None),
        (("on_failure: mail -s 'it failed' ops",), ("mail", "-s", "it failed", "ops")),
        (("on_failure: [mail, a b]",), ("mail", "a b")),
        (("on_failure: /bin/tell",), ("/bin/tell",)),
        (("on_failure: one", "on_failure: two", "defaults: {}"), ("two",)),
        (("on_failure: one", "on_failure: null"), None),
        (("on_failure: one", "on_failure: [two, {}]"), ("one",)),
        (("on_failure: one", "broken: ["), ("one",)),
        (("on_failure: one\nunknown: 1",), ("one",)),
    ],
)
def test_the_last_file_says_what_is_called_on_failure(
    tmp_path: Path, texts: tuple[str, ...], words: tuple[str, ...] | None
) -> None:
    assert command(tmp_path, *texts) == words


def test_the_path_of_what_is_called_on_failure_is_relative_to_its_file(tmp_path: Path) -> None:
    assert command(tmp_path, "on_failure: bin/tell ./x") == (f"{tmp_path}/etc0/bin/tell", "./x")
    assert command(tmp_path, "on_failure: ~/tell") == (os.path.expanduser("~/tell"),)
