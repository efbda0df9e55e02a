"""`reportupdater config`: what counts, and where it comes from, without secrets."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportupdater.config.effective import read_effective
from reportupdater.config.load import load_project
from reportupdater.config.written import lines
from reportupdater.errors import Severity, Where
from reportupdater.execution.select import Source
from reportupdater.model import Project as Loaded
from reportupdater.operations.check import CheckRequest, check
from reportupdater.redaction import HIDDEN
from tests.commands.conftest import Ask
from tests.helpers import ONE, Project, written

CONFIG = """\
databases:
  wikis: {host: db1.example.org, port: 3311, creds_file: ~/.my.cnf, wiki_db_placeholder: wiki}
  sections: {auto_find_db_shard: yes, db: enwiki, nameserver: "[::1]:5353", mw_config_path: lists}
  lite: {engine: sqlite, path: data.sqlite}
  hive: {engine: hive, client: cli, command: beeline -u 'jdbc:hive2://h:1/a b', settings: {a.b: "no", c: 0012}}
defaults: {db: wikis, starts: 2025-01-01, lag: 90.5, max_data_points: 60}
graphite:
  host: stats.example.org
  lookups: {wiki: names.yaml}
reports:
  edits:
    granularity: days
    explode_by: {wiki: wikis.txt, platform: [web, "no", 0012]}
    graphite: {path: "e.{wiki}.{platform}.{_metric}", metrics: {edits: n, a_b: "x: y"}}
  "07":
    type: hive
    granularity: hours
    execute: edits
    starts: 2025-01-01T05
    max_data_points: null
    owner: "Data team: reports"
    description: it's "the" one \u00a0 ü 😀
  sizes: {type: script, granularity: months, lag: 0}
  more: {db: lite, granularity: weeks, execute: more, ends: 2025-06-01}
  other: {db: sections, granularity: weeks, execute: more}
"""
HOURLY = "SELECT '{from_timestamp}' AS `date`, 1 AS n"
FILES = {
    "edits.sql": ONE,
    "edits.hql": HOURLY,
    "more.sql": ONE,
    "sizes": "#!/bin/sh\n",
    "wikis.txt": "enwiki\ndewiki\n",
    "names.yaml": "enwiki: en\n",
}


def project(parent: Path, config: str = CONFIG) -> Project:
    return Project(parent, config, FILES)


def plain(value: Any) -> Any:
    """A value without the places of anything."""
    if isinstance(value, Where):
        return None
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return type(value), {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def meaning(loaded: Loaded) -> Any:
    assert [str(problem) for problem in loaded.problems] == []
    return plain((loaded.reports, loaded.sinks))


def test_each_value_is_shown_with_where_it_comes_from(ask: Ask, tmp_path: Path) -> None:
    host = written(
        tmp_path / "host.yaml",
        "engines: {mysql: {creds_file: ro.cnf}}\ndefaults: {timeout: 60}\ngraphite: {port: 2004}\n",
    )
    one = project(tmp_path)
    file = one.folder / "config.yaml"
    shown = ask("config", one.folder, "--host-config", host, "--report", "edits").out
    lines = {" ".join(line.split()) for line in shown.splitlines()}
    assert lines >= {
        f"host: db1.example.org # {file}:2:17",
        f"creds_file: {tmp_path}/ro.cnf # {host}:1:31, mysql in engines",
        "engine: mysql # built-in default",
        f"starts: 2025-01-01 # {file}:6:31, defaults",
        f"lag: 90.5 # {file}:6:48, defaults",
        f"timeout: 60 # {host}:2:21, defaults",
        f"granularity: days # {file}:12:18",
        "retries: 5 # built-in default",
        f"host: stats.example.org # {file}:8:9",
        f"port: 2004 # {host}:3:18",
        f"wiki: wikis.txt # {file}:13:24",
    }
    assert "sections:" not in shown
    assert "sizes:" not in shown


@pytest.mark.parametrize(
    "host_settings",
    [
        "",
        "engines: {mysql: {creds_file: ~/ro.cnf, concurrency: 2}, sqlite: {concurrency: 1}}",
        "databases: {lite: {engine: sqlite, path: other.sqlite}}\ngraphite: {enabled: false, lookups: {wiki: here.yaml}}",
        "defaults: {group: stats, explode_by: {wiki: here.txt}}",
    ],
)  # fmt: skip
def test_what_is_shown_is_a_configuration_that_means_the_same(
    ask: Ask, tmp_path: Path, host_settings: str
) -> None:
    host = written(tmp_path / "etc/host.yaml", host_settings or "{}")
    written(tmp_path / "etc/here.yaml", "dewiki: de\n")
    written(tmp_path / "etc/here.txt", "frwiki\nhewiki\n")
    one = project(tmp_path)
    before = meaning(load_project(one.folder, host_files=[host]))
    shown = ask("config", one.folder, "--host-config", host).out
    assert yaml.safe_load(shown)["reports"]["edits"]["explode_by"]["platform"][1] == "no"
    one.write("config.yaml", shown)
    assert meaning(load_project(one.folder)) == before


WORDS = [match.span() for match in re.finditer(r"[^\s,:{}\[\]]+", CONFIG)]
OTHERS = ["null", "[]", "{a: b}", "''", "~", "-1", "'x y'", "&a x", "<<", "yes", "é", "2025-01-01T05", "hive", "wiki", "edits", '"\\u2028"', "x: y"]  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(WORDS), st.sampled_from(OTHERS))
def test_whatever_is_wrong_it_is_told_and_what_is_right_means_the_same(
    word: tuple[int, int], other: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Project(Path(folder), CONFIG[: word[0]] + other + CONFIG[word[1] :], FILES)
        before = load_project(one.folder)
        source = Source(project=one.folder, host_files=())
        check(CheckRequest(sources=(source,), now=datetime(2025, 6, 1), output=Path(folder)))
        shown = "\n".join(lines(read_effective(one.folder)))
        errors = [one for one in before.problems if one.severity is Severity.ERROR]
        if not errors and HIDDEN not in shown:
            one.write("config.yaml", shown)
            after = load_project(one.folder)
            assert plain((after.reports, after.sinks)) == plain((before.reports, before.sinks))


def test_the_demo_means_the_same(ask: Ask, tmp_path: Path) -> None:
    demo = Path(__file__).parents[2] / "queries" / "demo"
    shown = ask("config", demo).out
    again = written(tmp_path / "config.yaml", shown)
    assert meaning(load_project(demo, again)) == meaning(load_project(demo))


def test_a_secret_is_never_shown(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path / "my.cnf", "[client]\nuser = u\npassword = hush0\n")
    one = project(
        tmp_path,
        f"""
