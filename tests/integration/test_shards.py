"""Wikis whose servers are looked up: sections in dblists, servers in DNS, two real MariaDBs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import ONE, Project, patient, wiki_databases, written
from tests.servers.dns import SRV_NAME, Dns, running_dns
from tests.servers.mariadb import Mariadb, running_mariadb

# As the original's projects write it: nothing here is of this machine.
CONFIG = """\
databases:
  mediawiki:
    auto_find_db_shard: true
    wiki_db_placeholder: wiki_db
    creds_file: /etc/mysql/conf.d/stats-research-client.cnf
defaults:
  db: mediawiki
reports:
  edits:
    granularity: days
    starts: 2025-01-01
    explode_by: {wiki_db: wikis.txt}
"""
WHERE = "SELECT '{from_date}' AS date, DATABASE() AS wiki, @@port AS port, SLEEP(0.02) AS slept"


@dataclass(frozen=True)
class Farm:
    """Three sections on two servers, and a DNS that tells which is where.

    `config_path` is a copy of MediaWiki's configuration, `host_config` are host settings.
    """

    servers: tuple[Mariadb, Mariadb]
    wikis: dict[str, list[str]]
    """Section → wikis."""
    dns: Dns
    config_path: Path
    host_config: Path

    def project(
        self, folder: Path, *more: str, config: str = CONFIG, query: str = WHERE
    ) -> Project:
        """A project over all wikis, and over those in `more`."""
        wikis = [*(wiki for wikis in self.wikis.values() for wiki in wikis), *more]
        files = {"wikis.txt": "\n".join(wikis), "edits.sql": query, "views.sql": ONE}
        return Project(folder, config, files)

    def port(self, section: str) -> str:
        """The port of a section's server."""
        return str(self.servers[section == "s2"].port)


