"""The keys of Prometheus, read: the project's settings, and a report's metrics and labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from reportupdater import spelling, template
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import SWITCH, WEB_URL, seconds, section, span
from reportupdater.configfile.sections import (
    Reading,
    as_section,
    entries,
    read_keys,
    read_texts,
    subject,
)
from reportupdater.errors import Problem, Where, shown
from reportupdater.model import Dimension
from reportupdater.sinks.prometheus.series import (
    LABEL,
    MAX_LABELS,
    MAX_VALUE,
    NAME,
    STYLE,
)
from reportupdater.sinks.prometheus.series import template as key_template
from reportupdater.sinks.shared.naming import METRIC, Metrics
from reportupdater.template import Template
from reportupdater.web import access
from reportupdater.web.access import Access

RECEIVER_KEYS = table(
    Key(
        "url",
        WEB_URL,
        "The receiver of remote write, for example http://metrics1.example.org/api/v1/write.",
    ),
    Key(
        "query_url",
        WEB_URL,
        "What comes before /api/v1/query of the query API: by it what is there is read back.",
    ),
    *access.KEYS,
    Key(
        "max_age",
        span(3600, 36_500 * 86_400),
        "How old a datapoint may be that is sent; without it, all are.",
    ),
    Key(
        "drain_timeout",
        seconds(0, 3600),
        "How long a run may take at its end to send what is pending; one batch is sent in any case.",
        30.0,
    ),
)
"""The keys of one receiver."""

KEYS = table(
    *RECEIVER_KEYS.values(),
    Key("labels", section("labels to texts"), "Labels that all series have."),
    Key(
        "enabled",
        SWITCH,
        "For host settings: `false` sends nothing from this host, `true` sends from a terminal too.",
    ),
    Key(
        "others",
        section("names to the keys of a receiver"),
        "Further receivers, which get the same series.",
    ),
)

REPORT_KEYS = table(
    Key(
        "metrics",
        section("names of metrics to columns"),
        "The metrics, each with the column that holds its value.",
        example="{edits: edit_count}",
    ),
    Key(
        "labels",
        section("labels to texts"),
        "The labels, with placeholders for dimensions and columns. Without it, the dimensions.",
    ),
)

_OTHER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OTHER_HINT = "letters, digits, _ and - can; `--sink prometheus.NAME` selects it"
_TENANTS = ("x-scope-orgid", "thanos-tenant")
_LETTERS = "letters, digits and _ can, but for a digit at the beginning"


def read_access(keys: Reading, folders: Folders, owner: str) -> tuple[Access, list[Problem]]:
    """Return how a receiver and its query API are reached. `owner` has the keys, as messages say it."""
    urls = {name: keys[name] for name in ("url", "query_url") if keys[name] is not None}
    problems = []
    if keys["query_url"] is not None and keys["url"] is None and "url" not in keys.bad:
        where = keys.where("query_url", Where(""))
        problems.append(Problem(f"'query_url' of {owner} is of no 'url'", where))
    found, wrong = access.read(keys, folders, owner, urls)
    return found, problems + wrong


def owner_of(name: str) -> str:
    """Return how messages say whose keys those of a receiver are; the first one has no name."""
    return subject(name, "others of prometheus") if name else "prometheus"


def read_others(keys: Reading) -> tuple[dict[str, Reading], list[Problem]]:
    """Return the keys of further receivers, by their names."""
    others: dict[str, Reading] = {}
    problems: list[Problem] = []
    for name, entry, found in entries(keys["others"]) if keys["others"] else ():
        problems += found
        what = owner_of(name)
        if not _OTHER.fullmatch(name):
            problems.append(Problem(f"{what} cannot be a name", entry.key.where, _OTHER_HINT))
            continue
        section, no_section = as_section(entry.value, what)
        problems += no_section
        if section is not None:
            others[name], wrong = read_keys(section, RECEIVER_KEYS, what)
            problems += wrong
            if others[name]["url"] is None and "url" not in others[name].bad:
                hint = "for example url: http://metrics2.example.org/api/v1/write"
                problems.append(Problem(f"{what} has no 'url'", entry.key.where, hint))
    return others, problems


def destination(url: str, access: Access) -> str:
    """Return the one name of a receiver: two tenants of one server are two.

    >>> destination("http://LOCALHOST:9090/api/v1/write", Access())
    'http://127.0.0.1:9090/api/v1/write'
    >>> destination("https://mimir1.example.org/api/v1/push", Access(headers={"X-Scope-OrgID": "a"}))
    'https://mimir1.example.org:443/api/v1/push#a'
    """
    parts = urlsplit(url)
    host = spelling.host(parts.hostname or "")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    tenant = "".join(
        f"#{text}" for name, text in access.headers.items() if name.lower() in _TENANTS
    )
    return f"{parts.scheme}://{place}{parts.path}{query}{tenant}"


def read_labels(keys: Reading) -> tuple[dict[str, str], list[Problem]]:
    """Return the labels that all series have."""
    texts, problems = (
        read_texts(keys["labels"], "labels of prometheus") if keys["labels"] else ({}, [])
    )
    for name, (text, where) in texts.items():
        problems += _wrong_label(name, where, "labels of prometheus")
        problems += _wrong_value(text, subject(name, "labels of prometheus"), where)
    return {name: text for name, (text, _) in texts.items()}, problems


def read_report(
    section: Section, owner: str, dimensions: Sequence[Dimension], common: Mapping[str, str]
) -> tuple[Metrics | None, list[Problem]]:
    """Return a report's part. `owner` is the report as messages say it; `common` are labels of all."""
    owner = f"prometheus of {owner}"
    keys, problems = read_keys(section, REPORT_KEYS, owner)
    problems += keys.missing(owner, section.where)
    columns, wrong = (
        read_texts(keys["metrics"], f"metrics of {owner}") if keys["metrics"] else ({}, [])
    )
    problems += wrong
    for name in columns:
        if not NAME.fullmatch(name):
            what = f"{shown(name)} of metrics of {owner} cannot be the name of a metric"
            where = keys["metrics"].entries[name].key.where
            problems.append(Problem(what, where, f"{_LETTERS}; : is for recording rules"))
    if keys["metrics"] and not columns and not problems:
        what = f"{keys.subject('metrics')} names no metric"
        problems.append(
            Problem(what, keys["metrics"].where, "for example metrics: {edits: edit_count}")
        )
    labels, wrong = _labels(keys, owner, dimensions)
    problems += wrong
    where = keys.where("labels", section.where)
    if len(labels) + len(common.keys() - labels) > MAX_LABELS:
        what = f"{owner} makes {len(labels.keys() | common):,} labels, more than {MAX_LABELS}"
        problems.append(Problem(what, where, "receivers drop series with more"))
    if problems:
        return None, problems
    constant = {name: Template(text, (text,)) for name, text in common.items()}
    metrics = Metrics(
        key_template({**constant, **labels}),
        {name: column for name, (column, _) in columns.items()},
        where,
        STYLE,
    )
    problems += _same(metrics, labels, owner, dimensions)
    return (None if problems else metrics), problems


