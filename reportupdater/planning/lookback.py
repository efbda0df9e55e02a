"""Which done intervals are computed again for data that came late. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reportupdater.intervals import Coverage
from reportupdater.model import Report
from reportupdater.planning.plan import Clock, window
from reportupdater.planning.schedule import became_due


def looked_back(
    report: Report,
    done: Coverage,
    successes: Mapping[int, datetime],
    stuck: Coverage,
    clock: Clock,
) -> Coverage:
    """Return the done intervals of a series that its lookback computes again now.

    They are those of the last N before the newest one that may be computed, of which the last result
    is of before that one became due; `successes` has the moments. None while the newest is `stuck`:
    it fails, or waits.
    """
    allowed = window(report, clock.now, done, tick=clock.as_of(report), latest=clock.latest)
    if not allowed or not report.lookback or allowed[-1] in stuck:
        return Coverage()
    newest = allowed[-1]
    since = became_due(report, newest)
    again = range(max(allowed.start, newest - report.lookback), newest)
    return Coverage.of(
        number
        for number in done.within(again)
        if since is not None and successes.get(number, datetime.min) < since
    )
