"""The columns that metrics and their paths need, looked for where a result may have them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from reportupdater.errors import Problem, Severity, similar
from reportupdater.model import Series
from reportupdater.sinks.base import Row
from reportupdater.sinks.shared.naming import METRIC, Lookups, Metrics, Naming
from reportupdater.template import time_values

_COMMENT = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
_ALL_COLUMNS = re.compile(r"(?:\bSELECT(?:\s+(?:DISTINCT|ALL))?|,|\.)\s*\*", re.IGNORECASE)


def not_in_header(
    series: Series, metrics: Metrics, header: Row, lookups: Lookups
) -> Iterator[Problem]:
    """Yield a warning for each column that the rows stored so far do not have."""
    for problem in Naming(series, metrics, header, lookups).problems:
        hint = f"so it is in {series.tsv}" + (f"; {problem.hint}" if problem.hint else "")
        yield replace(problem, hint=hint, severity=Severity.WARNING)


def not_in_query(series: Series, metrics: Metrics) -> Iterator[Problem]:
    """Yield a problem for each column that the query never mentions: an error where a dimension is meant.

    Nothing is said of scripts, nor where the query takes all columns of something.
    """
    report = series.report
    query = report.template
    if query is None:
        return
    interval = report.granularity.interval(report.granularity.number(report.starts))
    text = query.render({**time_values(interval, report.granularity), **series.dimensions})
    text = _COMMENT.sub(lambda match: match[1] or " ", text)
    if _ALL_COLUMNS.search(text):
        return
    in_path = (
        {part.name for part in metrics.path.placeholders} - {METRIC} - series.dimensions.keys()
    )
    wanted = [(column, repr(metrics.style.KEY)) for column in sorted(in_path)]
    wanted += [(column, f"{metric!r} of 'metrics'") for metric, column in metrics.columns.items()]
    for column, key in wanted:
        if not re.search(rf"(?<!\w){re.escape(column)}(?!\w)", text, re.IGNORECASE):
            what = f"{key} of {metrics.style.SECTION} of report {report.name!r} takes the column {column!r}"
            what += ", which its query never mentions"
            hint, severity = f"{report.execute} must select it", Severity.WARNING
            if column in in_path:
                hint += ", or its rows cannot be distinguished"
                meant = similar(column, series.dimensions)
                if meant:
                    hint, severity = f"did you mean {{{meant}}}?", Severity.ERROR
            yield Problem(what, metrics.where, hint, severity, report.name)
