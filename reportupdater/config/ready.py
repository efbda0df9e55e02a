"""The conditions under `ready` of a report."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from reportupdater.config.databases import Unusable
from reportupdater.config.queries import check_placeholders
from reportupdater.config.runs_on import Surroundings
from reportupdater.configfile.files import absolute
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import PATH, TEXT
from reportupdater.configfile.sections import Reading, as_section, read_keys
from reportupdater.engines import registry
from reportupdater.errors import Problem, Where, nearest, shown
from reportupdater.model import Database, Report
from reportupdater.template import Template, parse


class Source(enum.Enum):
    """What a condition looks at, to say whether the data of an interval are complete."""

    PARTITION = "partition"
    QUERY = "query"
    FILE = "file"
    REPORT = "report"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Condition:
    """What must hold before an interval is computed."""

    source: Source
    template: Template
    """A partition as `table/key=value/…`, a query whose first cell is true, a path, or a report's name."""
    where: Where
    database: Database | None = None
    """What is asked for a partition or a query."""


def conditions(report: Report) -> tuple[Condition, ...]:
    """Return the conditions of a report."""
    return cast(tuple[Condition, ...], report.ready)


READY_KEYS = table(
    Key("partition", TEXT, "A partition that is there: `database.table/key={year}/…`."),
    Key("query", TEXT, "A query that reads, and whose first cell is true: not empty, 0 or false."),
    Key("file", PATH, "A file or folder of this host that is there."),
    Key("report", TEXT, "Another report of the project, whose intervals are done and not held."),
    Key("db", TEXT, "With `partition` or `query`: the entry of `databases`, if not the report's."),
)


def read_ready(
    keys: Reading, database: Database | None, dimensions: Collection[str], around: Surroundings
) -> tuple[tuple[Condition, ...], list[Problem]]:
    """Return the conditions of a report that runs on a database."""
    given = keys["ready"]
    if given is None:
        return (), []
    owner = f"ready of {keys.given['ready'].owner}"
    found: list[Condition] = []
    problems: list[Problem] = []
    for number, value in enumerate(given.values, 1):
        named = f"condition {number} of {owner}"
        section, wrong = as_section(value, named)
        problems += wrong
        if section is None:
            continue
        own, wrong = read_keys(section, READY_KEYS, named)
        problems += wrong
        if not wrong:
            one, wrong = _condition(own, section.where, named, keys, database, dimensions, around)
            problems += wrong
            if one is not None:
                found.append(one)
    return tuple(found), problems


def _condition(
    own: Reading,
    where: Where,
    owner: str,
    keys: Reading,
    database: Database | None,
    dimensions: Collection[str],
    around: Surroundings,
) -> tuple[Condition | None, list[Problem]]:
    sources = [source for source in Source if own[source.value] is not None]
    if len(sources) != 1:
        names = ", ".join(source.value for source in Source)
        return None, [Problem(f"{owner} needs one of {names}", where)]
    (source,) = sources
    text: str = own[source.value]
    place = own.given[source.value].where
    if source is Source.REPORT:
        return Condition(source=source, template=Template(text, (text,)), where=place), []
    if source is Source.FILE:
        text = str(absolute(around.folders.of(place), text))
    template, problems = parse(text, place.path)
    problems = [
        replace(one, where=place)
        for one in (*problems, *check_placeholders(template, dimensions, keys["granularity"]))
    ]
    if source is Source.FILE:
        return Condition(source=source, template=template, where=place), problems
    if own["db"] is not None:
        other = (around.databases or {}).get(own["db"])
        if other is None and around.databases is not None:
            hint = nearest(own["db"], around.databases) or "databases names none"
            what = f"{own.subject('db')} names {shown(own['db'])}, which is not in databases"
            return None, [*problems, Problem(what, own.given["db"].where, hint)]
        database = None if isinstance(other, Unusable) else other
        if database is None:
            return None, problems  # what is wrong with the entry is reported there
    if database is None or database.engine in registry.WITHOUT_ENTRIES:
        what = f"{owner} asks a database, and none is named"
        return None, [*problems, Problem(what, place, "name an entry of `databases` with `db`")]
    if source is Source.PARTITION:
        problems += _wrong_partition(text, database, owner, place)
    return Condition(source=source, template=template, where=place, database=database), problems


def _wrong_partition(text: str, database: Database, owner: str, where: Where) -> list[Problem]:
    if database.engine != "hive":
        what = f"{owner} is a partition, and {shown(database.name)} has engine: {database.engine}"
        return [
            Problem(what, where, "only Hive and Spark have partitions; `query` asks any database")
        ]
    table, *parts = text.split("/")
    if not table or not parts or not all("=" in part for part in parts):
        hint = "for example event.edits/year={year}/month={month}/day={day}"
        return [Problem(f"{owner} names no partition", where, hint)]
    return []


def unknown_reports(reports: Iterable[Report], names: Collection[str]) -> list[Problem]:
    """Return what is wrong with reports that wait for others: for one that is not there, or in a circle."""
    problems: list[Problem] = []
    waits: Mapping[str, list[Condition]] = {
        report.name: [one for one in conditions(report) if one.source is Source.REPORT]
        for report in reports
    }
    for name, some in waits.items():
        for one in some:
            other = one.template.text
            if other not in names:
                what = (
                    f"report {name!r} waits for {shown(other)}, which is no report of this project"
                )
                problems.append(Problem(what, one.where, nearest(other, names), report=name))
            elif name in _reached(other, waits):
                what = f"report {name!r} waits for {shown(other)}, which waits for it"
                problems.append(Problem(what, one.where, "remove one of the two", report=name))
    return problems


def _reached(name: str, waits: Mapping[str, list[Condition]]) -> set[str]:
    """Return a report and all that it waits for, in the end."""
    reached: set[str] = set()
    left = [name]
    while left:
        one = left.pop()
        if one not in reached:
            reached.add(one)
            left += [condition.template.text for condition in waits.get(one, ())]
    return reached
