"""The section `graphite` of the project and of host settings, and that of a report."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from reportupdater import template
from reportupdater.config.schema import GRAPHITE_KEYS, REPORT_GRAPHITE_KEYS
from reportupdater.configfile.document import Section, parse
from reportupdater.configfile.files import Folders, missing_hint, read_text
from reportupdater.configfile.kinds import describe
from reportupdater.configfile.sections import Reading, read_keys, read_texts, subject
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.model import Dimension, GraphiteConfig, MetricsConfig
from reportupdater.sinks.graphite.path import METRIC, cleaned, fault, refused
from reportupdater.template import Template

_MOST_TOLD = 5
_TAKEN = "letters, digits, _ and - can; dots make levels"


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
    return GraphiteConfig(
        host=keys["host"],
        port=keys["port"],
        enabled=keys["enabled"],
        drain_timeout=keys["drain_timeout"],
        new_metrics_warning=keys["new_metrics_warning"],
        lookups=lookups,
    ), []


def unused_lookups(section: Section, dimensions: Collection[str]) -> list[Problem]:
    """A warning for each lookup of the project's part that is for none of these dimensions."""
    lookups = section.entries.get("lookups")
    if lookups is None or not isinstance(lookups.value, Section):
        return []
    what = "lookups of graphite has {}, which is no dimension of any report"
    return [
        Problem(
            what.format(shown(name)),
            entry.key.where,
            nearest(name, dimensions),
            Severity.WARNING,
        )
        for name, entry in lookups.value.entries.items()
        if name not in dimensions
    ]


def _lookups(keys: Reading, folders: Folders) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    files, problems = (
        read_texts(keys["lookups"], "lookups of graphite") if keys["lookups"] else ({}, [])
    )
    lookups: dict[str, dict[str, str]] = {}
    for dimension, (name, where) in files.items():
        path = folders.of(where) / name
        if not os.path.isfile(path):
            what = f"there is no lookup file {path} for the dimension {shown(dimension)}"
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
        for value, (name, where) in names.items():
            wrong += _wrong_part(f"the name {shown(name)} of {shown(value)}", name, where)
        return {value: name for value, (name, _) in names.items()}, [*problems, *wrong]
    if not problems:
        what = "a lookup must be a mapping of values to names"
        given = f", not {describe(root)}" if root is not None else ", not empty"
        problems = [Problem(what + given, Where(str(path), 1, 1), "for example enwiki: en")]
    return {}, problems


def _wrong_part(what: str, text: str, where: Where) -> list[Problem]:
    """What is wrong with a text that will be a part of metric paths."""
    character = refused(text)
    if character:
        what += f" holds {character!r}, which cannot stand in a metric path"
        return [Problem(what, where, _TAKEN)]
    wrong = fault(text)
    return [Problem(f"{what} {wrong}", where)] if wrong else []


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
    for name in columns:
        where = metrics.entries[name].key.where
        problems += _wrong_part(f"the metric {shown(name)} of {owner}", name, where)
    if metrics and not metrics.entries and not problems:
        hint = "for example metrics: {edits: edit_count}"
        problems.append(Problem(f"{keys.subject('metrics')} names no metric", metrics.where, hint))
    if path is None or problems:
        return None, problems
    where = keys.where("path", section.where)
    if len(columns) > 1 and METRIC not in {part.name for part in path.placeholders}:
        what = f"{keys.subject('path')} lacks {{{METRIC}}}, and so is the same for all its metrics"
        return None, [Problem(what, where)]
    return MetricsConfig(path, {name: column for name, (column, _) in columns.items()}, where), []


def _path(keys: Reading) -> tuple[Template | None, list[Problem]]:
    text = keys["path"]
    if text is None:
        return None, []
    path, found = template.parse(text)
    where, what = keys.given["path"].where, keys.subject("path")
    if found:
        return path, [Problem(f"{what}: {problem.what}", where, problem.hint) for problem in found]
    written = "".join(part for part in path.parts if isinstance(part, str))
    if refused(written):
        return path, _wrong_part(what, written, where)
    return path, _wrong_part(what, _with(path, {}), where)


def _with(path: Template, names: Mapping[str, str]) -> str:
    """A path with these names in it, and `x` for each that is not there."""
    return path.render({part.name: names.get(part.name, "x") for part in path.placeholders})


def check_path(
    metrics: MetricsConfig,
    owner: str,
    dimensions: Sequence[Dimension],
    lookups: Mapping[str, Mapping[str, str]],
) -> list[Problem]:
    """What is wrong with a report's paths, as far as its dimensions tell. `owner` has the part."""
    path = metrics.path
    used = {part.name for part in path.placeholders}
    names = {METRIC: {name: name for name in metrics.columns}}
    for dimension in dimensions:
        lookup = lookups.get(dimension.name, {})
        names[dimension.name] = {value: lookup.get(value, value) for value in dimension.values}
    what = subject("path", f"graphite of {owner}")
    wrong: list[tuple[str, str]] = []
    for placeholder, named in names.items():
        of = "the metrics" if placeholder == METRIC else f"the dimension {shown(placeholder)}"
        if placeholder in used:
            wrong += islice(_wrong_names(path, placeholder, named, of), _MOST_TOLD)
        elif len(named) > 1 and used <= names.keys():
            # A column in the path might tell the values apart as well.
            hint = f"for example {path.text}.{{{placeholder}}}"
            wrong.append(
                (f"lacks {{{placeholder}}}, and so is the same for all values of {of}", hint)
            )
    longest = {
        name: max(named.values(), key=lambda name: len(name.encode()))
        for name, named in names.items()
        if named
    }
    too_long = fault(_with(path, longest))
    if too_long and not wrong:
        wrong.append((too_long, "with the longest of the values that it takes"))
    return [Problem(f"{what} {why}", metrics.where, hint) for why, hint in wrong]


def _wrong_names(
    path: Template, placeholder: str, names: Mapping[str, str], of: str
) -> Iterator[tuple[str, str]]:
    """What is wrong with the values that one placeholder stands for, each with a hint."""
    first: dict[str, str] = {}
    for value, name in names.items():
        made = cleaned(_with(path, {placeholder: name}))  # as what is sent is
        if ".." in made or made.startswith(".") or made.endswith("."):
            yield f"{fault(made)} with {shown(value)} of {of}", f"it gives {shown(made)}"
        other = first.setdefault(made, value)
        if other != value:
            what = f"is the same for {shown(other)} and {shown(value)} of {of}"
            yield what, f"it gives {shown(made)}"
