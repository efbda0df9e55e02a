"""Under which names columns are stored where the server may put a table before them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from reportupdater import prefixes
from reportupdater.errors import TsvError
from reportupdater.execution.outcome import Answer
from reportupdater.model import Report, Series
from reportupdater.state import journal
from reportupdater.state.database import State
from reportupdater.terminal.wording import count
from reportupdater.tsv import files, rows

log = logging.getLogger(__name__)


class Split(NamedTuple):
    """A TSV that has one column under two names, and the intervals with values under the `old`."""

    series: Series
    new: str
    old: str
    since: datetime
    until: datetime


class Columns:
    """Gives results the names of the columns that their TSVs have; used by the committing thread.

    The header of a TSV, with what the journal has for it, is looked at once a run, and only for
    results whose names are still to be resolved.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._stored: dict[Series, set[str]] = {}
        self._newest: dict[Series, tuple[str, ...]] = {}

    def resolved(self, answer: Answer) -> Answer:
        """Return the answer, its columns named as its TSV names them."""
        if answer.quoted is None:
            return answer
        series = answer.task.series
        stored = self._stored.get(series)
        if stored is None:
            stored = self._stored[series] = self._names(series)
        header = prefixes.resolved(answer.result.header, answer.quoted, stored)
        stored.update(header[1:])
        self._newest[series] = header
        return answer._replace(result=answer.result._replace(header=header), quoted=None)

    def warn(self) -> None:
        """Report the TSVs that have one column under two names, one line a report.

        To be called when all is merged: what was computed again by this run is so no longer.
        """
        by_report: dict[Report, list[Split]] = {}
        for series in self._newest:
            for split in self._split(series):
                by_report.setdefault(series.report, []).append(split)
        for report, splits in by_report.items():
            first = splits[0]
            label = report.granularity.label
            more = len({split.series for split in splits}) - 1
            log.warning(
                "%s%s has one column under two names: %r is the newer one, and %r still has values;"
                " to have them in one, compute them again: reportupdater rerun --report %s"
                " --since %s --until %s",
                first.series.tsv,
                f", and {count(more, 'more TSV')} of {report.name}," if more else "",
                first.new,
                first.old,
                report.name,
                label(min(split.since for split in splits)),
                label(max(split.until for split in splits)),
            )

    def _names(self, series: Series) -> set[str]:
        headers = journal.headers(self._state, series.tsv)
        try:
            place = files.place(self._state.root, series.tsv)
            headers.append(rows.columns(place, series.report.granularity))
        except (TsvError, OSError):
            pass  # the checkpoint reports it
        return {name for header in headers for name in header[1:]}

    def _split(self, series: Series) -> Iterator[Split]:
        newest = self._newest[series]
        pairs = [
            (one, other) if one in newest else (other, one)
            for one, other in prefixes.twins(sorted(self._stored[series]))
            if (one in newest) != (other in newest)
        ]
        if not pairs:
            return
        granularity = series.report.granularity
        try:
            content = rows.read(files.place(self._state.root, series.tsv), granularity)
        except (TsvError, OSError):
            return
        for new, old in pairs:
            if old not in content.header[1:] or new not in content.header[1:]:
                continue
            at = content.header.index(old, 1)
            numbers = [row.number for row in content.rows if row.cells[at]]
            if numbers:
                since = granularity.start(numbers[0])
                yield Split(series, new, old, since, granularity.start(numbers[-1] + 1))
