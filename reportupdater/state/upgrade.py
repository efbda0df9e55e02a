"""What an upgrade of the state leaves to do when its tables are there: to sum up the old attempts.

Before version 3 an attempt of each interval was kept for ever, so that there may be many millions.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from reportupdater.state import history
from reportupdater.state.database import State
from reportupdater.state.schema import BEFORE, is_summed_up

log = logging.getLogger(__name__)

_PART = 50_000
"""Attempts that are summed up in a transaction."""
_LAST = 1 << 62
_REST_SECONDS = 0.05
"""Between two parts, so that other processes can write too."""
_QUICK_SECONDS = 2.0
"""What takes longer is explained."""


def sum_up(state: State, now: datetime, stopped: Callable[[], bool] = lambda: False) -> None:
    """Sum up the attempts of before version 3, a part at a time; those of 90 days are kept singly.

    There may be many millions. Other processes may read and write meanwhile; a process that is killed or
    `stopped` has lost nothing, and a later run goes on. Raises StateError.
    """
    oldest = history.stamp(now - history.KEPT)
    began = time.monotonic()
    explained = False
    with state.reading() as connection:
        if is_summed_up(connection):
            return
    while not stopped():
        with state.transaction() as connection:
            if is_summed_up(connection) or not _sum_up_part(connection, oldest):
                break
        if not explained and time.monotonic() > began + _QUICK_SECONDS:
            explained = True
            log.warning(
                "%s: the history of attempts is summed up, once after the upgrade: this run ends"
                " some minutes later; other runs can go on meanwhile, and nothing is lost if this"
                " one is stopped",
                state.path,
            )
        time.sleep(_REST_SECONDS)
    else:
        return
    _make_smaller(state)


def _sum_up_part(connection: sqlite3.Connection, oldest: str) -> bool:
    """Sum up the attempts of a few series; whether there were any left."""
    first = connection.execute(f"SELECT min(series) FROM {BEFORE}").fetchone()[0]
    if first is None:
        connection.execute(f"DROP TABLE {BEFORE}")
        return False
    later = connection.execute(
        f"SELECT series FROM {BEFORE} ORDER BY series, start, failed, at LIMIT 1 OFFSET ?", (_PART,)
    ).fetchone()
    part = first, max(first + 1, later[0]) if later else _LAST
    connection.execute(
        f"INSERT INTO answered SELECT series, count(*), sum(seconds) FROM {BEFORE}"
        " WHERE series >= ? AND series < ? AND NOT failed GROUP BY series ON CONFLICT DO UPDATE"
        " SET answers = answers + excluded.answers, seconds = seconds + excluded.seconds",
        part,
    )
    connection.execute(
        "INSERT OR IGNORE INTO attempts (run, series, start, failed, at, reason, seconds, rows, error)"
        f" SELECT run, series, start, failed, at, reason, seconds, rows, error FROM {BEFORE}"
        " WHERE series >= ? AND series < ? AND at >= ? AND run IN (SELECT id FROM runs)",
        (*part, oldest),
    )
    connection.execute(f"DELETE FROM {BEFORE} WHERE series >= ? AND series < ?", part)
    return True


def _make_smaller(state: State) -> None:
    """Give the space of what was removed back, where that is most of the file."""
    with state.reading() as connection:
        free, all_pages = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("freelist_count", "page_count")
        )
        if free > all_pages / 2:
            with suppress(
                sqlite3.OperationalError
            ):  # another process reads: the space is used again
                connection.execute("VACUUM")
