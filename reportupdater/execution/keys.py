"""Which series has which key in a sink: datapoints of two series under one key overwrite each other."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from reportupdater.config.shared_keys import HINT, overlap
from reportupdater.errors import Problem, TsvError, shown
from reportupdater.execution.revisions import PLAIN, Manner, numbered
from reportupdater.model import Project, Series
from reportupdater.planning.explode import explode
from reportupdater.sinks.base import Made
from reportupdater.sinks.registry import definition
from reportupdater.state import outbox, owners, unsent
from reportupdater.state.database import State
from reportupdater.state.findings import is_gone
from reportupdater.tsv import files, rows


class Keys:
    """Claims keys for series as their datapoints are enqueued, and withholds those that are another's."""

    def __init__(self, state: State, project: Project, manner: Manner = PLAIN) -> None:
        """`manner` is that in which sinks that number revisions get them."""
        self._manner = manner
        self._state = state
        self._project = project
        self._mine: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._configured: dict[str, Series] | None = None

    def claimed(
        self,
        connection: sqlite3.Connection,
        series: Series,
        sink: str,
        destination: str,
        made: Made,
    ) -> Made:
        """Return the datapoints whose keys are of this series, inside a transaction.

        Each has the revision that the sink shall get it as.
        """
        made = self._claimed(connection, series, sink, destination, made)
        if definition(sink).LAST_REVISION is None or not made.points:
            return made
        return numbered(connection, series, sink, self._project.sinks[sink], made, self._manner)

    def _claimed(
        self,
        connection: sqlite3.Connection,
        series: Series,
        sink: str,
        destination: str,
        made: Made,
    ) -> Made:
        mine = self._mine[destination, series.tsv]
        fresh = {point.key for point in made.points} - mine
        if not fresh:  # as nearly always
            return made
        number = self._state.series_id(connection, series.tsv, series.report.name)
        known = outbox.known_keys(connection, destination, number, fresh)
        mine.update(known)
        fresh -= known
        if not fresh:
            return made
        taken = outbox.claim_keys(connection, destination, number, fresh)
        lost = {key: tsv for key, tsv in taken.items() if self._is_live(connection, tsv, series)}
        outbox.take_keys(connection, destination, number, taken.keys() - lost.keys())
        mine.update(fresh - lost.keys())
        if not definition(sink).needs_rows(series.report) and outbox.has_other_keys(
            connection, destination, number, fresh
        ):
            self._note_history(connection, number, sink, series)
        if not lost:
            return made
        key = min(lost)
        what = f"{series} and {lost[key]} have one series key, {shown(key)}"
        problem = Problem(
            what, definition(sink).where(series.report), HINT, report=series.report.name
        )
        points = [point for point in made.points if point.key not in lost]
        return made._replace(points=points, problems=(*made.problems, problem))

    def _note_history(
        self, connection: sqlite3.Connection, number: int, sink: str, series: Series
    ) -> None:
        """Note that the sink lacks older values: a metric has been added since they were sent."""
        granularity = series.report.granularity
        try:
            done = rows.coverage(files.place(self._state.root, series.tsv), granularity)
        except (TsvError, OSError):
            return  # the checkpoint reports it
        if done:
            labels = [
                granularity.label(granularity.start(one))
                for one in (done.runs[0][0], done.runs[-1][1] - 1)
            ]
            unsent.note(connection, [(number, sink, label) for label in labels])

    def _is_live(self, connection: sqlite3.Connection, tsv: str, series: Series) -> bool:
        """Return whether the series of a TSV is still configured, for dates that this one has too."""
        if self._configured is None:
            self._configured = {
                one.tsv: one for report in self._project.reports for one in explode(report)
            }
        other = self._configured.get(tsv)
        if other is not None:
            return overlap(series.report, other.report)
        config = owners.config_of(connection, tsv)
        return (
            config is not None
            and config != str(self._project.config_path.absolute())
            and not (is_gone(config))
        )
