"""A project's folder as a validated `Project`, host settings laid over it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from reportupdater.config.databases import read_databases
from reportupdater.config.host import read_host_file
from reportupdater.config.reports import read_reports
from reportupdater.config.runs_on import Surroundings
from reportupdater.config.schema import REPORT_KEYS, TOP_KEYS
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders, mapping_in, read_needed
from reportupdater.configfile.sections import Reading, read_keys
from reportupdater.errors import Problem, Severity, UsageError, Where
from reportupdater.model import Project, Report, SinkSettings
from reportupdater.sinks import registry

CONFIG_NAME = "config.yaml"
_PROJECT = f"a project is a folder with {CONFIG_NAME}"
_EXAMPLE = "for example reports: {edits: {db: wikis, granularity: days, starts: 2015-01-31}}"
_FOR_HOSTS = "it belongs to host settings"


def load_project(
    folder: Path,
    config_path: Path | None = None,
    *,
    jobs: int = 2,
    host_files: Sequence[Path] = (),
) -> Project:
    """Return the project in a folder: its valid reports, and everything wrong with the others.

    `jobs` is how many scripts may run at once. `host_files` are laid over the project, each over
    the one before. Raises UsageError if the folder or a file is not there or cannot be read, and
    nothing for the contents of the files.
    """
    path = folder / CONFIG_NAME if config_path is None else config_path
    root, problems = mapping_in(
        _config_bytes(folder, path), str(path), "the configuration", _EXAMPLE
    )
    if root is None and not problems:
        problems = [Problem("the configuration is empty", Where(str(path), 1, 1), _EXAMPLE)]
    host: list[Reading] = []
    for file in host_files:
        keys, found = read_host_file(file)
        host.append(keys)
        problems += found
    if root is None:
        return Project(folder, path, (), (), _once(problems, str(path)))
    folders = Folders(folder, {str(file): file.parent for file in host_files})
    project = _read(root, host, folders, path, jobs)
    # A report must not run as if settings were not there that cannot be understood.
    understood = not any(keys.bad - {"on_failure", "site"} for keys in host)
    site = None
    if any(keys.given.get("site") for keys in host):
        from reportupdater.config.site import read_site

        site = read_site(host, folders)
    return replace(
        project,
        site=site,
        reports=project.reports if understood else (),
        problems=_once([*problems, *project.problems], str(path)),
    )


def _config_bytes(folder: Path, path: Path) -> bytes:
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "there is no such folder"
        raise UsageError(what, where=Where(str(folder)), hint=_PROJECT)
    return read_needed(path, _PROJECT if path == folder / CONFIG_NAME else "")


def _read(
    root: Section, host: Sequence[Reading], folders: Folders, path: Path, jobs: int
) -> Project:
    keys, problems = read_keys(
        root,
        TOP_KEYS,
        "",
        unknown=Severity.WARNING,
        elsewhere=dict.fromkeys(("engines", "on_failure", "site"), _FOR_HOSTS),
    )
    layers = [keys, *host]
    defaults, found = read_defaults(layers)
    problems += found
    databases, found = read_databases(layers, folders)
    problems += found
    sinks: dict[str, SinkSettings] = {}
    for name in registry.SINKS:
        parts = [layer[name] for layer in layers if layer[name] is not None]
        if parts and name not in keys.bad:
            settings, found = registry.definition(name).read(parts, folders)
            problems += found
            if settings is not None:
                sinks[name] = settings
    reports, found = _reports(root, keys)
    problems += found
    around = Surroundings(
        folders=folders,
        defaults=defaults,
        databases=databases,
        jobs=jobs,
        sinks=sinks,
    )
    valid, names, found = read_reports(reports, around)
    problems += found
    if any(name in report.outputs for name in sinks for report in valid):
        from reportupdater.config.shared_keys import without_shared  # most projects send nothing

        valid, found = without_shared(valid, sinks)
        problems += found
    if len(valid) == len(names):
        # Else it is not known which dimensions there are. Host settings are for many projects.
        dimensions = {dimension.name for report in valid for dimension in report.dimensions}
        for name in sinks:
            if keys[name] is not None:
                problems += registry.definition(name).unused(keys[name], dimensions)
    for name, settings in [*sinks.items()]:
        for further, others in settings.others.items():
            sinks[registry.named(name, further)] = others
    return Project(
        folders.project,
        path,
        tuple(_for_all(report, sinks) for report in valid),
        tuple(names),
        tuple(problems),
        sinks,
    )


def _for_all(report: Report, sinks: Iterable[str]) -> Report:
    """Return a report whose datapoints go to the further destinations of its sinks, too."""
    further = {
        name: report.outputs[registry.kind(name)]
        for name in sinks
        if name not in report.outputs and registry.kind(name) in report.outputs
    }
    return replace(report, outputs={**report.outputs, **further}) if further else report


def read_defaults(layers: Sequence[Reading]) -> tuple[Reading, list[Problem]]:
    """Return the layers' defaults, each laid over those of the layer before."""
    defaults = Reading(REPORT_KEYS)
    problems: list[Problem] = []
    for layer in layers:
        own = Reading(REPORT_KEYS, bad=layer.bad & {"defaults"})
        if layer["defaults"] is not None:
            own, found = read_keys(layer["defaults"], REPORT_KEYS, "defaults")
            problems += found
        defaults = own.over(defaults)
    return defaults, problems


def _reports(root: Section, keys: Reading) -> tuple[Section, list[Problem]]:
    entry = root.entries.get("reports")
    if entry is not None and isinstance(entry.value, Section) and entry.value.entries:
        return entry.value, []  # the first of them where the key is given twice
    where = keys.where("reports", root.where)
    is_reported = "reports" in keys.bad
    return Section(where, {}), [] if is_reported else [
        Problem("there are no reports", where, _EXAMPLE)
    ]


def _once(problems: Iterable[Problem], first_path: str) -> tuple[Problem, ...]:
    """Return each problem once, in the order of the file `first_path` and then of the other files.

    One that takes out several reports belongs to none of them.
    """
    reports: dict[Problem, set[str]] = {}
    for problem in problems:
        known = reports.setdefault(replace(problem, report=None), set())
        if problem.report is not None:
            known.add(problem.report)
    once = [
        replace(problem, report=min(names) if len(names) == 1 else None)
        for problem, names in reports.items()
    ]

    def place(problem: Problem) -> tuple[bool, Where]:
        where = problem.where or Where("")
        return where.path != first_path, where

    return tuple(sorted(once, key=place))
