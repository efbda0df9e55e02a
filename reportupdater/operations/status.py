"""The status of an output folder: of its reports, and of the last runs. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from reportupdater.errors import Severity, UsageError, nearest
from reportupdater.execution.clock import utcnow
from reportupdater.execution.select import Source, no_report
from reportupdater.model import Project
from reportupdater.operations.report_status import ReportStatus, of_folder, of_project
from reportupdater.planning.explode import Only
from reportupdater.spelling import normal
from reportupdater.state import findings, survey
from reportupdater.state.survey import Survey
from reportupdater.terminal.wording import count
from reportupdater.tsv import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """Of which folder the status is wanted."""

    output: Path
    now: datetime = field(default_factory=utcnow)
    """In UTC."""
    source: Source | None = None
    """The project, if it is given: only with it is known what is missing at either end."""
    reports: tuple[str, ...] = ()
    """Names; empty means all."""
    only: Only = field(default_factory=dict)
    """The series that are wanted."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "output", Path(self.output))


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The reports that are asked for, the ones in trouble first."""

    output: Path
    at: datetime
    survey: Survey
    project: Path | None
    """The configuration, where it was given."""
    reports: tuple[ReportStatus, ...]
    troubles: tuple[str, ...]
    """What is wrong apart from single reports."""
    others: tuple[str, ...]
    """Reports of the folder that the project does not have."""
    stopped: None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing needs attention."""
        return not (self.troubles or any(report.in_trouble for report in self.reports))


def status(request: StatusRequest) -> Status:
    """Return the status of an output folder. Raises UsageError."""
    output, only = request.output, request.only
    listing.needed(output)
    try:
        stored = listing.reports(output)
    except OSError as error:
        raise UsageError(f"{output} cannot be read: {error.strerror}") from None
    known = survey.survey(output)
    project: Project | None = None
    others: list[str] = []
    if request.source is not None:
        project = request.source.load()
        everything = list(project.names)
        others = sorted(set(stored).difference(everything))
        of = partial(of_project, project, known=known, output=output, now=request.now)
    else:
        everything = sorted({*stored, *known.records, *known.reports})
        of = partial(of_folder, known=known, output=output)
    for name in request.reports:
        if name not in everything:
            if project is not None:
                raise no_report(project, name, everything)
            raise UsageError(f"{output} has no report {name!r}", hint=nearest(name, everything))

    @cache
    def status_of(name: str) -> ReportStatus:
        return _narrowed(of(name), only)

    found = [
        status_of(name) for name in everything if not request.reports or name in request.reports
    ]
    reports = tuple(
        report
        for report in sorted(found, key=lambda report: not report.in_trouble)
        if report.series or not only
    )
    if only and not reports:
        wanted = ", ".join(f"{name}={value}" for name in only for value in sorted(only[name]))
        raise UsageError(f"{output}: no series has {wanted}")

    def in_trouble() -> bool:
        return any(status_of(name).in_trouble for name in everything)

    return Status(
        output=output,
        at=request.now,
        survey=known,
        project=project.config_path if project else None,
        reports=reports,
        troubles=(
            *([f"{known.why}: not all could be looked at"] if known.why else []),
            *_of_configuration(project),
            *(
                f"{one.config}: a run failed before it had a result, at {one.at}: {one.error}"
                for one in known.failed_starts
                if not findings.is_gone(one.config) or one.config not in known.runs
            ),
            *_of_runs(known, in_trouble),
            *_of_destinations(known, output),
            *(
                f"{count(many, 'result')} of {name} held: they failed a check"
                for name, many in known.held_counts.items()
            ),
            *(f"the state holds {line}" for line in known.ignored.lines()),
        ),
        others=tuple(others),
    )


def _narrowed(report: ReportStatus, only: Only) -> ReportStatus:
    if not only:
        return report
    series = tuple(
        one
        for one in report.series
        if all(normal(one.dimensions.get(name, "")) in values for name, values in only.items())
    )
    tsvs = {one.tsv for one in series}
    held = tuple(one for one in report.held if one.tsv in tsvs)
    return replace(report, series=series, held=held)


def _of_configuration(project: Project | None) -> list[str]:
    """Return the errors in the configuration that are of no single report."""
    return [
        str(problem)
        for problem in (project.problems if project else ())
        if problem.severity is Severity.ERROR and problem.report is None
    ]


def _of_destinations(known: Survey, output: Path) -> Iterator[str]:
    """Yield the destinations for which datapoints wait, and that no configuration names any more."""
    runs = [run for config, run in known.runs.items() if not findings.is_gone(config)]
    if not all(isinstance(run.get("destinations"), list) for run in runs):
        return  # a run of an older version has not said which it has
    named = {destination for run in runs for destination in run["destinations"]}
    for destination, waiting in known.undelivered.items():
        if destination not in named:
            yield (
                f"{count(waiting, 'datapoint')} of {destination} pending, which no configuration"
                f" names: `reportupdater forget {output} --destination {destination}` drops"
                f" {'it' if waiting == 1 else 'them'}"
            )


def _of_runs(known: Survey, in_trouble: Callable[[], bool]) -> list[str]:
    """Return what the last runs met that belongs to no report."""
    troubles = []
    for config, run in known.runs.items():
        waiting = run.get("datapoints_waiting")
        if waiting and known.undelivered:
            troubles.append(f"{config}: its last run could not send {waiting:,} datapoints")
        if findings.is_gone(config):
            continue
        errors = run.get("errors_in_configuration")
        if errors and not in_trouble():
            met = count(errors, "error")
            troubles.append(f"{config}: its last run met {met} in the configuration")
        # What it may not work on is noted for another configuration, or not at all.
        said = [*run.get("failures", ()), *run.get("troubles", ())]
        if said and not any(one.error and one.config == config for one in known.records.values()):
            troubles.append(f"{config}: its last run met: {said[0]}")
    return troubles
