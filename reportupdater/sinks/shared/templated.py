"""A sink whose series keys are made of a template: all of a definition but its keys and its client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from reportupdater.errors import Problem, Where
from reportupdater.model import Report, Series, SinkSettings
from reportupdater.sinks.base import Definition, Made, Row
from reportupdater.sinks.shared.naming import (
    METRIC,
    Lookups,
    Metrics,
    Naming,
    Style,
    needs_rows,
    paths,
)
from reportupdater.sinks.shared.suspects import suspects


class Templated(Definition):
    """A sink whose reports' output is `Metrics`."""

    STYLE: ClassVar[Style]
    PLACEHOLDERS = frozenset({METRIC})

    def lookups(self, settings: SinkSettings) -> Lookups:
        """Return dimension → value → its name in series keys."""
        return {}

    def output(self, report: Report) -> Metrics:
        """Return the report's metrics; it must have a section."""
        metrics = report.outputs[self.STYLE.SECTION]
        assert isinstance(metrics, Metrics)
        return metrics

    def points(
        self, series: Series, settings: SinkSettings, header: Row, rows: Sequence[Row]
    ) -> Made:
        """Return the datapoints of a table's rows."""
        from reportupdater.sinks.shared.datapoints import made  # not where nothing is due

        lookups = self.lookups(settings)
        return made(Naming(series, self.output(series.report), header, lookups), rows)

    def needs_rows(self, report: Report) -> bool:
        """Return whether columns are part of the report's series keys."""
        return needs_rows(self.output(report), (dimension.name for dimension in report.dimensions))

    def series_keys(
        self, series: Series, settings: SinkSettings, header: Row = (), rows: Sequence[Row] = ()
    ) -> tuple[list[str], list[Problem]]:
        """Return the keys of a series."""
        return paths(series, self.output(series.report), self.lookups(settings), header, rows)

    def suspects(
        self, reports: Sequence[Report], settings: SinkSettings
    ) -> Iterator[Sequence[Report]]:
        """Yield reports whose template does not keep its values apart, and those that have one template."""
        outputs = {report: self.output(report) for report in reports}
        return suspects(reports, outputs, self.lookups(settings))

    def where(self, report: Report) -> Where:
        """Return the place of the report's template."""
        return self.output(report).where

    def missing_columns(
        self, series: Series, settings: SinkSettings, header: Row | None
    ) -> Iterator[Problem]:
        """Warn of columns in the template or the metrics that the header, or else the query, lacks."""
        from reportupdater.sinks.shared.columns import not_in_header, not_in_query

        metrics = self.output(series.report)
        if header is None:
            return not_in_query(series, metrics)
        return not_in_header(series, metrics, header, self.lookups(settings))
