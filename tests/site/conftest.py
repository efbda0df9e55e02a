"""A project with all that can be wrong with reports, and its site."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project
from tests.servers.browser import browser

__all__ = ["browser"]

NOW = "2025-03-01"
HOSTILE = '<script>alert("1")</script>'
RTL = "\u202eעברית"

CONFIG = f"""{SQLITE}reports:
  daily_edits:
    description: Edits of each wiki. {HOSTILE}
    owner: ada@example.org
    ticket: https://tickets.example.org/T1
    explode_by: {{wiki: "enwiki, dewiki, frwiki"}}
    checks: {{range: {{edits: {{max: 4000}}}}}}
    lag: 3600
  by_kind:
    granularity: weeks
    starts: 2025-01-05
  many_kinds: {{granularity: months}}
  hourly: {{granularity: hours, starts: 2025-02-27}}
  odd: {{description: "{RTL}"}}
  gone_wrong: {{granularity: fortnights}}
"""
DAILY = """SELECT day AS date, edits, editors FROM (
  SELECT day, edits, editors FROM facts WHERE wiki = '{wiki}' AND day = '{from_date}'
) WHERE '{wiki}{from_date}' <> 'dewiki2025-01-20' OR abs(-9223372036854775808) > 0
"""
"""The query of one day fails on dewiki."""
KINDS = """SELECT '{from_date}' AS week, kind, 10 * length(kind) + strftime('%W', '{from_date}') AS edits
FROM (SELECT 'bot' AS kind UNION SELECT 'registered' UNION SELECT 'anonymous')
"""
MANY = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)
SELECT '{from_date}' AS date, 'kind ' || i AS kind, i * 3 AS edits FROM n
"""
ODD = f"""SELECT '{{from_date}}' AS date, 5 AS "n {HOSTILE.replace('"', '""')}", '<img src=x onerror=alert(1)>' AS "a b",
'{RTL}' AS "q'", NULL AS empty, 1.5 AS half
"""
HOURLY = """SELECT substr(t, 1, 4) || '-' || substr(t, 5, 2) || '-' || substr(t, 7, 2) || 'T' || substr(t, 9, 2)
  || ':00:00' AS hour, 7 AS n FROM (SELECT '{from_timestamp}' AS t)"""


def _facts(project: Project) -> None:
    with closing(sqlite3.connect(project.folder / "data.sqlite")) as data, data:
        data.execute("CREATE TABLE facts (wiki, day, edits, editors)")
        for number in range(70):
            day = date(2025, 1, 1) + timedelta(days=number)
            for wiki, edits in (("enwiki", 1000), ("dewiki", 300), ("frwiki", 100)):
                if (wiki, str(day)) == ("frwiki", "2025-01-15"):
                    continue
                times = 50 if (wiki, str(day)) == ("frwiki", "2025-02-10") else 1
                value = edits * times + 10 * (number % 7)
                data.execute(
                    "INSERT INTO facts VALUES (?, ?, ?, ?)", (wiki, str(day), value, number % 5)
                )


class WithSite:
    """A project that has run, and its site."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.project = Project(
            folder,
            CONFIG,
            {
                "daily_edits.sql": DAILY,
                "by_kind.sql": KINDS,
                "many_kinds.sql": MANY,
                "odd.sql": ODD,
                "hourly.sql": HOURLY,
            },
        )
        _facts(self.project)

    def data(self, statement: str) -> None:
        """Change what the queries read."""
        with closing(sqlite3.connect(self.project.folder / "data.sqlite")) as data, data:
            data.execute(statement)

    def write(self, *arguments: str | Path, now: str = NOW, code: int = 0) -> str:
        """Write the site; what the command prints."""
        one = self.project
        called = one.call(
            "site", one.output, one.folder, "--to", self.site, "--now", now, *arguments, code=code
        )
        return called.stdout + called.stderr

    def again(self, wiki: str, day: str, past: str) -> None:
        """Compute days of a wiki again."""
        one = self.project
        words = ("--since", day, "--until", past, "--only", f"wiki={wiki}")
        one.call("rerun", one.folder, one.output, "--report", "daily_edits", *words)
        one.run(now=NOW, code=1)


@pytest.fixture(scope="session")
def with_site(tmp_path_factory: pytest.TempPathFactory) -> WithSite:
    """Read only: tests that change it make one of their own."""
    one = WithSite(tmp_path_factory.mktemp("site"))
    one.project.run(now=NOW, code=1)
    one.data("UPDATE facts SET edits = 1234 WHERE wiki = 'enwiki' AND day = '2025-02-20'")
    one.again("enwiki", "2025-02-20", "2025-02-21")
    one.write()
    return one
