"""Host settings: a project runs on another machine without being edited."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import ONE, SQLITE, Project, written
from tests.servers.mariadb import Mariadb

# As the original's projects write it, for servers that are not here.
CONFIG = """\
databases:
  analytics:
    host: "analytics-replica.example.org"
    port: 3306
    creds_file: /etc/mysql/conf.d/stats-research-client.cnf
    db: log
defaults:
  db: analytics
reports:
  edits:
    granularity: days
    starts: 2025-01-01
    lag: 3600
"""
DATABASE = "SELECT '{from_date}' AS date, DATABASE() AS name"


def test_hosts_and_logins_come_from_the_file_that_is_given(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    written(tmp_path / "etc/my.cnf", mariadb.creds_file.read_text())
    settings = (
        "engines: {mysql: {creds_file: my.cnf}}\n"
        f"databases: {{analytics: {{host: {mariadb.host}, port: {mariadb.port}, db: {fresh_database}}}}}\n"
    )
    host_config = written(tmp_path / "etc/host.yaml", settings)
    project = Project(tmp_path, CONFIG, {"edits.sql": DATABASE})
    assert project.run("--host-config", host_config, now="2025-01-03T12") == ""
    assert project.rows("edits")[1:] == [
        ["2025-01-01", fresh_database],
        ["2025-01-02", fresh_database],
    ]


def test_a_few_keys_for_all_databases_of_an_engine_do_as_well(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    keys = f"host: {mariadb.host}, port: {mariadb.port}, creds_file: {mariadb.creds_file}"
    host_config = written(tmp_path / "host.yaml", f"engines: {{mysql: {{{keys}}}}}")
    config = CONFIG.replace("db: log", f"db: {fresh_database}")
    project = Project(tmp_path, config, {"edits.sql": DATABASE})
    project.run("--host-config", host_config)
    assert project.rows("edits")[1] == ["2025-01-01", fresh_database]


def errors(said: str) -> list[str]:
    """The messages of a run that said nothing but errors."""
    return [line.split(" ERROR ", 1)[1] for line in said.splitlines()]


def at_home(folder: Path, text: str) -> dict[str, str]:
    """An environment whose user has these host settings."""
    written(folder / "home/.config/reportupdater/config.yaml", text)
    return {"HOME": str(folder / "home")}


@pytest.mark.skipif(
    os.path.exists("/etc/reportupdater/config.yaml"), reason="this machine has host settings"
)
def test_the_users_own_are_taken_where_none_are_given(tmp_path: Path) -> None:
    home = at_home(tmp_path, "databases: {local: {engine: sqlite, path: ../../../it.sqlite}}")
    (tmp_path / "it.sqlite").touch()
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    (project.folder / "data.sqlite").unlink()
    project.run(code=1)
    project.run(environment=home)
    assert len(project.dates("edits")) == 3


def test_the_users_own_are_left_alone_where_others_are_given(tmp_path: Path) -> None:
    home = at_home(tmp_path, "this is: [no YAML")
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    assert project.run("--host-config", os.devnull, environment=home) == ""
    assert len(project.dates("edits")) == 3


def test_settings_that_cannot_be_understood_keep_everything_from_running(tmp_path: Path) -> None:
    host_config = written(tmp_path / "host.yaml", "defaults: {group: x}\ndatabase: {}\n")
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    said = project.run("--host-config", host_config, code=2)
    assert errors(said) == [
        f"{host_config}:2:1: unknown key 'database' (did you mean 'databases'?)",
        f"{project.folder}/config.yaml: no report could be loaded",
    ]
    assert not project.output.exists()


def test_settings_that_are_not_there_are_a_usage_error(tmp_path: Path) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    said = project.run("--host-config", tmp_path / "gone", code=2)
    assert errors(said) == [f"{tmp_path}/gone: there is no such file"]


def test_an_error_in_settings_is_told_beside_those_of_the_project(tmp_path: Path) -> None:
    host_config = written(tmp_path / "host.yaml", "graphite: {prot: 2003}\n")
    config = SQLITE + "reports: {edits: {}, views: {lagg: 1}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    said = project.run("--host-config", host_config, code=1)
    folder = project.folder
    assert errors(said) == [
        f"{folder}/config.yaml:3:22: report 'views' has no query file {folder}/views.sql",
        f"{folder}/config.yaml:3:30: unknown key 'lagg' of report 'views' (did you mean 'lag'?)",
        f"{host_config}:1:12: unknown key 'prot' of graphite (did you mean 'port'?)",
        (
            f"{folder}/config.yaml into {project.output}: 3 done, 0 empty, 0 failed, "
            "3 errors in the configuration"
        ),
    ]
    assert len(project.dates("edits")) == 3
