"""The metric paths that a project can make, and which of them Graphite has never got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reportupdater.config.load import load_project
from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution import select
from reportupdater.execution.summary import Summary
from reportupdater.model import Series, SinkSettings
from reportupdater.planning.explode import explode
from reportupdater.sinks.registry import definition
from reportupdater.state import outbox
from reportupdater.tsv import files
from reportupdater.tsv import rows as tsv
from reportupdater.tsv.listing import needed


@dataclass(slots=True)
class Listing:
    """Metric paths, those never sent before apart, and what kept others from being listed."""

    limit: int
    """More new ones are worth a warning."""
    new: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Reports whose paths are in the TSVs alone, and no output folder was given."""
    troubles: list[str] = field(default_factory=list)
    is_valid: bool = True
    """Whether the configuration has no error."""


def listing(
    folder: Path,
    output: Path | None,
    *,
    config_path: Path | None = None,
    host_files: Sequence[Path] = (),
    reports: Sequence[str] = (),
) -> Listing:
    """Every metric path that a project can make. Nothing is written.

    Without an output folder, or where it has no state, all of them count as new. Raises UsageError,
    StateError.
    """
    project = load_project(folder, config_path, host_files=host_files)
    summary = Summary()
    chosen = [r for r in select.chosen(project, reports, summary) if r.outputs]
    if not chosen or not project.sinks:
        hint = "a report with a `graphite` part and a `graphite` part of the project are needed"
        raise UsageError(f"{project.config_path}: there are no metrics", hint=hint)
    if output is not None:
        needed(output)
    limit = min(settings.new_metrics_warning for settings in project.sinks.values())
    found = Listing(limit, is_valid=not summary.invalid)
    for name, settings in project.sinks.items():
        keys: dict[str, None] = {}  # in the order of the configuration
        for report in chosen:
            if name not in report.outputs:
                continue
            if output is None and definition(name).needs_rows(report):
                found.unknown.append(report.name)
                continue
            for series in explode(report):
                keys |= dict.fromkeys(_keys(series, name, settings, output, summary))
        sent = _sent(settings, output)
        for key in keys:
            (found.sent if key in sent else found.new).append(key)
    found.troubles += summary.troubles
    return found


def _keys(
    series: Series, name: str, settings: SinkSettings, output: Path | None, summary: Summary
) -> list[str]:
    report = series.report
    content = tsv.Content()
    if output is not None:
        try:
            place = files.place(files.opened(output), series.tsv)
            content = tsv.read(place, report.granularity)
        except (TsvError, OSError) as error:
            summary.troubles.add(report.name, f"{series.tsv}: {error_text(error)}")
            return []
    if not content.header and definition(name).needs_rows(report):
        return []  # nothing is computed yet
    rows = [row.cells for row in content.rows]
    keys, problems = definition(name).series_keys(series, settings, content.header, rows)
    for problem in problems:
        summary.troubles.add(report.name, str(problem))
    return keys


def _sent(settings: SinkSettings, output: Path | None) -> set[str]:
    if output is None or settings.destination is None:
        return set()
    return outbox.sent_metrics(output, settings.destination)
