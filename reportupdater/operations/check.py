"""Problems of a project that can be found without a database, beyond those of loading it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from reportupdater.config.effective import Effective, read_effective
from reportupdater.config.shared_keys import shared
from reportupdater.configfile.files import missing_hint
from reportupdater.configfile.sections import ALL
from reportupdater.engines import registry
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.execution.select import Source
from reportupdater.model import (
    Project,
)
from reportupdater.operations.check_report import (
    Places,
    _columns,
    _dates,
    _delaying_schedule,
    _headers,
    _names_in_lookups,
    _too_old_at_birth,
    _unused_dimensions,
)
from reportupdater.operations.check_stored import check_stored
from reportupdater.sinks.registry import SINKS, definition
from reportupdater.state import reruns
from reportupdater.tsv.listing import needed


@dataclass(frozen=True, slots=True)
class Examined:
    """A project, and all that is wrong or worth knowing, in the order of its files."""

    project: Project
    problems: tuple[Problem, ...]

    def count(self, severity: Severity) -> int:
        """Return how many of that severity."""
        return sum(problem.severity is severity for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What shall be checked."""

    sources: tuple[Source, ...]
    """The projects; of several, files that they share are reported too."""
    now: datetime
    """In UTC."""
    output: Path | None = None
    """The folder of the TSVs, whose headers then count too, and whose rows must pass the checks."""
    strict: bool = False
    """Whether a warning fails too."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Each project with its problems."""

    projects: tuple[Examined, ...]
    strict: bool
    stopped: None = None

    def count(self, severity: Severity) -> int:
        """Return how many problems of that severity all projects have."""
        return sum(one.count(severity) for one in self.projects)

    @property
    def is_good(self) -> bool:
        """Whether there is no error; where it was asked to be strict, no warning either."""
        return not self.count(Severity.ERROR) and not (self.strict and self.count(Severity.WARNING))


def check(request: CheckRequest) -> Checked:
    """Return what is wrong or worth knowing. Nothing is written, and no network is used.

    Raises UsageError where there is no project.
    """
    if request.output is not None:
        needed(request.output)
    projects = [source.load() for source in request.sources]
    clashes = _shared_files(projects)
    examined = []
    reported: set[Problem] = set()  # host settings are reported with the first project alone
    for source, project, found in zip(request.sources, projects, clashes, strict=True):
        effective = read_effective(source.project, source.config_path, source.hosts)
        further = [*found, *_of_project(project, effective, request.output, request.now)]
        own = str(project.config_path)
        fresh = [p for p in dict.fromkeys([*project.problems, *further]) if p not in reported]
        reported.update(fresh)
        problems = sorted(fresh, key=lambda problem: _place(problem, own))
        examined.append(Examined(project, tuple(problems)))
    return Checked(tuple(examined), request.strict)


def _place(problem: Problem, first_path: str) -> tuple[bool, Where]:
    where = problem.where or Where("")
    return where.path != first_path, where


def _of_project(
    project: Project, effective: Effective, output: Path | None, now: datetime
) -> Iterator[Problem]:
    yield from _unused_databases(project, effective)
    yield from _missing_files(project, effective)
    yield from _no_receiver(project, effective)
    yield from _shared_paths(project)
    yield from _rerun_files(project)
    for report in project.reports:
        places = Places(effective, report)
        yield from _dates(report, places, now)
        yield from _delaying_schedule(report, places, now)
        engine = registry.definition(report.database.engine)
        owner, where = f"report {report.name!r}", places.key("execute")
        for problem in engine.check_query(report.execute, where, owner):
            yield replace(problem, report=report.name)
        yield from _unused_dimensions(report, places)
        yield from _names_in_lookups(report, project, places)
        yield from _too_old_at_birth(report, project, places)
        headers, damaged = _headers(report, output)
        yield from damaged
        if output is not None:
            yield from check_stored(report, places, output)
        for name, settings in project.sinks.items():
            if name in report.outputs and name in SINKS:
                yield from _columns(report, definition(name), settings, headers)


