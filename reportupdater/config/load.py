"""A project's folder as a validated `Project`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from reportupdater.config.databases import Databases, read_databases
from reportupdater.config.document import Refused, Section, parse
from reportupdater.config.files import decode, missing_hint, reason
from reportupdater.config.graphite import read_graphite, unused_lookups
from reportupdater.config.kinds import describe
from reportupdater.config.reports import Surroundings, read_reports
from reportupdater.config.schema import REPORT_KEYS, TOP_KEYS
from reportupdater.config.sections import Reading, read_keys
from reportupdater.errors import Problem, Severity, UsageError, Where
from reportupdater.model import GraphiteConfig, Project, Scripts

CONFIG_NAME = "config.yaml"
_EXAMPLE = "for example reports: {edits: {db: wikis, granularity: days, starts: 2015-01-31}}"


def load_project(folder: Path, config_path: Path | None = None, *, jobs: int = 2) -> Project:
    """The project in a folder: its valid reports, and everything wrong with the others.

    `jobs` is how many scripts may run at once. Raises UsageError if the folder or the file is not
    there or cannot be read, and nothing for what stands in the file.
    """
    path = folder / CONFIG_NAME if config_path is None else config_path
    text, problems = decode(_config_bytes(folder, path), str(path))
    root = None
    if text is not None:
        root, problems = parse(text, str(path))
    if root is None and not problems:
        problems = [Problem("the configuration is empty", Where(str(path), 1, 1), _EXAMPLE)]
    elif root is not None and not isinstance(root, Section | Refused):
        what = f"the configuration must be a mapping of keys to values, not {describe(root)}"
        problems.append(Problem(what, root.where, _EXAMPLE))
    if not isinstance(root, Section):
        return Project(folder, path, (), (), _told_once(problems, str(path)))
    project = _read(root, folder, path, Scripts(concurrency=jobs))
    return replace(project, problems=_told_once([*problems, *project.problems], str(path)))


def _config_bytes(folder: Path, path: Path) -> bytes:
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "there is no such folder"
        raise UsageError(
            what, where=Where(str(folder)), hint=f"a project is a folder with {CONFIG_NAME}"
        )
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        hint = missing_hint(path) if missing else ""
        what = "there is no such file" if missing else f"cannot be read: {reason(error)}"
        raise UsageError(what, where=Where(str(path)), hint=hint) from None


def _read(root: Section, folder: Path, path: Path, scripts: Scripts) -> Project:
    keys, problems = read_keys(root, TOP_KEYS, "", unknown=Severity.WARNING)
    defaults, found = _defaults(keys)
    problems += found
    databases, found = _databases(keys, folder)
    problems += found
    graphite: GraphiteConfig | None = None
    if keys["graphite"] is not None:
        graphite, found = read_graphite(keys["graphite"], folder)
        problems += found
    reports, found = _reports(root, keys)
    problems += found
    around = Surroundings(
        folder=folder,
        defaults=defaults,
        databases=databases,
        scripts=scripts,
        lookups=graphite.lookups if graphite else {},
    )
    valid, names, found = read_reports(reports, around)
    problems += found
    if graphite and len(valid) == len(names):  # else it is not known which dimensions there are
        dimensions = {dimension.name for report in valid for dimension in report.dimensions}
        problems += unused_lookups(keys["graphite"], dimensions)
    return Project(folder, path, tuple(valid), tuple(names), tuple(problems), graphite)


def _defaults(keys: Reading) -> tuple[Reading, list[Problem]]:
    if "defaults" in keys.bad:
        return Reading(REPORT_KEYS, bad=frozenset({"defaults"})), []
    if keys["defaults"] is None:
        return Reading(REPORT_KEYS), []
    return read_keys(keys["defaults"], REPORT_KEYS, "defaults")


def _databases(keys: Reading, folder: Path) -> tuple[Databases | None, list[Problem]]:
    if "databases" in keys.bad:
        return None, []
    if keys["databases"] is None:
        return {}, []
    return read_databases(keys["databases"], folder)


def _reports(root: Section, keys: Reading) -> tuple[Section, list[Problem]]:
    entry = root.entries.get("reports")
    if entry is not None and isinstance(entry.value, Section) and entry.value.entries:
        return entry.value, []  # the first of them where the key is given twice
    where = keys.where("reports", root.where)
    told = "reports" in keys.bad
    return Section(where, {}), [] if told else [Problem("there are no reports", where, _EXAMPLE)]


def _told_once(problems: Iterable[Problem], first_path: str) -> tuple[Problem, ...]:
    """Each problem once, in the order of the file `first_path` and then of the other files.

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
