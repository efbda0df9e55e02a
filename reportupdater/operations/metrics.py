"""The series keys that a project can make in each sink, and which were never sent before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution.select import Selected, Source, meant, select
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
    """Of which project the series keys are listed."""

    output: Path | None = None
    """The folder of the TSVs. Without it, or where it has no state, all keys count as new."""
    sink: str | None = None
    """The one sink that is meant; None for all."""


@dataclass(frozen=True, slots=True)
class SinkMetrics:
    """The series keys of one sink."""

    sink: str
    destination: str | None
    new: tuple[str, ...]
    """Those never sent before."""
    sent: tuple[str, ...]
    gone: tuple[str, ...]
    """Those that were sent before, and that the configuration no longer makes."""
    unknown: tuple[str, ...]
    """Reports whose keys are in the TSVs alone, and no output folder was given."""
    cost: str
    """What the new ones mean for the receiver; empty where that is nothing."""
    warning: str


@dataclass(frozen=True, slots=True)
class Metrics:
    """The series keys of all sinks, and what kept others from being listed."""

    sinks: tuple[SinkMetrics, ...]
    troubles: tuple[str, ...]
    is_valid: bool
    """Whether the configuration has no error."""
    stopped: None = None

    @property
    def is_good(self) -> bool:
        """Whether all of them are listed."""
        return self.is_valid and not self.troubles


def metrics(request: MetricsRequest) -> Metrics:
    """Return every series key that a project can make. Nothing is written.

    Raises UsageError, StateError.
    """
    selected = select(request)
    project, output, summary = selected.project, request.output, selected.summary()
    wanted = {
        name: settings
        for name, settings in meant(project, request.sink).items()
        if any(name in report.outputs for report in selected.reports)
    }
    if not wanted:
        hint = f"needed are a report with a part for a sink, and the project's part for it: {NAMES}"
        raise UsageError(f"{project.config_path}: there are no metrics", hint=hint)
    if output is not None:
        needed(output)
    found = [
        _of_sink(selected, name, settings, output, summary) for name, settings in wanted.items()
    ]
    return Metrics(tuple(found), tuple(summary.troubles), is_valid=not selected.errors)


def _of_sink(
    selected: Selected, name: str, settings: SinkSettings, output: Path | None, summary: Summary
) -> SinkMetrics:
    keys: dict[str, None] = {}  # in the order of the configuration
    unknown: list[str] = []
    for report in selected.reports:
        if name not in report.outputs:
            continue
        if output is None and definition(name).needs_rows(report):
            unknown.append(report.name)
            continue
        for series in explode(report):
            keys |= dict.fromkeys(_keys(series, name, settings, output, summary))
    known: set[str] = set()
    if output is not None and settings.destination is not None:
        known = outbox.sent_metrics(output, settings.destination)
    new = tuple(key for key in keys if key not in known)
    # What other reports and projects make is theirs.
    is_whole = len(selected.reports) == len(selected.project.names) and not summary.troubles
    theirs = _of_others(selected, output, settings) if is_whole and known else known
    return SinkMetrics(
        name,
        settings.destination,
        new,
        tuple(key for key in keys if key in known),
        tuple(sorted(known - keys.keys() - theirs)),
        tuple(unknown),
        definition(name).cost_of_new(len(new)),
        definition(name).warning_of_new(settings, len(new)),
    )


def _of_others(selected: Selected, output: Path | None, settings: SinkSettings) -> set[str]:
    """Return the keys of series that another project keeps in the folder."""
    assert output is not None
    config = str(selected.project.config_path.absolute())
    return outbox.keys_of_others(output, str(settings.destination), config)


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
