"""The keys of Graphite, read: the project's settings with their lookups, and a report's metric paths."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from reportupdater import template
from reportupdater.configfile.document import Section, parse
from reportupdater.configfile.files import Folders, missing_hint, read_text
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import HOST, SWITCH, TEXT, describe, seconds, section, whole
from reportupdater.configfile.sections import Reading, read_keys, read_texts, subject
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.model import Dimension
from reportupdater.sinks.graphite.path import STYLE, cleaned, fault, refused
from reportupdater.sinks.shared.naming import METRIC, Metrics
from reportupdater.template import Template

KEYS = table(
    Key("host", HOST, "The host of Graphite's line receiver."),
    Key("port", whole(1, 65535), "Its port.", 2003),
    Key(
        "lookups",
        section("dimensions to files"),
        "For a dimension, a YAML file that maps its values to names for metric paths.",
    ),
    Key(
        "enabled",
        SWITCH,
        "For host settings: `false` sends nothing from this host, `true` sends from a terminal too.",
    ),
    Key(
        "drain_timeout",
        seconds(0, 3600),
        "How long a run may take at its end to send what is pending; one batch is sent in any case.",
        30.0,
    ),
    Key(
        "new_metrics_warning",
        whole(0, 1_000_000),
        "`metrics` warns of more new ones than this: carbon makes so many files a minute.",
        50,
    ),
)

REPORT_KEYS = table(
    Key(
        "path",
        TEXT,
        "The metric path, with placeholders: `_metric`, the dimensions, the columns of the row.",
        example="'{_metric}.{wiki}'",
    ),
    Key(
        "metrics",
        section("metric names to columns"),
        "The metrics, each with the column that holds its value.",
        example="{edits: edit_count}",
    ),
)


_MOST_SHOWN = 5


_TAKEN = "letters, digits, _ and - can; dots make levels"


def unused_lookups(section: Section, dimensions: Collection[str]) -> list[Problem]:
    """Return a warning for each lookup of the project's part that is for none of these dimensions."""
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


def read_lookups(
    keys: Reading, folders: Folders
) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Return dimension → value → its name in metric paths, and what is wrong with the files."""
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
    """Return what is wrong with a text that will be a part of metric paths."""
    character = refused(text)
    if character:
        what += f" holds {character!r}, which a metric path cannot hold"
        return [Problem(what, where, _TAKEN)]
    wrong = fault(text)
    return [Problem(f"{what} {wrong}", where)] if wrong else []


def read_metrics(section: Section, owner: str) -> tuple[Metrics | None, list[Problem]]:
    """Return a report's part. `owner` is the report as messages say it."""
    owner = f"graphite of {owner}"
    keys, problems = read_keys(section, REPORT_KEYS, owner)
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
    return Metrics(path, {name: column for name, (column, _) in columns.items()}, where, STYLE), []


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
    """Return a path with these names in it, and `x` for each that is not there."""
    return path.render({part.name: names.get(part.name, "x") for part in path.placeholders})


def check_path(
    metrics: Metrics,
    owner: str,
    dimensions: Sequence[Dimension],
    lookups: Mapping[str, Mapping[str, str]],
) -> list[Problem]:
    """Return what is wrong with a report's paths, as far as its dimensions show.

    `owner` has the part.
    """
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
            wrong += islice(_wrong_names(path, placeholder, named, of), _MOST_SHOWN)
        elif len(named) > 1 and used <= names.keys():
            # A column in the path might distinguish the values as well.
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
    """Yield what is wrong with the values of one placeholder, each with a hint."""
    first: dict[str, str] = {}
    for value, name in names.items():
        made = cleaned(_with(path, {placeholder: name}))  # as what is sent is
        if ".." in made or made.startswith(".") or made.endswith("."):
            yield f"{fault(made)} with {shown(value)} of {of}", f"it gives {shown(made)}"
        other = first.setdefault(made, value)
        if other != value:
            what = f"is the same for {shown(other)} and {shown(value)} of {of}"
            yield what, f"it gives {shown(made)}"