@pytest.fixture(scope="module")
def farm(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    with (
        running_mariadb() as other,
        wiki_databases(mariadb, 6) as on_one,
        wiki_databases(other, 3) as on_other,
    ):
        wikis = {"s1": on_one[:3], "s2": on_other, "s3": on_one[3:]}
        places = {
            section: ("localhost", (other if section == "s2" else mariadb).port)
            for section in wikis
        }
        with running_dns(sections=places) as dns:
            for section, names in {**wikis, "s9": ["movedwiki"]}.items():
                written(
                    folder / f"dblists/{section}.dblist", "# made by a program\n" + "\n".join(names)
                )
            host_config = written(folder / "host.yaml", host_settings(mariadb, dns, folder))
            yield Farm((mariadb, other), wikis, dns, folder, host_config)


def host_settings(server: Mariadb, dns: Dns, config_path: Path) -> str:
    return f"""\
engines:
  mysql:
    creds_file: {server.creds_file}
    mw_config_path: {config_path}
    srv_name: '{SRV_NAME}'
    nameserver: {dns.nameserver}
"""


def status(server: Mariadb, name: str) -> int:
    ((_, count),) = server.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
    return int(count)


def test_each_wiki_is_asked_on_the_server_of_its_section(farm: Farm, tmp_path: Path) -> None:
    project = farm.project(tmp_path)
    assert project.run("--host-config", farm.host_config) == ""
    for section, wikis in farm.wikis.items():
        for wiki in wikis:
            rows = project.rows(f"edits/{wiki}")[1:]
            assert [row[:3] for row in rows] == [
                [f"2025-01-0{day}", wiki, farm.port(section)] for day in (1, 2, 3)
            ]


def test_all_wikis_of_a_server_share_its_connections(farm: Farm, tmp_path: Path) -> None:
    before = []
    for server in farm.servers:
        server.execute("FLUSH STATUS")
        before.append(status(server, "Connections"))
    farm.project(tmp_path).run("--host-config", farm.host_config, now="2025-01-11")
    for server, count in zip(farm.servers, before, strict=True):
        # 60 tasks of six wikis in two sections, and 30 of three in one.
        assert 1 <= status(server, "Connections") - count - 1 <= 4
        assert status(server, "Max_used_connections") <= 5  # and the one that looks


def test_each_record_is_asked_for_once_a_run(farm: Farm, tmp_path: Path) -> None:
    config = (
        CONFIG
        + "  views: {granularity: weeks, starts: 2025-01-01, explode_by: {wiki_db: wikis.txt}}\n"
    )
    project = farm.project(tmp_path, config=config)
    before = len(farm.dns.asked())
    project.run("--host-config", farm.host_config, now="2025-01-12")
    asked = farm.dns.asked()[before:]
    assert asked == [SRV_NAME.replace("{section}", section) for section in ("s1", "s2", "s3")]
    project.run("--host-config", farm.host_config, now="2025-01-12")
    assert len(farm.dns.asked()) == before + 3  # nothing was due


def test_what_cannot_be_found_fails_alone_first_and_in_one_list(farm: Farm, tmp_path: Path) -> None:
    project = farm.project(tmp_path, "gonewiki", "movedwiki")
    said = project.run("--host-config", farm.host_config, code=1)
    record = SRV_NAME.replace("{section}", "s9")
    assert [line.split(" ERROR ", 1)[1] for line in said.splitlines()] == [
        f"{project.folder}/config.yaml into {project.output}: 27 done, 0 empty, 6 failed",
        (
            "  failed: 3 of edits, the first is edits wiki_db=gonewiki [2025-01-01, 2025-01-02): "
            "cannot find the server of gonewiki: it is in none of "
            f"{farm.config_path}/dblists/s[0-9]*.dblist "
            "(is this copy of MediaWiki's configuration up to date?)"
        ),
        (
            "  failed: 3 of edits, the first is edits wiki_db=movedwiki [2025-01-01, 2025-01-02): "
            "cannot find the server of the section s9, that of movedwiki: "
            f"there is no SRV record {record} "
            "(`srv_name` of the database says how these records are called)"
        ),
    ]
    assert len(project.tsvs()) == 9
    ((failures,),) = project.state("SELECT COUNT(*) FROM attempts WHERE failed")
    assert failures == 2  # a line for each series tells it all


def test_a_series_that_can_be_found_again_is_computed_by_the_next_run(
    farm: Farm, tmp_path: Path
) -> None:
    project = farm.project(tmp_path, "latewiki")
    project.run("--host-config", farm.host_config, code=1)
    config_path = tmp_path / "config"
    written(config_path / "dblists/s1.dblist", "latewiki\n")
    server = farm.servers[0]
    host_config = written(tmp_path / "host.yaml", host_settings(server, farm.dns, config_path))
    server.execute("CREATE DATABASE latewiki")
    try:
        assert project.run("--host-config", host_config) == ""
    finally:
        server.execute("DROP DATABASE latewiki")
    assert project.dates("edits/latewiki") == ["2025-01-01", "2025-01-02", "2025-01-03"]


def on_more(farm: Farm, script: str) -> str:
    """The project's configuration with reports that need no look-up."""
    server = farm.servers[1]
    return CONFIG.replace(
        "defaults:", f"  fixed: {{host: {server.host}, port: {server.port}}}\ndefaults:"
    ) + (
        "  views: {db: fixed, granularity: days, starts: 2025-01-01}\n"
        f"  {script}: {{type: script, granularity: days, starts: 2025-01-01}}\n"
    )


def test_a_dead_name_server_fails_what_needs_it_and_nothing_else(
    farm: Farm, tmp_path: Path
) -> None:
    with running_dns() as dead:
        dead.stop()
        settings = host_settings(farm.servers[0], dead, farm.config_path)
        host_config = written(tmp_path / "host.yaml", settings)
        project = farm.project(tmp_path, config=on_more(farm, "script"))
        project.write("script", "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n' $1\n")
        said = project.run("--host-config", host_config, code=1)
    title, *failed = said.splitlines()
    assert title.endswith(": 6 done, 0 empty, 27 failed")
    assert len(failed) == 3  # a line for each section, not for each wiki
    for line, (section, wikis) in zip(failed, farm.wikis.items(), strict=True):
        assert f"9 of edits, the first is edits wiki_db={wikis[0]} [2025-01-01," in line
        assert f"the section {section}, that of {wikis[0]}: the name server 127.0.0.1" in line
        assert "did not answer within 5 s" in line
    assert sorted(project.tsvs()) == ["script.tsv", "views.tsv"]


def test_a_run_that_waits_for_a_dead_name_server_can_be_ended(farm: Farm, tmp_path: Path) -> None:
    with running_dns() as dead:
        dead.stop()
        settings = host_settings(farm.servers[0], dead, farm.config_path)
        host_config = written(tmp_path / "host.yaml", settings)
        project = farm.project(tmp_path, config=on_more(farm, "script"))
        project.write("script", "#!/bin/sh\nsleep 60\n")
        with project.started("-l", "debug", "--host-config", host_config) as run:
            run.says("asking for the SRV record")
            run.signal(signal.SIGTERM)
            run.ended(143, within=patient(10))


def test_without_a_copy_of_the_configuration_the_error_says_so_once(
    farm: Farm, tmp_path: Path
) -> None:
    settings = host_settings(farm.servers[0], farm.dns, tmp_path / "nowhere")
    host_config = written(tmp_path / "host.yaml", settings)
    project = farm.project(tmp_path)
    _, only = project.run("--host-config", host_config, code=1).splitlines()
    assert f"{tmp_path}/nowhere/dblists has no s[0-9]*.dblist" in only
    assert "27 of edits" in only
