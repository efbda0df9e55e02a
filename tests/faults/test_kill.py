"""kill -9 at any moment, and again: what comes out is what comes out of a run left alone."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import Project

WIKIS = 5

CONFIG = f"""
databases: {{local: {{engine: sqlite, path: data.sqlite, concurrency: 2}}}}
defaults: {{db: local, granularity: days, starts: 2025-01-01}}
reports:
  edits: {{explode_by: {{wiki: [{", ".join(f"w{wiki}" for wiki in range(WIKIS))}]}}}}
  views: {{max_data_points: 20}}
  sizes: {{type: script, max_data_points: 5}}
"""
NOW = "2025-02-20"

# Each takes about half a millisecond.
QUERY = """
    WITH RECURSIVE busy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM busy LIMIT 2000)
    SELECT '{from_date}' AS date, '{wiki}' AS wiki, max(n) * {day} AS n, n AS row
    FROM busy GROUP BY n % 3
"""
FILES = {
    "edits.sql": QUERY,
    "views.sql": QUERY.replace("{wiki}", "all"),
    "sizes": "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n%s\\t2\\n' $1 $1\n",
}


@dataclass(frozen=True)
class Whole:
    """What a run that was left alone has made, and how many seconds it took."""

    tsvs: dict[str, bytes]
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    project = Project(tmp_path_factory.mktemp("whole"), CONFIG, FILES)
    began = time.monotonic()
    project.run(now=NOW)
    return Whole(project.tsvs(), time.monotonic() - began)


@pytest.mark.parametrize("seed", range(25))
def test_a_run_that_is_killed_and_begun_again_ends_with_the_same_bytes(
    whole: Whole, tmp_path: Path, seed: int
) -> None:
    assert len(whole.tsvs) == WIKIS + 2
    rng = random.Random(seed)
    project = Project(tmp_path, CONFIG, FILES)
    for _ in range(rng.randint(1, 2)):
        with project.started(now=NOW) as run:
            time.sleep(rng.uniform(0.1, whole.seconds))
            run.kill()
    project.run(now=NOW)
    assert project.tsvs() == whole.tsvs
    # Nothing was computed again that had been committed, and nothing is left behind.
    again = project.state(
        "SELECT series, start FROM attempts WHERE NOT failed"
        " GROUP BY series, start HAVING COUNT(*) > 1"
    )
    assert again == []
    assert project.state("SELECT * FROM journal") == []
    assert [path for path in project.output.rglob("*") if path.suffix == ".tmp"] == []
