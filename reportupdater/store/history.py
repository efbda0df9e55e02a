"""What the ledger says of a report's series: how long a query took, and how it has failed of late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reportupdater.store.state import State


class History(NamedTuple):
    """The attempts of a series, as far as the ledger keeps them (90 days)."""

    answered: int = 0
    """How many succeeded."""
    seconds: float = 0.0
    """How long those took, together."""
    failures_in_a_row: int = 0
    """How many have failed since the last that succeeded."""
    last_error: str = ""


def of_report(state: State, report: str) -> dict[str, History]:
    """The history of each series of a report that has one, by its TSV. Raises StateError."""
    with state.reading() as connection:
        answers = connection.execute(
            "SELECT tsv, COUNT(*), SUM(seconds) FROM attempts"
            " JOIN series ON series.id = attempts.series"
            " WHERE report = ? AND NOT failed GROUP BY tsv",
            (report,),
        ).fetchall()
        # What was committed together has the same time; of a series the older interval came first.
        # SQLite takes `error` from the row of the maximum.
        failures = connection.execute(
            "WITH good AS (SELECT series, MAX(at || ' ' || start) AS moment FROM attempts"
            "  JOIN series ON series.id = attempts.series"
            "  WHERE report = ? AND NOT failed GROUP BY series)"
            " SELECT tsv, COUNT(*), error, MAX(at || ' ' || start) FROM attempts"
            " JOIN series ON series.id = attempts.series LEFT JOIN good ON good.series = series.id"
            " WHERE report = ? AND failed AND at || ' ' || start > COALESCE(moment, '')"
            " GROUP BY tsv",
            (report, report),
        ).fetchall()
    found = {tsv: History(count, seconds) for tsv, count, seconds in answers}
    for tsv, count, error, _ in failures:
        found[tsv] = found.get(tsv, History())._replace(failures_in_a_row=count, last_error=error)
    return found


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
