"""Data in the shape of MediaWiki's, in a real MariaDB: 20 wikis, 60 days, several reports."""

from __future__ import annotations

import contextlib
import copy
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import Project, Rows, wiki_databases
from tests.servers.mariadb import Mariadb

FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=day) for day in range(60)]
WEEKS = [date(2024, 12, 29) + timedelta(weeks=week) for week in range(9)]
MONTHS = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]
NOW = "2025-03-02"
EDITORS = [
    "Ana",
    "Élise",
    "日本の編集者",
    "😀 smile",
    "tab\there",
    "NULL",
    " spaces ",
    "0012",
    '"q"',
]

TABLES = (
    """CREATE TABLE page (
        page_id INT UNSIGNED NOT NULL PRIMARY KEY,
        page_namespace INT NOT NULL)""",
    """CREATE TABLE revision (
        rev_id INT UNSIGNED NOT NULL PRIMARY KEY AUTO_INCREMENT,
        rev_page INT UNSIGNED NOT NULL,
        rev_user_text VARBINARY(255) NOT NULL,
        rev_timestamp BINARY(14) NOT NULL,
        rev_minor_edit TINYINT UNSIGNED NOT NULL,
        rev_len INT UNSIGNED,
        KEY rev_timestamp (rev_timestamp))""",
)

QUERIES = {
    "daily_edits.sql": """
        SELECT DATE('{from_timestamp}') AS date,
               COUNT(*) AS edits,
               SUM(rev_minor_edit) AS minor_edits,
               AVG(rev_len) AS mean_length,
               SUM(page_namespace = 0) / COUNT(*) > 0.5 AS mostly_articles
        FROM revision JOIN page ON page_id = rev_page
        WHERE rev_timestamp >= '{from_timestamp}' AND rev_timestamp < '{to_timestamp}'
    """,
    "daily_editors.sql": """
        SELECT DATE(rev_timestamp) AS date, '{wiki}' AS wiki, rev_user_text, COUNT(*) AS edits
        FROM revision
        WHERE rev_timestamp BETWEEN '{from_timestamp}' AND '{from_timestamp:.8}235959'
        GROUP BY 1, rev_user_text
        ORDER BY edits DESC, rev_user_text
    """,
    "weekly_lengths.sql": """
        SELECT '{from_date}' AS week,
               CAST(SUM(rev_len) AS DOUBLE) / COUNT(rev_len) AS mean,
               MAX(rev_timestamp) AS last_edit,
               COUNT(DISTINCT rev_user_text) AS editors
        FROM revision
        WHERE rev_timestamp >= '{from_timestamp}' AND rev_timestamp < '{to_timestamp}'
    """,
    "monthly_first_edit.sql": """
        SELECT CAST(rev_timestamp AS DATETIME) AS month, rev_id, rev_len
        FROM revision
        WHERE rev_timestamp >= '{from_timestamp}' AND rev_timestamp < '{to_timestamp}'
        ORDER BY rev_timestamp, rev_id
        LIMIT 1
    """,
}


@dataclass(frozen=True)
class Revision:
    id: int
    namespace: int
    editor: str
    moment: datetime
    minor: bool
    length: int | None

    @property
    def day(self) -> date:
        return self.moment.date()

    @property
    def timestamp(self) -> str:
        return self.moment.strftime("%Y%m%d%H%M%S")


@dataclass(frozen=True)
class Farm:
    """Wikis, each with its revisions, and the project that has been run on them."""

    server: Mariadb
    project: Project
    revisions: dict[str, list[Revision]] = field(default_factory=dict)


def revisions(seed: int) -> list[Revision]:
    """What happened on a wiki: the bigger its number, the more; nothing at all on some days."""
    rng = random.Random(seed)
    found: list[Revision] = []
    for day in [*DAYS, DAYS[-1] + timedelta(days=1)]:  # the last one must not be counted yet
        for _ in range(0 if rng.random() < 0.1 else rng.randint(1, 2 + seed)):
            moment = datetime.combine(day, datetime.min.time())
            # Also the first and the last second of a day.
            moment += timedelta(seconds=rng.choice([0, 86399, rng.randrange(86400)]))
            length = None if rng.random() < 0.05 else rng.randrange(100_000)
            found.append(
                Revision(
                    len(found) + 1,
                    rng.choice([0, 0, 1, 2]),
                    rng.choice(EDITORS),
                    moment,
                    rng.random() < 0.3,
                    length,
                )
            )
    return found


def fill(server: Mariadb, wiki: str, rows: Iterable[Revision]) -> None:
    with contextlib.closing(server.admin(wiki)) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(table)
        cursor.executemany(
            "INSERT INTO page VALUES (%s, %s)", [(row.id, row.namespace) for row in rows]
        )
        cursor.executemany(
            "INSERT INTO revision VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (row.id, row.id, row.editor.encode(), row.timestamp, row.minor, row.length)
                for row in rows
            ],
        )


