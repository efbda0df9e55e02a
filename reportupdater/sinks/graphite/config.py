"""The configuration of Graphite: its sections of a project, of host settings and of a report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.sections import read_layers
from reportupdater.errors import Problem
from reportupdater.model import Dimension, Report, SinkSettings
from reportupdater.sinks.base import Reader
from reportupdater.sinks.graphite import reading
from reportupdater.sinks.graphite.path import STYLE, url
from reportupdater.sinks.graphite.reading import (
    check_path,
    read_lookups,
    read_metrics,
    unused_lookups,
)
from reportupdater.sinks.shared.naming import Lookups
from reportupdater.sinks.shared.templated import Templated

if TYPE_CHECKING:
    from reportupdater.sinks.client import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteSettings(SinkSettings):
    """The project's section. `lookups` maps dimension → value → name in metric paths."""

    host: str | None = None
    port: int = 2003
    new_metrics_warning: int = 50
    """More metric paths than this that were never sent before are worth a warning."""
    lookups: Lookups = field(default_factory=dict)

    @property
    def destination(self) -> str | None:
        """The receiver of lines; None if none is named."""
        return None if self.host is None else url(self.host, self.port)


class GraphiteSink(Templated):
    """Graphite."""

    STYLE = STYLE
    KEYS = reading.KEYS
    REPORT_KEYS = reading.REPORT_KEYS

    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the project's section with those of host settings laid over it."""
        keys, problems = read_layers(sections, self.KEYS, "graphite")
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

    def lookups(self, settings: SinkSettings) -> Lookups:
        """Return the lookups of the settings."""
        assert isinstance(settings, GraphiteSettings)
        return settings.lookups

    def partly_named(self, report: Report, settings: SinkSettings) -> dict[str, list[str]]:
        """Return the values in the path that a lookup lacks which has others."""
        used = {placeholder.name for placeholder in self.output(report).path.placeholders}
        lacking: dict[str, list[str]] = {}
        for dimension in report.dimensions:
            lookup = self.lookups(settings).get(dimension.name)
            if lookup and dimension.name in used:
                values = [value for value in dimension.values if value not in lookup]
                if values:
                    lacking[dimension.name] = values
        return lacking

    def warning_of_new(self, settings: SinkSettings, new: int) -> str:
        """Return that carbon makes so many files a minute."""
        assert isinstance(settings, GraphiteSettings)
        most = settings.new_metrics_warning
        if new <= most:
            return ""
        return (
            f"{new:,} new metrics are more than {most:,}: carbon creates MAX_CREATES_PER_MINUTE files a"
            " minute (50 by default) and drops the points of all further new metrics silently; have it"
            " raised, or repeat `verify --resend` until nothing is missing"
        )

    def cost_of_new(self, new: int) -> str:
        """Return how many files that is."""
        return f"Graphite will have to create {new:,} files"

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
