"""The lookback of a report: which done intervals are computed again, by what the state knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from reportupdater.intervals import Coverage, watermark
from reportupdater.model import Report, Series
from reportupdater.planning.lookback import looked_back
from reportupdater.planning.plan import Clock
from reportupdater.state import retries, successes
from reportupdater.state.history import stamp
from reportupdater.state.tables import Tables


class LookingBack:
    """Looks back over the series of one report."""

    def __init__(self, state: Tables, report: Report) -> None:
        self._report = report
        self._successes = successes.of_report(state, report.name)
        self._failing = retries.of_report(state, report.name)

    def over(self, series: Series, done: Coverage, clock: Clock) -> Coverage:
        """Return the done intervals of a series that are computed again now."""
        labelled = self._report.granularity.labelled
        known = {labelled(one): at for one, at in self._successes.get(series.tsv, {}).items()}
        failing = (labelled(one.start) for one in self._failing.get(series.tsv, ()))
        return looked_back(
            self._report,
            done,
            # One of a moment that is still to come is by a clock that was ahead.
            {number: at for number, at in known.items() if number is not None and at <= clock.now},
            Coverage.of(number for number in failing if number is not None),
            clock,
        )


def note(
    connection: sqlite3.Connection,
    number: int,
    report: Report,
    starts: Sequence[str],
    now: datetime,
) -> None:
    """Note that intervals of a series, given by its number, had a result, inside a transaction.

    `now` is the moment that the run planned for.
    """
    granularity = report.granularity
    first = watermark(granularity, now, report.lag) - report.lookback - 1
    oldest = granularity.label(granularity.start(max(first, 1)))
    some = [one for one in starts if one >= oldest]
    if some:
        successes.note(connection, number, some, stamp(now), oldest)
