"""docs/mediawiki.md: its project runs, and it has every error that looking up can end in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from reportupdater.engines.mysql.config import Shards
from reportupdater.engines.mysql.mediawiki import DNS_TIMEOUT, Mediawiki
from reportupdater.errors import ReportupdaterError
from tests.helpers import Project, wiki_databases, written
from tests.servers.dns import SRV_NAME, Dns, running_dns
from tests.servers.mariadb import Mariadb

PAGE = (Path(__file__).parents[2] / "docs" / "mediawiki.md").read_text(encoding="utf-8")


def block(first_line: str) -> str:
    """The block of the page that begins so."""
    (text,) = re.findall(rf"```\w+\n({re.escape(first_line)}\n.*?)```", PAGE, re.DOTALL)
    return str(text)


def test_the_pages_project_runs_with_the_pages_host_settings(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    with wiki_databases(mariadb, 2) as wikis:
        for number, wiki in enumerate(wikis):
            rows = ", ".join(["('20250102030405')"] * (number + 1))
            mariadb.execute(
                "CREATE TABLE revision (rev_timestamp BINARY(14))",
                f"INSERT INTO revision VALUES {rows}",
                database=wiki,
            )
            written(tmp_path / f"dblists/s{number + 1}.dblist", f"# made\n{wiki}\n")
        sections = dict.fromkeys(("s1", "s2"), ("localhost", mariadb.port))
        with running_dns(sections=sections) as dns:
            settings = block("# host settings")
            for theirs, ours in {
                "~/.my.cnf": str(mariadb.creds_file),
                "/srv/mediawiki-config": f"{tmp_path}\n    nameserver: {dns.nameserver}",
                '"_{section}-db._tcp.example.org"': f'"{SRV_NAME}"',
            }.items():
                assert settings.count(theirs) == 1
                settings = settings.replace(theirs, ours)
            host_config = written(tmp_path / "host.yaml", settings)
            files = {
                "daily_edits.sql": block("-- edits/daily_edits.sql"),
                "wikis.txt": "\n".join(wikis),
            }
            project = Project(tmp_path, block("# edits/config.yaml"), files)
            assert project.run("--host-config", host_config, now="2025-01-03") == ""
    for number, wiki in enumerate(wikis):
        assert project.rows(f"daily_edits/{wiki}") == [
            ["date", "edits"],
            ["2025-01-01", "0"],
            ["2025-01-02", str(number + 1)],
        ]


LISTS: dict[str, dict[str, str]] = {
    "in no list": {"s1": "enwiki"},
    "x1": {"all": "enwiki"},
    "in two lists": {"s1": "awiki", "s2": "awiki"},
    "no lists": {},
    "list of lists that is not there": {"s1": "%% gone"},
    "no expression": {"s1": "%% a * b"},
    "circle": {"s1": "%% s1"},
    "no record": {"s3": "awiki"},
    "no service": {"s4": "awiki"},
    "refused": {"s1": "awiki"},
    "silent": {"s1": "awiki"},
}


def error(folder: Path, case: str, dns: Dns) -> str:
    """What is said in a case, without its hint."""
    for name, text in LISTS[case].items():
        written(folder / f"dblists/{name}.dblist", text)
    srv_name = "_{section}._tcp.example.com" if case == "refused" else SRV_NAME
    shards = Shards(folder, srv_name, case == "x1", ("127.0.0.1", dns.port))
    with pytest.raises(ReportupdaterError) as caught:
        Mediawiki().place(shards, "awiki", is_wiki=True)
    return caught.value.what


def explained() -> dict[str, str]:
    """The errors in the page's table, and their cures."""
    rows: Mapping[str, str] = dict(re.findall(r"^\| `(.*?)` \| (.*) \|$", PAGE, re.MULTILINE))
    return dict(rows)


def fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, pattern.split("…"))), text) is not None


def test_the_page_has_every_error_and_only_real_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = f"--srv-host={SRV_NAME.replace('{section}', 's4')}"
    with running_dns(off) as dns:
        said = [error(tmp_path / case, case, dns) for case in LISTS if case != "silent"]
        dns.stop()
        monkeypatch.setattr("reportupdater.engines.mysql.mediawiki.DNS_TIMEOUT", 0.2)
        last = error(tmp_path / "silent", "silent", dns)
    said.append(last.replace("within 0.2 s", f"within {DNS_TIMEOUT:g} s"))
    of_servers = [row for row in explained() if row.startswith(("cannot connect", "cannot log in"))]
    of_looking_up = [row for row in explained() if row not in of_servers]
    assert len(of_servers) == 2
    for text in said:
        assert any(fits(row, text) for row in of_looking_up), text
    for row in of_looking_up:
        assert any(fits(row, text) for text in said), row
