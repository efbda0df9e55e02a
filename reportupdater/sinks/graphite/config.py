"""The configuration of Graphite: its sections of a project, of host settings and of a report."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from reportupdater import template
from reportupdater.configfile.document import Section, parse
from reportupdater.configfile.files import Folders, missing_hint, read_text
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import HOST, SWITCH, TEXT, describe, seconds, section, whole
from reportupdater.configfile.sections import Reading, read_keys, read_texts, subject
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.model import Dimension, Report, Series, SinkSettings
from reportupdater.sinks.base import Definition, Made, Reader, Row, Sink
from reportupdater.sinks.graphite.datapoints import made
from reportupdater.sinks.graphite.naming import Lookups, Metrics, Naming, needs_rows, paths
from reportupdater.sinks.graphite.path import METRIC, cleaned, fault, refused, url
from reportupdater.template import Template

_MOST_SHOWN = 5
_TAKEN = "letters, digits, _ and - can; dots make levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteSettings(SinkSettings):
    """The project's section. `lookups` maps dimension → value → name in metric paths."""

    host: str | None = None
    port: int = 2003
    lookups: Lookups = field(default_factory=dict)

    @property
    def destination(self) -> str | None:
        """The receiver of lines; None if none is named."""
        return None if self.host is None else url(self.host, self.port)


class GraphiteSink(Definition):
    """Graphite."""

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
    PLACEHOLDERS = frozenset({METRIC})
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

    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the project's section with those of host settings laid over it."""
        keys = Reading(self.KEYS)
        problems: list[Problem] = []
        for one in sections:
            own, found = read_keys(one, self.KEYS, "graphite")
            keys = own.over(keys)
            problems += found
        lookups, wrong = _lookups(keys, folders)
        problems += wrong
        if problems:
            return None, problems
        return GraphiteSettings(
            host=keys["host"],
            port=keys["port"],
            enabled=keys["enabled"],
            drain_timeout=keys["drain_timeout"],
            new_metrics_warning=keys["new_metrics_warning"],
            lookups=lookups,
        ), []

    def read_report(
        self,
        section: Section,
        owner: str,
        dimensions: Sequence[Dimension],
        settings: SinkSettings | None,
    ) -> tuple[object | None, list[Problem]]:
        """Read a report's section, and check its paths with the values of the dimensions."""
        metrics, problems = read_metrics(section, owner)
        if metrics is not None:
            lookups = settings.lookups if isinstance(settings, GraphiteSettings) else {}
            problems = check_path(metrics, owner, dimensions, lookups)
        return (None if problems else metrics), problems

    def unused(self, section: Section, dimensions: Collection[str]) -> list[Problem]:
        """Warn of lookups for dimensions that no report has."""
        return unused_lookups(section, dimensions)

    def points(
        self, series: Series, settings: SinkSettings, header: Row, rows: Sequence[Row]
    ) -> Made:
        """Return the datapoints of a table's rows."""
        return made(Naming(series, output(series.report), header, lookups_of(settings)), rows)

    def needs_rows(self, report: Report) -> bool:
        """Whether columns are part of the report's metric paths."""
        return needs_rows(output(report), (dimension.name for dimension in report.dimensions))

    def series_keys(
        self, series: Series, settings: SinkSettings, header: Row = (), rows: Sequence[Row] = ()
    ) -> tuple[list[str], list[Problem]]:
        """Return the metric paths of a series."""
        return paths(series, output(series.report), lookups_of(settings), header, rows)

    def where(self, report: Report) -> Where:
        """Return the place of the report's path."""
        return output(report).where

    def missing_columns(
        self, series: Series, settings: SinkSettings, header: Row | None
    ) -> Iterator[Problem]:
        """Warn of columns in the path or the metrics that the header, or else the query, lacks."""
        from reportupdater.sinks.graphite.columns import not_in_header, not_in_query

        metrics = output(series.report)
        if header is None:
            return not_in_query(series, metrics)
        return not_in_header(series, metrics, header, lookups_of(settings))

    def partly_named(self, report: Report, settings: SinkSettings) -> dict[str, list[str]]:
        """Return the values in the path that a lookup lacks which has others."""
        used = {placeholder.name for placeholder in output(report).path.placeholders}
        lacking: dict[str, list[str]] = {}
        for dimension in report.dimensions:
            lookup = lookups_of(settings).get(dimension.name)
            if lookup and dimension.name in used:
                values = [value for value in dimension.values if value not in lookup]
                if values:
                    lacking[dimension.name] = values
        return lacking

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """Return the render API at `url`, which no setting names."""
        from reportupdater.sinks.graphite.render import RenderApi

        return RenderApi(url) if url else None

    def sink(self, settings: SinkSettings) -> Sink:
        """Return a client for the receiver of lines."""
        from reportupdater.sinks.graphite.sink import Graphite

        assert isinstance(settings, GraphiteSettings)
        assert settings.host is not None
        return Graphite(settings.host, settings.port)


def output(report: Report) -> Metrics:
    """Return the report's metrics; it must have a section."""
    metrics = report.outputs["graphite"]
    assert isinstance(metrics, Metrics)
    return metrics


def lookups_of(settings: SinkSettings) -> Lookups:
    """Return the lookups of the settings."""
    assert isinstance(settings, GraphiteSettings)
    return settings.lookups


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
        what += f" holds {character!r}, which a metric path cannot hold"
        return [Problem(what, where, _TAKEN)]
    wrong = fault(text)
    return [Problem(f"{what} {wrong}", where)] if wrong else []


def read_metrics(section: Section, owner: str) -> tuple[Metrics | None, list[Problem]]:
    """A report's part. `owner` is the report as messages say it."""
    owner = f"graphite of {owner}"
    keys, problems = read_keys(section, GraphiteSink.REPORT_KEYS, owner)
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
    return Metrics(path, {name: column for name, (column, _) in columns.items()}, where), []


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
    metrics: Metrics,
    owner: str,
    dimensions: Sequence[Dimension],
    lookups: Mapping[str, Mapping[str, str]],
) -> list[Problem]:
    """What is wrong with a report's paths, as far as its dimensions show. `owner` has the part."""
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
    """What is wrong with the values of one placeholder, each with a hint."""
    first: dict[str, str] = {}
    for value, name in names.items():
        made = cleaned(_with(path, {placeholder: name}))  # as what is sent is
        if ".." in made or made.startswith(".") or made.endswith("."):
            yield f"{fault(made)} with {shown(value)} of {of}", f"it gives {shown(made)}"
        other = first.setdefault(made, value)
        if other != value:
            what = f"is the same for {shown(other)} and {shown(value)} of {of}"
            yield what, f"it gives {shown(made)}"
