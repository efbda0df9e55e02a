"""Servers that echo the login that they were sent: it is in no message, file or page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import ONE, Project, written
from tests.servers.mariadb import Mariadb
from tests.servers.spark import Spark

USER, PASSWORD = "echoed-user", "echoed-word"
BOTH = "concat('echoed', '-user:echoed', '-word')"


def everything(project: Project, *files: Path) -> str:
    """All that a run that fails writes: its log, its files, the status, what on_failure is given."""
    told = project.folder / "told"
    host = written(project.folder / "host.yaml", f"on_failure: tee {told}\n")
    said = project.run(
        "-l", "debug", "--host-config", host, code=1, environment={"ECHOED": PASSWORD}
    )
    said += project.call("status", project.output, project.folder, code=1).stdout
    paths = [path for path in project.output.rglob("*") if path.is_file()]
    assert len(paths) > 2
    return said + "".join(path.read_bytes().decode("latin-1") for path in [told, *paths])


def test_mariadb_echoes_a_login_in_vain(mariadb: Mariadb, tmp_path: Path) -> None:
    mariadb.execute(
        "CREATE DATABASE IF NOT EXISTS echoes",
        f"CREATE OR REPLACE USER '{USER}' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT EXECUTE ON echoes.* TO '{USER}'",
        "CREATE OR REPLACE PROCEDURE echoes.echo() BEGIN"
        f" DECLARE said VARCHAR(99) DEFAULT {BOTH};"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = said; END",
    )
    config = f"""
databases:
  good: {{host: {mariadb.host}, port: {mariadb.port}, creds_file: good.cnf}}
  bad: {{host: {mariadb.host}, port: {mariadb.port}, creds_file: bad.cnf}}
defaults: {{granularity: days, starts: 2025-01-01, retries: 0}}
reports: {{called: {{db: good}}, warned: {{db: good}}, named: {{db: good}}, refused: {{db: bad}}}}
"""
    files = {
        "called.sql": "CALL echoes.echo()",
        "warned.sql": "SELECT '{from_date}' AS date, CAST(CONCAT('echoed', '-word') AS INT) AS n",
        "named.sql": f"SELECT 1 AS date, X'FF' AS `{PASSWORD}`",
        "refused.sql": ONE,
        "good.cnf": f"[client]\nuser={USER}\npassword={PASSWORD}\n",
        "bad.cnf": f"[client]\nuser={USER} password={PASSWORD}\n",
    }
    found = everything(Project(tmp_path, config, files))
    assert "(1644) <user>:<password>" in found
    assert "Truncated incorrect INTEGER value: '<password>'" in found
    assert "Access denied for user '<user>'@" in found
    assert USER not in found
    assert PASSWORD not in found
    mariadb.execute(f"DROP USER '{USER}'", "DROP DATABASE echoes")


@pytest.mark.parametrize("keys", ["password_env: ECHOED", "creds_file: my.cnf"])
def test_hive_echoes_a_login_in_vain(spark: Spark, tmp_path: Path, keys: str) -> None:
    config = f"""
databases:
  hive: {{engine: hive, host: 127.0.0.1, port: {spark.port}, {keys}}}
defaults: {{granularity: days, starts: 2025-01-01, retries: 0}}
reports: {{raised: {{type: hive}}}}
"""
    files = {
        "raised.hql": f"SELECT raise_error({BOTH})",
        "my.cnf": f"[client]\nuser={USER}\npassword={PASSWORD}\n",
    }
    found = everything(Project(tmp_path, config, files))
    assert ":<password>" in found
    assert PASSWORD not in found
    assert "creds_file" not in keys or USER not in found


def test_a_command_of_hive_echoes_a_login_in_vain(tmp_path: Path) -> None:
    config = """
databases:
  hive: {engine: hive, client: cli, command: ./beeline, creds_file: my.cnf}
defaults: {granularity: days, starts: 2025-01-01, retries: 0}
reports: {raised: {type: hive}}
"""
    files = {
        "raised.hql": "SELECT 1",
        "beeline": f"#!/bin/sh\necho 'Error: {USER} {PASSWORD}' >&2; exit 1\n",
        "my.cnf": f"[client]\nuser={USER}\npassword={PASSWORD}\n",
    }
    project = Project(tmp_path, config.replace("./beeline", f"{tmp_path}/project/beeline"), files)
    found = everything(project)
    assert "<user> <password>" in found
    assert USER not in found
    assert PASSWORD not in found
