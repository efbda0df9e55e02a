"""Select what a command is about: a project, its reports, its series, the sinks it sends to."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from reportupdater.config.host import default_host_files
from reportupdater.config.load import CONFIG_NAME, load_project
from reportupdater.errors import Severity, UsageError, Where, nearest
from reportupdater.execution.summary import Summary
from reportupdater.model import Project, Report, SinkSettings
from reportupdater.planning.explode import Only, explode
from reportupdater.sinks.registry import SINKS
from reportupdater.spelling import normal
from reportupdater.terminal.log import log_problems
from reportupdater.tsv import files, folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which project is read, from which files, and which of its reports and series are meant."""

    project: Path
    """Its folder."""
    config_path: Path | None = None
    """Another file than the `config.yaml` in it."""
    host_files: tuple[Path, ...] | None = None
    """Host settings, each laid over the one before; None for those of this machine and user."""
    reports: tuple[str, ...] = ()
    """Names; empty means all."""
    only: Only = field(default_factory=dict)
    """Dimension → the values that are wanted; a dimension that is not there may have any."""
    jobs: int = 2
    """Scripts at once."""

    def __post_init__(self) -> None:
        # Notebooks give texts.
        object.__setattr__(self, "project", Path(self.project))
        if self.config_path is not None:
            object.__setattr__(self, "config_path", Path(self.config_path))

    @property
    def config(self) -> Path:
        """The file of the configuration."""
        return self.config_path or self.project / CONFIG_NAME

    @property
    def hosts(self) -> tuple[Path, ...]:
        """The files of host settings."""
        return default_host_files() if self.host_files is None else self.host_files

    def load(self) -> Project:
        """Return the whole project. Raises UsageError where it cannot be read."""
        return load_project(self.project, self.config_path, jobs=self.jobs, host_files=self.hosts)


class Selected(NamedTuple):
    """A project, and those of its valid reports that are meant."""

    project: Project
    reports: tuple[Report, ...]
    errors: tuple[str, ...]
    """What is wrong with the configuration of what was meant; it has been logged."""

    @property
    def contacts(self) -> Mapping[str, str]:
        """Report → its contact."""
        return {report.name: report.contact for report in self.project.reports}

    def check_any(self) -> None:
        """Raise UsageError where no report is left."""
        if not self.reports:
            where = Where(str(self.project.config_path))
            raise UsageError("no report could be loaded", where=where)

    def summary(self) -> Summary:
        """Return a summary that begins with what is wrong with the configuration."""
        summary = Summary()
        self.begin(summary)
        return summary

    def begin(self, summary: Summary) -> None:
        """Note the errors and contacts in a summary."""
        summary.configuration, summary.contacts = self.errors, self.contacts
        summary.destinations = [
            str(settings.destination)
            for settings in self.project.sinks.values()
            if settings.destination is not None
        ]


def select(source: Source) -> Selected:
    """Load a project, log what is wrong with what is meant, and select the valid reports.

    Raises UsageError for the name of a report, of a dimension, or a value that the project does not
    have.
    """
    return narrowed(source.load(), source)


def narrowed(project: Project, source: Source) -> Selected:
    """Select the valid reports of a loaded project, and log what is wrong with what is meant."""
    names, only = source.reports, source.only
    for name in names:
        if name not in project.names:
            raise no_report(project, name, project.names)
    problems = [
        problem
        for problem in project.problems
        if not names or problem.report is None or problem.report in names
    ]
    log_problems(problems)
    errors = [str(problem) for problem in problems if problem.severity is Severity.ERROR]
    reports = [report for report in project.reports if not names or report.name in names]
    if only and reports:
        _check_only(project, reports, only)
        reports = [report for report in reports if explode(report, only)]
    return Selected(project, tuple(reports), tuple(errors))


def no_report(project: Project, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a report that a project does not have, and log what may be why.

    Of a configuration that cannot be read no report is known.
    """
    log_problems(
        problem
        for problem in project.problems
        if problem.report is None and problem.severity is not Severity.NOTICE
    )
    return UsageError(f"{project.config_path} has no report {name!r}", hint=nearest(name, known))


def _check_only(project: Project, reports: Sequence[Report], only: Only) -> None:
    values: dict[str, set[str]] = {}
    for report in reports:
        for dimension in report.dimensions:
            values.setdefault(dimension.name, set()).update(map(normal, dimension.values))
    for name, wanted in only.items():
        if name not in values:
            what = f"{project.config_path}: no report has a dimension {name!r}"
            raise UsageError(what, hint=nearest(name, values))
        for value in sorted(wanted - values[name]):
            what = f"{project.config_path}: dimension {name!r} has no value {value!r}"
            raise UsageError(what, hint=nearest(value, values[name]))


def made(output: Path) -> Path:
    """Return the output folder, made if it is missing. Raises UsageError."""
    try:
        folder.make(str(output))
    except OSError as error:
        raise UsageError(
            f"this cannot be the output folder: {error.strerror}",
            where=Where(str(output)),
            hint=files.remedy(error),
        ) from None
    return output


def sinks(
    project: Project, reports: Sequence[Report], asked: bool | None, only: str | None = None
) -> dict[str, SinkSettings]:
    """Return the sinks that a run enqueues datapoints for and sends to, each with a destination.

    `asked` is what the command line says. A terminal means that someone is trying something, so
    nothing is sent from there unless the command line or the host's settings say so. Where no
    report makes datapoints, pending ones of earlier runs are sent: their report may be gone.
    `only` is the one sink that is meant.
    """
    if asked is False:
        return {}
    return {
        name: settings
        for name, settings in meant(project, only).items()
        if _is_used(project, name, settings, any(name in r.outputs for r in reports), asked)
    }


def meant(project: Project, only: str | None) -> dict[str, SinkSettings]:
    """Return the settings of a project's sinks, or of the one that is meant.

    Raises UsageError where it has no further destination of such a name.
    """
    if only is not None and only not in SINKS and only not in project.sinks:
        raise UsageError(
            f"{project.config_path}: there is no {only!r} that datapoints go to",
            hint=nearest(only, project.sinks) or f"these are: {', '.join(project.sinks) or 'none'}",
        )
    return {name: settings for name, settings in project.sinks.items() if only in (None, name)}


def switched_off(project: Project) -> set[str]:
    """Return the sinks that the settings keep from getting anything."""
    return {name for name, settings in project.sinks.items() if settings.enabled is False}


def _is_used(
    project: Project, name: str, settings: SinkSettings, wanted: bool, asked: bool | None
) -> bool:
    if settings.destination is None:
        if wanted:
            log.warning(
                "%s: `%s` names no receiver: datapoints are neither sent nor kept for later;"
                " `reportupdater resend` sends them once it does",
                project.config_path,
                name,
            )
        return False
    if settings.enabled is False:
        log.info("no datapoints are sent from this host: its settings say `enabled: false`")
        return False
    if not asked and not settings.enabled and sys.stdin is not None and sys.stdin.isatty():
        if wanted and name in SINKS:  # said once for all its destinations
            log.warning(
                "no datapoints are sent from a terminal unless --send is given;"
                " `reportupdater resend` sends them later"
            )
        return False
    return True
