"""How long the queries of a report's series took, by the history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.state import valid
from reportupdater.state.tables import Tables
from reportupdater.state.versions import attempts_not_summed_up


class History(NamedTuple):
    """The answers of a series, however old."""

    answered: int = 0
    """How many there were."""
    seconds: float = 0.0
    """How long they took, together."""


_SUMS = """
    SELECT tsv, answers AS count, seconds AS time FROM answered
    JOIN series ON series.id = answered.series WHERE report = :report
"""
_SINGLE = """
    SELECT tsv, count(*) AS count, sum(seconds) AS time FROM {table} AS one
    JOIN series ON series.id = one.series WHERE report = :report AND NOT failed GROUP BY tsv
"""


def of_report(state: Tables, report: str) -> dict[str, History]:
    """Return the history of each series of a report that has one, by its TSV. Raises StateError."""
    with state.reading() as connection:
        has_sums, table = attempts_not_summed_up(connection)
        parts = [*([_SUMS] if has_sums else []), *([_SINGLE.format(table=table)] if table else [])]
        answers = valid.rows(
            connection,
            "answered",
            (valid.is_name, valid.is_count, valid.is_seconds),
            f"SELECT tsv, sum(count), sum(time) FROM ({' UNION ALL '.join(parts)}) GROUP BY tsv",
            {"report": report},
        )
    return {tsv: History(count, seconds) for tsv, count, seconds in answers}


def expected(histories: Iterable[History]) -> float | None:
    """Return the mean of the seconds that an answer took; None if there was none.

    The mean, not the median: a sum is wanted of it, and a large wiki takes a thousand times as long
    as a small one.
    """
    answered, seconds = 0, 0.0
    for history in histories:
        answered += history.answered
        seconds += history.seconds
    return seconds / answered if answered else None
