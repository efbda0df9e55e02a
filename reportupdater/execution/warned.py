"""What servers warn of, and what a run makes of it."""

from __future__ import annotations

import os

from reportupdater.execution.outcome import Answer
from reportupdater.execution.summary import Summary
from reportupdater.model import Meaning, Series, ServerWarning
from reportupdater.state.database import State


class Warned:
    """Counts what servers warn of: remarks, time zones that were not chosen."""

    def __init__(self, state: State, summary: Summary) -> None:
        self._state = state
        self._summary = summary
        self._zones: dict[Series, bool] = {}
        self._databases: set[str] = set()

    def note(self, answer: Answer) -> None:
        """Take in the warnings of a result, before it is merged into its TSV."""
        report = answer.task.series.report
        for warning in answer.warnings:
            about, example = report.name, str(answer.task)
            kind = str(warning.code)
            if warning.meaning is Meaning.ZONE:
                self._note_zone(answer.task.series, warning)
            elif warning.meaning is not Meaning.CUT:  # which a check is for
                self._summary.remarks.add(about, str(warning), example, kind=kind)

    def _note_zone(self, series: Series, warning: ServerWarning) -> None:
        """Warn, once for each database, where rows of a TSV may have been computed in another zone."""
        name = series.report.database.name
        if name in self._databases or series in self._zones:
            return
        self._zones[series] = is_old = os.path.lexists(self._state.output / series.tsv)
        if is_old:
            self._databases.add(name)
            self._summary.warnings.add(
                f"database {name}",
                f"the server's time zone is {warning.text} and queries see UTC: rows stored before may be"
                " of the server's zone (let the database's entry say `time_zone: server`, or"
                " `time_zone: +00:00` for UTC)",
            )
