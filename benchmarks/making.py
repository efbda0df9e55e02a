"""What is measured on: wikis in a MariaDB, projects, and folders of finished TSVs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from tests.servers.mariadb import Mariadb

QUERY = """\
SELECT '{from_date}' AS date, COUNT(*) AS edits, COUNT(DISTINCT rev_user) AS editors
FROM revision WHERE rev_timestamp >= '{from_timestamp}' AND rev_timestamp < '{to_timestamp}'
"""
_SCRIPT = """\
#!/usr/bin/env python3
import sys
print("date\\tn")
print(sys.argv[1] + "\\t1")
"""
SLOW_QUERY = "SELECT '{from_date}' AS date, 1 AS edits, SLEEP(0.05) AS slept"
_REVISIONS = (
    "CREATE TABLE revision (rev_id INT PRIMARY KEY, rev_timestamp BINARY(14), rev_user INT,"
    " INDEX (rev_timestamp)) ENGINE=InnoDB"
)
_EDITS = (
    "INSERT INTO revision SELECT seq,"
    " DATE_FORMAT('2025-01-01' + INTERVAL seq * 7 HOUR, '%Y%m%d%H%i%s'), seq % 5"
    " FROM seq_1_to_2000"
)


def wiki_names(count: int) -> list[str]:
    """Names like those of wikis."""
    return [f"w{number:04}wiki" for number in range(count)]


def make_wikis(server: Mariadb, count: int) -> list[str]:
    """A database for each wiki, with 2,000 edits in 580 days from 2025-01-01 on."""
    names = wiki_names(count)
    for wiki in names:
        server.execute(f"CREATE DATABASE {wiki} CHARACTER SET utf8mb4")
        server.execute(_REVISIONS, _EDITS, database=wiki)
    return names


@dataclass(frozen=True)
class Project:
    """A project whose one daily report is exploded by wiki, and the moment at which it is run."""

    folder: Path
    starts: date
    days: int

    @property
    def now(self) -> str:
        """The moment until which `days` days are due."""
        return (self.starts + timedelta(days=self.days)).isoformat()


def make_project(
    folder: Path,
    server: Mariadb,
    wikis: list[str],
    *,
    starts: date = date(2025, 1, 1),
    days: int,
    query: str = QUERY,
    database: str = "",
    report: str = "",
    sink: str = "",
) -> Project:
    """A project on a server; `database` and `report` are more keys of these parts, `sink` is a part."""
    folder.mkdir(parents=True)
    (folder / "wikis.txt").write_text("".join(f"{wiki}\n" for wiki in wikis))
    (folder / "daily.sql").write_text(query)
    (folder / "config.yaml").write_text(
        f"""\
databases:
  replicas:
    host: {server.host}
    port: {server.port}
    creds_file: {server.creds_file}
    wiki_db_placeholder: wiki
    {database}
{sink}
reports:
  daily:
    db: replicas
    granularity: days
    starts: {starts}
    explode_by: {{wiki: wikis.txt}}
    {report}
"""
    )
    return Project(folder, starts, days)


def make_script_project(folder: Path, *, days: int, at_once: int) -> Project:
    """A project with one daily report of a trivial script, in Python as most are."""
    folder.mkdir(parents=True)
    script = folder / "daily"
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    starts = date(2025, 1, 1)
    (folder / "config.yaml").write_text(
        "reports:\n"
        f"  daily: {{type: script, granularity: days, starts: {starts}, concurrency: {at_once}}}\n"
    )
    return Project(folder, starts, days)


def fill(output: Path, wikis: list[str], starts: date, days: int) -> None:
    """TSVs of `days` days, as the original program has left them: lines end in CR LF."""
    folder = output / "daily"
    folder.mkdir(parents=True)
    dates = [(starts + timedelta(days=number)).isoformat() for number in range(days)]
    text = "date\tedits\teditors\r\n" + "".join(
        f"{day}\t{number * 7919 % 1000}\t{number * 31 % 50}\r\n" for number, day in enumerate(dates)
    )
    for wiki in wikis:
        (folder / f"{wiki}.tsv").write_bytes(text.encode())