# What concerns the whole project


def _shared_files(projects: Sequence[Project]) -> list[list[Problem]]:
    """For each project, a warning where a report has the TSV of one of an earlier project.

    Only one output folder for both would make that matter.
    """
    first: dict[str, tuple[Project, str]] = {}
    problems: list[list[Problem]] = []
    for project in projects:
        found = []
        places = {report.name: report.where for report in project.reports}
        for name in project.names:
            other, their_name = first.setdefault(name.casefold(), (project, name))
            if other is not project:
                what = (
                    f"report {name!r} has the same files as {their_name!r} of {other.config_path}"
                )
                hint = "in one output folder only one of them could run; rename one"
                where = places.get(name, Where(str(project.config_path)))
                found.append(Problem(what, where, hint, Severity.WARNING, name))
        problems.append(found)
    return problems


def _shared_paths(project: Project) -> Iterator[Problem]:
    """Yield an error for each report whose datapoints those of another series would take the place of.

    A run finds the likely ones when it loads the project, and the others when it commits them.
    """
    for name, settings in project.sinks.items():
        if name not in SINKS:
            continue  # a further destination gets what the first gets
        sending = (report for report in project.reports if name in report.outputs)
        yield from shared(sending, name, settings)


def _rerun_files(project: Project) -> Iterator[Problem]:
    """Yield what is wrong with the files in `.reruns/`: what they request in vain."""
    rerun_files, problems = reruns.read_files(project.folder)
    yield from problems
    for file in rerun_files:
        for name in sorted({*file.reports} - {*project.names}):
            where = Where(str(project.folder / ".reruns" / file.name))
            what = f"this file names {shown(name)}, which is no report of {project.config_path}"
            yield Problem(what, where, nearest(name, project.names), Severity.WARNING)


def _unused_databases(project: Project, effective: Effective) -> Iterator[Problem]:
    """Yield a warning for each database of the project that no report names, valid or not."""
    if any({"db", "type", ALL} & entry.keys.bad for entry in effective.reports.values()):
        return  # what they name is not known
    if not effective.reports:
        return
    used = {name for report in effective.reports for name in effective.used(report)}
    for name, entry in effective.databases.items():
        if name not in used and entry.where.path == str(project.config_path):
            what = f"no report uses the database {name!r}"
            yield Problem(what, entry.where, "remove it", Severity.WARNING)


def _missing_files(project: Project, effective: Effective) -> Iterator[Problem]:
    """Yield what databases that reports use are made of, and this host lacks.

    Credentials may be on the hosts alone where reports run: that is worth no more than a notice.
    """
    databases = {report.database.name: report.database for report in project.reports}
    for database in databases.values():
        entry = effective.databases.get(database.name)
        for key, path in database.files.items():
            if entry is not None and not _is_there(path):
                what = f"{key!r} of database {database.name!r}: this host has no file {path}"
                where = entry.keys.where(key, entry.where)
                severity = Severity.WARNING if key == "path" else Severity.NOTICE
                yield Problem(what, where, missing_hint(path), severity)


def _is_there(path: Path) -> bool:
    """Return whether a file is there, or in a folder into which this user may not look."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _no_receiver(project: Project, effective: Effective) -> Iterator[Problem]:
    """Yield a warning where reports have datapoints, and no sink takes them."""
    for name in SINKS:
        sending = next((report for report in project.reports if name in report.outputs), None)
        settings = project.sinks.get(name)
        if sending is None or effective.sinks[name].bad or (settings and settings.destination):
            continue
        if settings is None and effective.sinks[name].given:
            continue  # what is wrong with it has been reported
        what = f"report {sending.name!r} makes datapoints, and there is no `{name}` that names a receiver"
        hint = "they are neither sent nor kept for later"
        yield Problem(what, Places(effective, sending).key(name), hint, Severity.WARNING)


# What concerns one report


# What metrics and paths take from columns