databases:
  wikis: {{host: h, creds_file: {tmp_path}/my.cnf}}
  hive:
    engine: hive
    client: cli
    command: [beeline, -u, "jdbc:hive2://h/d;user=u;password=hush1?a=b", -p, hush2, --hiveconf, x.secret.key=hush3, "http://me:hush4@h/"]
    settings: {{a.password: hush5, access.token: hush6, queue: night}}
  wrong: {{host: h, password: hush7}}
reports: {{edits: {{db: wikis, granularity: days, starts: 2025-01-01}}}}
""",
    )
    said = ask("config", one.folder, code=1)
    assert "hush" not in said.out + said.err
    assert "jdbc:hive2://h/d;user=u;password=***" in said.out
    assert "a.password: ***" in said.out.replace('"', "")
    assert "queue: night" in said.out
    assert f"creds_file: {tmp_path}/my.cnf" in said.out


@pytest.mark.parametrize(
    "command",
    [
        "[notify, --token, hush1, 'https://me:hush2@h.example.org/x?id=hush3', 'X-Key: hush4']",
        "notify --password hush1 --secret=hush2 https://h.example.org/x?hush3",
        "[sh, -c, 'curl -H \"Authorization: Bearer hush1\" https://hush2@h.example.org']",
    ],
)
def test_secrets_in_the_command_on_failure_are_never_shown(
    ask: Ask, tmp_path: Path, command: str
) -> None:
    host = written(tmp_path / "host.yaml", f"on_failure: {command}\n")
    said = ask("config", project(tmp_path).folder, "--host-config", host)
    assert "# on_failure: [" in said.out
    assert "hush" not in said.out + said.err
    assert "***" in said.out


def test_secrets_in_addresses_are_never_shown(ask: Ask, tmp_path: Path) -> None:
    config = CONFIG.replace(
        "    granularity: days",
        "    ticket: https://me:hush1@h.example.org/T1?token=hush2\n    granularity: days",
    )
    said = ask("config", project(tmp_path, config).folder)
    assert "https://***@h.example.org/T1?***" in said.out
    wrong = CONFIG.replace(
        "granularity: days", "granularity: https://me:hush1@h.example.org/?hush2"
    )
    one = project(tmp_path / "wrong", wrong)
    for command in ("config", "check"):
        said = ask(command, one.folder, code=1)
        assert "hush" not in said.out + said.err
        assert "***@h.example.org" in said.out + said.err


def test_what_cannot_be_used_is_named_and_told(ask: Ask, tmp_path: Path) -> None:
    one = project(
        tmp_path, CONFIG.replace("    granularity: days", "    granularity: dayz\n    x: 1")
    )
    said = ask("config", one.folder, code=1)
    assert "    # cannot be used: granularity, x\n" in said.out
    assert "'granularity' of report 'edits' must be hours, days, weeks or months" in said.err
    assert ask("config", one.folder, "--report", "sizes").err == ""


def test_what_is_not_there_is_told(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path)
    said = ask("config", one.folder, "--report", "edit", code=2)
    assert said.err.endswith("config.yaml has no report 'edit' (did you mean 'edits'?)\n")
    assert "there is no such file" in ask("config", tmp_path, code=2).err
    assert "there is no such folder" in ask("config", tmp_path / "x", code=2).err
    one.write("config.yaml", "a: [")
    said = ask("config", one.folder, code=1)
    assert said.out == ""
    assert "config.yaml:2:1: a value was expected here" in said.err
