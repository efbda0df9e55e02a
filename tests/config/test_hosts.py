"""What `host` takes: a name or an address, of all that have one."""

from __future__ import annotations

import pytest

from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.mysql.config import MysqlDatabase
from tests.config.conftest import Load
from tests.making import graphite

PLACES = {
    "mysql": "databases: {{d: {{engine: mysql, host: {host}}}}}\n",
    "hive": "databases: {{d: {{engine: hive, host: {host}}}}}\n",
    "graphite": "graphite: {{host: {host}}}\ndatabases: {{d: {{engine: sqlite, path: x}}}}\n",
}
REPORTS = "reports: {{q: {{type: {kind}, db: d, granularity: days, starts: 2025-01-01}}}}\n"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ('"127.0.0.1:2003"', "the port has a key of its own: host: 127.0.0.1, port: 2003"),
        (
            "db1.example.org:3306",
            "the port has a key of its own: host: db1.example.org, port: 3306",
        ),
        ('"[::1]:2003"', "the port has a key of its own: host: ::1, port: 2003"),
        ("http://db1.example.org", "without a scheme"),
        ("a..b", "a part between dots is empty, or has over 63 characters"),
        ("x" * 64 + ".example.org", "a part between dots is empty, or has over 63 characters"),
        (".".join(["abcdefgh"] * 30), ""),
        ('"[a]"', ""),
        ('"::x"', ""),
        ("db1.example.org/x", ""),
        ("me@db1.example.org", ""),
        ("two words", ""),
    ],
)
def test_what_is_no_host_is_an_error_with_its_cure(
    load: Load, place: str, host: str, hint: str
) -> None:
    problems = [
        str(problem)
        for problem in load((PLACES[place] + REPORTS).format(host=host, kind="sql")).problems
    ]
    assert any(
        "must be the name or the IP address of a host" in one and hint in one for one in problems
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ('"[::1]"', "::1"),
        ('"::1"', "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("db1", "db1"),
        ("db_1.example.org.", "db_1.example.org."),
        ("bücher.example", "bücher.example"),
    ],
)
def test_names_and_addresses_are_taken(load: Load, place: str, host: str, taken: str) -> None:
    kind = "hive" if place == "hive" else "sql"
    config = (PLACES[place] + REPORTS).format(host=host, kind=kind)
    project = load(config, **{"q.hql": "select 1"})
    assert project.problems == () or not any("host" in str(one) for one in project.problems)
    if place == "graphite":
        settings = graphite(project)
        assert settings is not None
        assert settings.host == taken
    else:
        (database,) = [one.database for one in project.reports]
        assert isinstance(database, MysqlDatabase | HiveDatabase)
        assert database.host == taken
