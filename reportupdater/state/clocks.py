"""Moments in the history that are later than the clock shows: it was ahead once."""

from __future__ import annotations

from datetime import datetime, timedelta

from reportupdater.intervals import Granularity
from reportupdater.state import valid
from reportupdater.state.database import State
from reportupdater.state.history import stamp
from reportupdater.state.tables import Tables

_UNKNOWN = timedelta(days=1)
"""How far a clock may have been ahead where no run before shows it: what runs go on with unasked."""


def newest_start(state: Tables) -> datetime | None:
    """Return when the newest run began, as far as that is known."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT started FROM runs ORDER BY started DESC LIMIT 1"
        ).fetchone()
    if found is None or not valid.is_stamp(found[0]):
        return None
    return datetime.fromisoformat(str(found[0]).removesuffix("Z"))


def request_early(state: State, now: datetime) -> int:
    """Request again what runs dated later than now may have computed before it was over; how many.

    Their clock was ahead, by how much is not known: an interval that had ended when the run before
    them began was over. Each such result is requested once.
    """
    with state.transaction() as connection:
        before = connection.execute(
            "SELECT max(started) FROM runs WHERE started <= ?", (stamp(now),)
        ).fetchone()[0]
        since = now - _UNKNOWN
        if valid.is_stamp(before):
            since = datetime.fromisoformat(before.removesuffix("Z"))
        found = connection.execute(
            "SELECT series.id, start, granularity FROM runs JOIN attempts ON attempts.run = runs.id"
            " JOIN series ON series.id = attempts.series JOIN owners USING (report)"
            " WHERE runs.started > ?1 AND attempts.at > ?1 AND NOT failed",
            (stamp(now),),
        ).fetchall()
        early = [
            (series, start)
            for series, start, granularity in found
            if _ends_after(granularity, start, since)
        ]
        connection.executemany(
            "INSERT OR IGNORE INTO marks (series, start, asked) VALUES (?, ?, '')", early
        )
        connection.execute(
            "UPDATE attempts SET at = ?1 WHERE at > ?1"
            " AND run IN (SELECT id FROM runs WHERE started > ?1)",
            (stamp(now),),
        )
    return len(early)


def accept_clock(state: State, now: datetime) -> None:
    """Take what is dated later than now, by a clock that was ahead, for what is of now."""
    with state.transaction() as connection:
        for table, column in (("runs", "started"), ("runs", "ended"), ("marks", "asked")):
            connection.execute(
                f"UPDATE {table} SET {column} = ?1 WHERE {column} > ?1", (stamp(now),)
            )


def _ends_after(granularity: str, start: str, moment: datetime) -> bool:
    """Return whether an interval ends after a moment; false where no interval starts there."""
    try:
        kind = Granularity(granularity)
        number = kind.labelled(start)
        return number is not None and kind.start(number + 1) > moment
    except ValueError:
        return False
