"""The section `graphite` of the project and of host settings, and that of a report."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reportupdater import template
from reportupdater.config.document import Section, parse
from reportupdater.config.files import Folders, missing_hint, read_text
from reportupdater.config.kinds import describe
from reportupdater.config.schema import GRAPHITE_KEYS, REPORT_GRAPHITE_KEYS
from reportupdater.config.sections import Reading, read_keys, read_texts
from reportupdater.errors import Problem, Where
from reportupdater.model import GraphiteConfig, MetricsConfig

METRIC = "_metric"
"""The placeholder that stands for the metric's name in `path`."""


def read_graphite(
    sections: Iterable[Section], folders: Folders
) -> tuple[GraphiteConfig | None, list[Problem]]:
    """The project's part with those of host settings laid over it, each over the one before.

    None where anything is wrong in any of them, so that no datapoint goes astray.
    """
    keys = Reading(GRAPHITE_KEYS)
    problems: list[Problem] = []
    for section in sections:
        own, found = read_keys(section, GRAPHITE_KEYS, "graphite")
        keys = own.over(keys)
        problems += found
    lookups, wrong = _lookups(keys, folders)
    problems += wrong
    if problems:
        return None, problems
    return GraphiteConfig(host=keys["host"], port=keys["port"], lookups=lookups), []


def _lookups(keys: Reading, folders: Folders) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    files, problems = (
        read_texts(keys["lookups"], "lookups of graphite") if keys["lookups"] else ({}, [])
    )
    lookups: dict[str, dict[str, str]] = {}
    for dimension, (name, where) in files.items():
        path = folders.of(where) / name
        if not os.path.isfile(path):
            what = f"there is no lookup file {path} for the dimension {dimension!r}"
            problems.append(Problem(what, where, missing_hint(path)))
            continue
        lookups[dimension], wrong = _read_lookup(path)
        problems += wrong
    return lookups, problems


def _read_lookup(path: Path) -> tuple[dict[str, str], list[Problem]]:
    text, problems = read_text(path)
    if text is None:
        return {}, problems
    root, problems = parse(text, str(path))
    if isinstance(root, Section):
        names, wrong = read_texts(root, "the lookup")
        return {value: name for value, (name, _) in names.items()}, [*problems, *wrong]
    if not problems:
        what = "a lookup must be a mapping of values to names"
        shown = f", not {describe(root)}" if root is not None else ", not empty"
        problems = [Problem(what + shown, Where(str(path), 1, 1), "for example enwiki: en")]
    return {}, problems


def read_metrics(section: Section, owner: str) -> tuple[MetricsConfig | None, list[Problem]]:
    """A report's part. `owner` is the report as messages say it."""
    owner = f"graphite of {owner}"
    keys, problems = read_keys(section, REPORT_GRAPHITE_KEYS, owner)
    problems += keys.missing(owner, section.where)
    path, wrong = _path(keys)
    problems += wrong
    metrics = keys["metrics"]
    columns, wrong = read_texts(metrics, f"metrics of {owner}") if metrics else ({}, [])
    problems += wrong
    if metrics and not metrics.entries and not problems:
        hint = "for example metrics: {edits: edit_count}"
        problems.append(Problem(f"{keys.subject('metrics')} names no metric", metrics.where, hint))
    if path is None or problems:
        return None, problems
    if len(columns) > 1 and METRIC not in {part.name for part in path.placeholders}:
        what = f"{keys.subject('path')} lacks {{{METRIC}}}, and so is the same for all its metrics"
        return None, [Problem(what, keys.where("path", section.where))]
    return MetricsConfig(path, {name: column for name, (column, _) in columns.items()}), []


def _path(keys: Reading) -> tuple[template.Template | None, list[Problem]]:
    text = keys["path"]
    if text is None:
        return None, []
    path, found = template.parse(text)
    given = keys.given["path"]
    return path, [
        Problem(f"{keys.subject('path')}: {problem.what}", given.where, problem.hint)
        for problem in found
    ]
