"""What the ledger says of a report's series: how long a query took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.store.state import State


class History(NamedTuple):
    """The answers of a series, as far as the ledger keeps them (90 days)."""

    answered: int = 0
    """How many there were."""
    seconds: float = 0.0
    """How long they took, together."""


def of_report(state: State, report: str) -> dict[str, History]:
    """The history of each series of a report that has one, by its TSV. Raises StateError."""
    with state.reading() as connection:
        answers = connection.execute(
            "SELECT tsv, COUNT(*), SUM(seconds) FROM attempts"
            " JOIN series ON series.id = attempts.series"
            " WHERE report = ? AND NOT failed GROUP BY tsv",
            (report,),
        ).fetchall()
    return {tsv: History(count, seconds) for tsv, count, seconds in answers}


def expected(histories: Iterable[History]) -> float | None:
    """The mean of the seconds that an answer took; None if there was none.

    The mean, not the median: a sum is wanted of it, and a large wiki takes a thousand times as long
    as a small one.
    """
    answered, seconds = 0, 0.0
    for history in histories:
        answered += history.answered
        seconds += history.seconds
    return seconds / answered if answered else None