def _labels(
    keys: Reading, owner: str, dimensions: Sequence[Dimension]
) -> tuple[dict[str, Template], list[Problem]]:
    given = keys["labels"]
    if given is None:
        problems = []
        for dimension in dimensions:
            if not LABEL.fullmatch(dimension.name):
                what = f"the dimension {shown(dimension.name)} of {owner} cannot be the name of a label"
                where = keys.where("metrics", Where(""))
                hint = f"{_LETTERS}; give labels: {{name: '{{{dimension.name}}}'}}"
                problems.append(Problem(what, where, hint))
        return {one.name: template.parse(f"{{{one.name}}}")[0] for one in dimensions}, problems
    texts, problems = read_texts(given, f"labels of {owner}")
    labels: dict[str, Template] = {}
    for name, (text, where) in texts.items():
        what = subject(name, f"labels of {owner}")
        problems += _wrong_label(name, where, f"labels of {owner}")
        problems += _wrong_value(text, what, where)
        labels[name], found = template.parse(text)
        problems += [Problem(f"{what}: {one.what}", where, one.hint) for one in found]
        if METRIC in {part.name for part in labels[name].placeholders}:
            hint = "the name of the metric is the name of the series"
            problems.append(Problem(f"{what} has {{{METRIC}}}", where, hint))
    return labels, problems


def _wrong_label(name: str, where: Where, owner: str) -> list[Problem]:
    if LABEL.fullmatch(name):
        return []
    hint = f"{_LETTERS}; what begins with __ is Prometheus' own"
    return [Problem(f"{subject(name, owner)} cannot be the name of a label", where, hint)]


def _wrong_value(text: str, what: str, where: Where) -> list[Problem]:
    if len(text.encode()) <= MAX_VALUE:
        return []
    return [Problem(f"{what} has more than {MAX_VALUE:,} bytes", where)]


def _same(
    metrics: Metrics, labels: Mapping[str, Template], owner: str, dimensions: Sequence[Dimension]
) -> list[Problem]:
    """Return which values of a dimension make the same labels, as far as dimensions show that."""
    used = {part.name for label in labels.values() for part in label.placeholders}
    known = {dimension.name for dimension in dimensions}
    what = subject("labels", owner)
    problems = []
    for dimension in dimensions:
        of = f"the dimension {shown(dimension.name)}"
        if dimension.name not in used:
            if len(dimension.values) > 1 and used <= known:
                # A column might distinguish the values as well.
                text = (
                    f"{what} lack {{{dimension.name}}}, and so are the same for all values of {of}"
                )
                hint = f"for example {dimension.name}: '{{{dimension.name}}}'"
                problems.append(Problem(text, metrics.where, hint))
            continue
        first: dict[str, str] = {}
        for value in dimension.values:
            others = {part.name: "x" for part in metrics.path.placeholders}
            made = metrics.path.render({**others, dimension.name: value})
            other = first.setdefault(made, value)
            if other != value:
                text = f"{what} are the same for {shown(other)} and {shown(value)} of {of}"
                problems.append(Problem(text, metrics.where))
                break
            problems += _wrong_value(value, f"{shown(value)} of {of}", metrics.where)
    return problems
