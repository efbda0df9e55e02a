"""The configuration of Graphite: its sections of a project, of host settings and of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.sections import Reading, read_keys
from reportupdater.errors import Problem, Where
from reportupdater.model import Dimension, Report, Series, SinkSettings
from reportupdater.sinks.base import Definition, Made, Reader, Row, Sink
from reportupdater.sinks.graphite import reading
from reportupdater.sinks.graphite.path import url
from reportupdater.sinks.graphite.reading import (
    check_path,
    read_lookups,
    read_metrics,
    unused_lookups,
)
from reportupdater.sinks.shared.datapoints import made
from reportupdater.sinks.shared.naming import Lookups, Metrics, Naming, needs_rows, paths
from reportupdater.sinks.shared.style import METRIC
from reportupdater.sinks.shared.suspects import suspects


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteSettings(SinkSettings):
    """The project's section. `lookups` maps dimension → value → name in metric paths."""

    host: str | None = None
    port: int = 2003
    lookups: Lookups = field(default_factory=dict)

    @property
    def destination(self) -> str | None:
        """The receiver of lines; None if none is named."""
        return None if self.host is None else url(self.host, self.port)


class GraphiteSink(Definition):
    """Graphite."""

    KEYS = reading.KEYS
    PLACEHOLDERS = frozenset({METRIC})
    REPORT_KEYS = reading.REPORT_KEYS

    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the project's section with those of host settings laid over it."""
        keys = Reading(self.KEYS)
        problems: list[Problem] = []
        for one in sections:
            own, found = read_keys(one, self.KEYS, "graphite")
            keys = own.over(keys)
            problems += found
        lookups, wrong = read_lookups(keys, folders)
        problems += wrong
        if problems:
            return None, problems
        return GraphiteSettings(
            host=keys["host"],
            port=keys["port"],
            enabled=keys["enabled"],
            drain_timeout=keys["drain_timeout"],
            new_metrics_warning=keys["new_metrics_warning"],
            lookups=lookups,
        ), []

    def read_report(
        self,
        section: Section,
        owner: str,
        dimensions: Sequence[Dimension],
        settings: SinkSettings | None,
    ) -> tuple[object | None, list[Problem]]:
        """Read a report's section, and check its paths with the values of the dimensions."""
        metrics, problems = read_metrics(section, owner)
        if metrics is not None:
            lookups = settings.lookups if isinstance(settings, GraphiteSettings) else {}
            problems = check_path(metrics, owner, dimensions, lookups)
        return (None if problems else metrics), problems

    def unused(self, section: Section, dimensions: Collection[str]) -> list[Problem]:
        """Warn of lookups for dimensions that no report has."""
        return unused_lookups(section, dimensions)

    def points(
        self, series: Series, settings: SinkSettings, header: Row, rows: Sequence[Row]
    ) -> Made:
        """Return the datapoints of a table's rows."""
        return made(Naming(series, output(series.report), header, lookups_of(settings)), rows)

    def needs_rows(self, report: Report) -> bool:
        """Return whether columns are part of the report's metric paths."""
        return needs_rows(output(report), (dimension.name for dimension in report.dimensions))

    def series_keys(
        self, series: Series, settings: SinkSettings, header: Row = (), rows: Sequence[Row] = ()
    ) -> tuple[list[str], list[Problem]]:
        """Return the metric paths of a series."""
        return paths(series, output(series.report), lookups_of(settings), header, rows)

    def suspects(
        self, reports: Sequence[Report], settings: SinkSettings
    ) -> Iterator[Sequence[Report]]:
        """Yield reports whose path does not keep its values apart, and those that have one path."""
        return suspects(
            reports, {report: output(report) for report in reports}, lookups_of(settings)
        )

    def where(self, report: Report) -> Where:
        """Return the place of the report's path."""
        return output(report).where

    def missing_columns(
        self, series: Series, settings: SinkSettings, header: Row | None
    ) -> Iterator[Problem]:
        """Warn of columns in the path or the metrics that the header, or else the query, lacks."""
        from reportupdater.sinks.shared.columns import not_in_header, not_in_query

        metrics = output(series.report)
        if header is None:
            return not_in_query(series, metrics)
        return not_in_header(series, metrics, header, lookups_of(settings))

    def partly_named(self, report: Report, settings: SinkSettings) -> dict[str, list[str]]:
        """Return the values in the path that a lookup lacks which has others."""
        used = {placeholder.name for placeholder in output(report).path.placeholders}
        lacking: dict[str, list[str]] = {}
        for dimension in report.dimensions:
            lookup = lookups_of(settings).get(dimension.name)
            if lookup and dimension.name in used:
                values = [value for value in dimension.values if value not in lookup]
                if values:
                    lacking[dimension.name] = values
        return lacking

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """Return the render API at `url`, which no setting names."""
        from reportupdater.sinks.graphite.render import RenderApi

        return RenderApi(url) if url else None

    def sink(self, settings: SinkSettings) -> Sink:
        """Return a client for the receiver of lines."""
        from reportupdater.sinks.graphite.sink import Graphite

        assert isinstance(settings, GraphiteSettings)
        assert settings.host is not None
        return Graphite(settings.host, settings.port)


def output(report: Report) -> Metrics:
    """Return the report's metrics; it must have a section."""
    metrics = report.outputs["graphite"]
    assert isinstance(metrics, Metrics)
    return metrics


def lookups_of(settings: SinkSettings) -> Lookups:
    """Return the lookups of the settings."""
    assert isinstance(settings, GraphiteSettings)
    return settings.lookups