@pytest.fixture(scope="module")
def farm(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with wiki_databases(mariadb, 20) as wikis:
        config = f"""
databases:
  wikis:
    host: {mariadb.host}
    port: {mariadb.port}
    creds_file: {mariadb.creds_file}
    wiki_db_placeholder: wiki
defaults:
  db: wikis
  granularity: days
  starts: 2025-01-01
  explode_by: {{wiki: wikis.txt}}
reports:
  daily_edits:
  daily_editors: {{starts: 2024-12-30, max_data_points: 60}}
  weekly_lengths: {{granularity: weeks}}
  monthly_first_edit: {{granularity: months, explode_by: {{wiki: "{wikis[0]}, {wikis[7]}"}}}}
"""
        files = QUERIES | {"wikis.txt": "".join(f"{wiki}\n" for wiki in wikis)}
        project = Project(tmp_path_factory.mktemp("farm"), config, files)
        farm = Farm(mariadb, project)
        for seed, wiki in enumerate(wikis):
            farm.revisions[wiki] = revisions(seed)
            fill(mariadb, wiki, farm.revisions[wiki])
        assert project.run(now=NOW) == ""
        yield farm


def text(value: Any) -> str:
    return "" if value is None else str(value)


def test_the_aggregates_of_a_day_are_those_of_its_revisions(farm: Farm) -> None:
    for wiki, found in farm.revisions.items():
        wanted = [["date", "edits", "minor_edits", "mean_length", "mostly_articles"]]
        for day in DAYS:
            rows = [row for row in found if row.day == day]
            lengths = [row.length for row in rows if row.length is not None]
            mean = Decimal(sum(lengths)) / len(lengths) if lengths else None
            in_articles = sum(row.namespace == 0 for row in rows)
            numbers = (
                len(rows),
                sum(row.minor for row in rows) if rows else None,
                mean.quantize(Decimal("0.0001"), ROUND_HALF_UP) if mean is not None else None,
                int(in_articles * 2 > len(rows)) if rows else None,
            )
            wanted.append([day.isoformat(), *map(text, numbers)])
        assert farm.project.rows(f"daily_edits/{wiki}") == wanted


def test_the_rows_of_a_day_are_its_editors_with_their_names(farm: Farm) -> None:
    for wiki, found in farm.revisions.items():
        wanted: Rows = [["date", "wiki", "rev_user_text", "edits"]]
        for day in DAYS:
            counts = Counter(row.editor for row in found if row.day == day)
            best = sorted(counts.items(), key=lambda count: (-count[1], count[0].encode()))
            wanted += [[day.isoformat(), wiki, name, str(count)] for name, count in best]
            if not counts:
                wanted.append([day.isoformat(), "", "", ""])
        assert farm.project.rows(f"daily_editors/{wiki}") == wanted


def test_a_week_is_over_all_its_days(farm: Farm) -> None:
    for wiki, found in farm.revisions.items():
        wanted = [["week", "mean", "last_edit", "editors"]]
        for week in WEEKS:
            rows = [row for row in found if week <= row.day < week + timedelta(weeks=1)]
            lengths = [row.length for row in rows if row.length is not None]
            numbers = (
                sum(lengths) / len(lengths) if lengths else None,
                max((row.timestamp for row in rows), default=None),
                len({row.editor for row in rows}),
            )
            wanted.append([week.isoformat(), *map(text, numbers)])
        assert farm.project.rows(f"weekly_lengths/{wiki}") == wanted


def test_a_moment_in_the_first_column_counts_as_its_date(farm: Farm) -> None:
    tsvs = sorted(farm.project.output.glob("monthly_first_edit/*.tsv"))
    assert len(tsvs) == 2
    for path in tsvs:
        found = farm.revisions[path.stem]
        wanted = [["month", "rev_id", "rev_len"]]
        for start, end in pairwise(MONTHS):
            rows = [row for row in found if start <= row.day < end]
            row = min(rows, key=lambda row: (row.moment, row.id))
            wanted.append([row.day.isoformat(), str(row.id), text(row.length)])
        assert farm.project.rows(f"monthly_first_edit/{path.stem}") == wanted


def test_a_second_run_has_nothing_to_do_and_asks_the_server_nothing(farm: Farm) -> None:
    before = farm.project.tsvs()
    assert len(before) == 62
    with contextlib.closing(farm.server.admin()) as connection, connection.cursor() as cursor:

        def asked() -> dict[str, int]:
            cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Connections')")
            return {name: int(count) for name, count in cursor.fetchall()}

        counts = asked()
        assert "nothing is due" in farm.project.run("-l", "info", now=NOW)
        counts["Questions"] += 1  # the one that asks
        assert asked() == counts
    assert farm.project.tsvs() == before


def test_a_day_later_each_daily_series_has_one_interval_more(farm: Farm, tmp_path: Path) -> None:
    # Into a copy of what the first run left, so that the tests here can run in any order.
    later = copy.copy(farm.project)
    later.output = shutil.copytree(farm.project.output, tmp_path / "output")
    said = later.run("-l", "info", now="2025-03-03")
    done, empty = map(int, re.findall(r"(\d+) (?:done|empty)", said))
    assert done + empty == 40
    for wiki, found in farm.revisions.items():
        header, *rows = later.rows(f"daily_edits/{wiki}")
        assert rows[:-1] == farm.project.rows(f"daily_edits/{wiki}")[1:]
        edits = sum(row.day == date(2025, 3, 2) for row in found)
        assert dict(zip(header, rows[-1], strict=True))["edits"] == str(edits)
        # max_data_points: one has gone for the one that came.
        assert later.dates(f"daily_editors/{wiki}")[0] == "2025-01-02"
