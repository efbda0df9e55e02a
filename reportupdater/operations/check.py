"""Problems of a project that can be found without a database, beyond those of loading it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from reportupdater.config.effective import Effective, read_effective
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import missing_hint, reason
from reportupdater.configfile.sections import ALL
from reportupdater.engines import registry
from reportupdater.errors import Problem, Severity, TsvError, Where, nearest, shown
from reportupdater.execution.select import Source
from reportupdater.model import (
    Project,
    Report,
    Series,
    SinkSettings,
)
from reportupdater.planning.explode import explode
from reportupdater.planning.schedule import is_delayed
from reportupdater.sinks.base import Definition
from reportupdater.sinks.registry import SINKS, definition
from reportupdater.state import reruns
from reportupdater.terminal import wording
from reportupdater.tsv import files, rows
from reportupdater.tsv.listing import needed

SOON = timedelta(days=30)
"""An `ends` that is nearer than this is worth a notice."""
_FAR = timedelta(days=366)
"""A `starts` that is farther away than this looks like a slip of the pen."""
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Examined:
    """A project, and all that is wrong or worth knowing, in the order of its files."""

    project: Project
    problems: tuple[Problem, ...]

    def count(self, severity: Severity) -> int:
        """How many of that severity."""
        return sum(problem.severity is severity for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What shall be checked."""

    sources: tuple[Source, ...]
    """The projects; of several, files that they share are reported too."""
    now: datetime
    """In UTC."""
    output: Path | None = None
    """The folder of the TSVs, whose headers then count too."""
    strict: bool = False
    """Whether a warning fails too."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Each project with its problems."""

    projects: tuple[Examined, ...]
    strict: bool
    stopped: None = None

    def count(self, severity: Severity) -> int:
        """How many problems of that severity all projects have."""
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
        places = _Places(effective, report)
        yield from _dates(report, places, now)
        yield from _delaying_schedule(report, places, now)
        engine = registry.definition(report.database.engine)
        owner, where = f"report {report.name!r}", places.key("execute")
        for problem in engine.check_query(report.execute, where, owner):
            yield replace(problem, report=report.name)
        yield from _unused_dimensions(report, places)
        yield from _names_in_lookups(report, project, places)
        headers, damaged = _headers(report, output)
        yield from damaged
        for name, settings in project.sinks.items():
            if name in report.outputs:
                yield from _columns(report, definition(name), settings, headers)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the keys of a report stand, for what is said of them."""

    effective: Effective
    report: Report

    def key(self, name: str) -> Where:
        entered = self.effective.reports.get(self.report.name)
        return entered.keys.where(name, self.report.where) if entered else self.report.where

    def dimension(self, name: str) -> Where:
        entered = self.effective.reports.get(self.report.name)
        explode_by = entered.keys["explode_by"] if entered else None
        entry = explode_by.entries.get(name) if isinstance(explode_by, Section) else None
        return entry.key.where if entry else self.report.where

    def problem(self, severity: Severity, what: str, where: Where, hint: str = "") -> Problem:
        return Problem(what, where, hint, severity, self.report.name)


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
    """A warning for each report whose datapoints another one's would take the place of.

    Paths with columns in them are left out: only rows show these.
    """
    for name, settings in project.sinks.items():
        sink = definition(name)
        first: dict[str, Report] = {}
        for report in project.reports:
            if name not in report.outputs or sink.needs_rows(report):
                continue
            for series in explode(report):
                shared = [
                    key
                    for key in sink.series_keys(series, settings)[0]
                    if first.setdefault(key, report) is not report
                ]
                if shared:
                    what = f"report {report.name!r} sends to the metric path {shared[0]!r}, as"
                    what += f" {first[shared[0]].name!r} does"
                    hint = "for a date that both have, one takes the place of the other"
                    yield Problem(what, sink.where(report), hint, Severity.WARNING, report.name)
                    break


def _rerun_files(project: Project) -> Iterator[Problem]:
    """What is wrong with the files in `.reruns/`: what they request in vain."""
    rerun_files, problems = reruns.read_files(project.folder)
    yield from problems
    for file in rerun_files:
        for name in sorted({*file.reports} - {*project.names}):
            where = Where(str(project.folder / ".reruns" / file.name))
            what = f"this file names {shown(name)}, which is no report of {project.config_path}"
            yield Problem(what, where, nearest(name, project.names), Severity.WARNING)


def _unused_databases(project: Project, effective: Effective) -> Iterator[Problem]:
    """A warning for each database of the project that no report names, valid or not."""
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
    """What databases that reports use are made of, and this host lacks.

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
    """Whether a file is there, or in a folder into which this user may not look."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _no_receiver(project: Project, effective: Effective) -> Iterator[Problem]:
    """A warning where reports have datapoints, and no sink takes them."""
    for name in SINKS:
        sending = next((report for report in project.reports if name in report.outputs), None)
        settings = project.sinks.get(name)
        if sending is None or effective.sinks[name].bad or (settings and settings.destination):
            continue
        if settings is None and effective.sinks[name].given:
            continue  # what is wrong with it has been reported
        what = f"report {sending.name!r} makes datapoints, and there is no `{name}` with a `host`"
        hint = "they are neither sent nor kept for later"
        yield Problem(what, _Places(effective, sending).key(name), hint, Severity.WARNING)


# What concerns one report


def _dates(report: Report, places: _Places, now: datetime) -> Iterator[Problem]:
    starts, ends = report.starts, report.ends
    if starts > now:
        slip = starts - now > _FAR
        severity = Severity.WARNING if slip else Severity.NOTICE
        what = f"'starts' of report {report.name!r} lies in the future: nothing is computed yet"
        hint = "is the year meant?" if slip else ""
        yield places.problem(severity, what, places.key("starts"), hint)
    if ends is not None and ends < now + SOON:
        what = f"'ends' of report {report.name!r} "
        days = (ends - now).days + 1
        what += "has passed" if ends <= now else f"is in {wording.count(days, 'day')}"
        hint = "no interval from then on is computed"
        yield places.problem(Severity.NOTICE, what, places.key("ends"), hint)


def _delaying_schedule(report: Report, places: _Places, now: datetime) -> Iterator[Problem]:
    """A warning where `lag` makes each interval miss the tick that it was meant for."""
    if is_delayed(report, now):
        what = (
            f"'schedule' of report {report.name!r} delays each interval until the next one is over too:"
            f" its `lag` of {wording.span(report.lag)} ends after the tick"
        )
        hint = "let the schedule tick later, or make `lag` shorter"
        yield places.problem(Severity.WARNING, what, places.key("schedule"), hint)


def _unused_dimensions(report: Report, places: _Places) -> Iterator[Problem]:
    """A warning for each dimension with several values that make no difference to the query."""
    if report.template is None:
        return  # scripts get them all
    used = {placeholder.name for placeholder in report.template.placeholders}
    if report.database.needed_dimension:
        used.add(report.database.needed_dimension)
    for dimension in report.dimensions:
        if dimension.name not in used and len(dimension.values) > 1:
            what = (
                f"the query of report {report.name!r} does not use the dimension"
                f" {dimension.name!r}: its {len(dimension.values)} values get the same rows"
            )
            hint = f"the query is {report.execute}; put {{{dimension.name}}} into it"
            yield places.problem(Severity.WARNING, what, places.dimension(dimension.name), hint)


def _names_in_lookups(report: Report, project: Project, places: _Places) -> Iterator[Problem]:
    """A notice for each dimension of a metric path of which a lookup has some values and not all."""
    for name, settings in project.sinks.items():
        if name not in report.outputs:
            continue
        for dimension, lacking in definition(name).partly_named(report, settings).items():
            what = (
                f"the lookup of the dimension {dimension!r} has no name for"
                f" {_listed(lacking)}, which are used in metric paths unchanged"
            )
            yield Problem(what, places.dimension(dimension), "", Severity.NOTICE)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(map(repr, names[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")


# What metrics and paths take from columns


def _headers(
    report: Report, output: Path | None
) -> tuple[dict[Series, Sequence[str]], list[Problem]]:
    """The header of each series that has a TSV, and what is wrong with their files."""
    headers: dict[Series, Sequence[str]] = {}
    problems: list[Problem] = []
    if output is None:
        return headers, problems
    for series in explode(report):
        try:
            place = files.place(files.opened(output), series.tsv)
            content = rows.read(place, report.granularity)
        except TsvError as error:
            problems.append(
                Problem(error.what, error.where, error.hint, Severity.ERROR, report.name)
            )
        except OSError as error:
            where = Where(str(output / series.tsv))
            what = f"cannot be read: {reason(error)}"
            problems.append(Problem(what, where, "", Severity.ERROR, report.name))
        else:
            if content.header:
                headers[series] = content.header
    return headers, problems


def _columns(
    report: Report,
    sink: Definition,
    settings: SinkSettings,
    headers: dict[Series, Sequence[str]],
) -> Iterator[Problem]:
    """A warning for each column that is wanted, and missing as far as headers or the query show.

    The series of a report have one query, so each column is reported once.
    """
    if not headers:
        yield from sink.missing_columns(explode(report)[0], settings, None)
        return
    found: dict[str, Problem] = {}
    for series, header in headers.items():
        for problem in sink.missing_columns(series, settings, header):
            found.setdefault(problem.what, problem)
    yield from found.values()
