"""What the ledger says of a report's series: how long a query took."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.store import valid
from reportupdater.store.schema import BEFORE, is_summed_up
from reportupdater.store.state import State


class History(NamedTuple):
    """The answers of a series, however old."""

    answered: int = 0
    """How many there were."""
    seconds: float = 0.0
    """How long they took, together."""


_ANSWERED = """
SELECT tsv, sum(count), sum(time) FROM (
    SELECT tsv, answers AS count, seconds AS time FROM answered
    JOIN series ON series.id = answered.series WHERE report = :report {before}
) GROUP BY tsv
"""
_ANSWERED_BEFORE = f"""
    UNION ALL
    SELECT tsv, count(*), sum(seconds) FROM {BEFORE}
    JOIN series ON series.id = {BEFORE}.series WHERE report = :report AND NOT failed GROUP BY tsv
"""


def of_report(state: State, report: str) -> dict[str, History]:
    """The history of each series of a report that has one, by its TSV. Raises StateError."""
    with state.reading() as connection:
        before = "" if is_summed_up(connection) else _ANSWERED_BEFORE
        answers = valid.rows(
            connection,
            "answered",
            (valid.is_name, valid.is_count, valid.is_seconds),
            _ANSWERED.format(before=before),
            {"report": report},
        )
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
