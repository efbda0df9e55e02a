#!/usr/bin/env python3
"""Makes events.sqlite, the demo's sample data: a year of made-up edits on five wikis.

Each run makes the same rows: of the random numbers only `random()` is used, whose sequence Python
promises to keep, and nothing beyond plain arithmetic is done with them.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

FIRST_DAY = datetime(2025, 1, 1)
DAYS = 365

# Monday to Sunday.
WEEKDAYS = (1.08, 1.12, 1.10, 1.06, 0.98, 0.80, 0.86)

SCHEMA = """
CREATE TABLE edits (
    wiki TEXT NOT NULL,
    timestamp TEXT NOT NULL,   -- YYYYMMDDHHMMSS in UTC, as MediaWiki writes it
    user_type TEXT NOT NULL,   -- anonymous, registered or bot
    interface TEXT NOT NULL,   -- wikitext, visualeditor or mobile
    bytes INTEGER NOT NULL     -- by how much the page grew
)
"""

Edit = tuple[str, str, str, str, int]
"""wiki, timestamp, user_type, interface, bytes: a row of the table."""


@dataclass(frozen=True)
class Wiki:
    """How much is edited on a wiki, and by whom."""

    name: str
    edits: float
    """Edits a day at the year's start."""
    growth: float
    """By what part of them that grows within the year."""
    bots: float
    """The part of the edits that bots make."""
    event: tuple[int, int, float]
    """Something that happens there once: its first day, the day after it, and its factor."""


WIKIS = (
    Wiki("enwiki", 6.5, 0.35, 0.08, (14, 22, 1.5)),  # a birthday
    Wiki("dewiki", 3.5, 0.15, 0.10, (150, 164, 0.6)),  # long holidays
    Wiki("frwiki", 2.5, 0.30, 0.10, (304, 334, 1.8)),  # a contest
    Wiki("wikidatawiki", 5.0, 0.55, 0.50, (90, 120, 1.7)),  # an import
    Wiki("commonswiki", 3.0, 0.40, 0.15, (243, 273, 1.9)),  # photographers
)


def edits() -> list[Edit]:
    """All edits of the year, in the order of their time."""
    rng = random.Random(2025)
    return sorted((edit for wiki in WIKIS for edit in _edits(wiki, rng)), key=lambda edit: edit[1])


def _edits(wiki: Wiki, rng: random.Random) -> Iterator[Edit]:
    owed = 0.0
    for day in range(DAYS):
        owed += _expected(wiki, day) * (0.85 + 0.3 * rng.random())
        # What is left of an edit counts towards the next day, so that small wikis grow smoothly.
        while owed >= 1:
            owed -= 1
            yield _edit(wiki, day, rng)


def _expected(wiki: Wiki, day: int) -> float:
    first, past, factor = wiki.event
    return (
        wiki.edits
        * (1 + wiki.growth * day / DAYS)
        * WEEKDAYS[(FIRST_DAY.weekday() + day) % 7]
        * (factor if first <= day < past else 1)
    )


def _edit(wiki: Wiki, day: int, rng: random.Random) -> Edit:
    # The mean of two random moments: noon is busy, midnight is quiet.
    moment = FIRST_DAY + timedelta(
        days=day, seconds=int(86_400 * (rng.random() + rng.random()) / 2)
    )
    user = rng.random()
    if user < wiki.bots:
        user_type, interface = "bot", "wikitext"
    else:
        user_type = "registered" if user < wiki.bots + 0.8 * (1 - wiki.bots) else "anonymous"
        interface = _interface(day, rng.random())
    # Most edits are small, few are large, and one in five takes something away.
    size = rng.random()
    bytes_ = int(2 + 2_000 * size * size * size * size) * (-1 if rng.random() < 0.2 else 1)
    return wiki.name, moment.strftime("%Y%m%d%H%M%S"), user_type, interface, bytes_


def _interface(day: int, dice: float) -> str:
    # VisualEditor wins ground over the year.
    visual = 0.15 + 0.25 * day / DAYS
    if dice < visual:
        return "visualeditor"
    return "mobile" if dice < visual + 0.15 else "wikitext"


def write(path: Path) -> None:
    """Make the database anew at `path`."""
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    with database:
        database.execute(SCHEMA)
        database.executemany("INSERT INTO edits VALUES (?, ?, ?, ?, ?)", edits())
    database.close()


if __name__ == "__main__":
    write(Path(__file__).resolve().parent / "events.sqlite")
