"""The metric paths that a project can make, and which were never sent before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution.select import Source, select
from reportupdater.execution.summary import Summary
from reportupdater.model import Series, SinkSettings
from reportupdater.planning.explode import explode
from reportupdater.sinks.registry import NAMES, definition
from reportupdater.state import outbox
from reportupdater.tsv import files
from reportupdater.tsv.listing import needed
from reportupdater.tsv.rows import Content, read


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsRequest(Source):
    """Of which project the metric paths are listed."""

    output: Path | None = None
    """The folder of the TSVs. Without it, or where it has no state, all paths count as new."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metric paths, those never sent before apart, and what kept others from being listed."""

    limit: int
    """More new ones are worth a warning."""
    new: tuple[str, ...]
    sent: tuple[str, ...]
    unknown: tuple[str, ...]
    """Reports whose paths are in the TSVs alone, and no output folder was given."""
    troubles: tuple[str, ...]
    is_valid: bool
    """Whether the configuration has no error."""
    stopped: None = None

    @property
    def is_good(self) -> bool:
        """Whether all of them are listed."""
        return self.is_valid and not self.troubles


def metrics(request: MetricsRequest) -> Metrics:
    """Return every metric path that a project can make. Nothing is written.

    Raises UsageError, StateError.
    """
    selected = select(request)
    project, output, summary = selected.project, request.output, selected.summary()
    reports = [report for report in selected.reports if report.outputs]
    if not reports or not project.sinks:
        hint = f"needed are a report with a part for a sink, and the project's part for it: {NAMES}"
        raise UsageError(f"{project.config_path}: there are no metrics", hint=hint)
    if output is not None:
        needed(output)
    new: list[str] = []
    sent: list[str] = []
    unknown: list[str] = []
    for name, settings in project.sinks.items():
        keys: dict[str, None] = {}  # in the order of the configuration
        for report in reports:
            if name not in report.outputs:
                continue
            if output is None and definition(name).needs_rows(report):
                unknown.append(report.name)
                continue
            for series in explode(report):
                keys |= dict.fromkeys(_keys(series, name, settings, output, summary))
        known = _sent(settings, output)
        for key in keys:
            (sent if key in known else new).append(key)
    return Metrics(
        min(settings.new_metrics_warning for settings in project.sinks.values()),
        tuple(new),
        tuple(sent),
        tuple(unknown),
        tuple(summary.troubles),
        is_valid=not selected.errors,
    )


def _keys(
    series: Series, name: str, settings: SinkSettings, output: Path | None, summary: Summary
) -> list[str]:
    report = series.report
    content = Content()
    if output is not None:
        try:
            place = files.place(files.opened(output), series.tsv)
            content = read(place, report.granularity)
        except (TsvError, OSError) as error:
            what = f"{series.tsv}: {error_text(error)}"
            summary.troubles.add(report.name, what)
            return []
    if not content.header and definition(name).needs_rows(report):
        return []  # nothing is computed yet
    rows = [row.cells for row in content.rows]
    keys, problems = definition(name).series_keys(series, settings, content.header, rows)
    for problem in problems:
        summary.troubles.add(report.name, str(problem), values=series.values)
    return keys


def _sent(settings: SinkSettings, output: Path | None) -> set[str]:
    if output is None or settings.destination is None:
        return set()
    return outbox.sent_metrics(output, settings.destination)
