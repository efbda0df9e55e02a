"""The section `reports`: each entry becomes a `Report`, or problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path

from reportupdater.config.databases import Databases, Unusable
from reportupdater.config.dimensions import NAME_HINT, read_dimensions, wrong_name
from reportupdater.config.queries import check_placeholders
from reportupdater.config.schema import BACKFILL_KEYS, REPORT_KEYS
from reportupdater.configfile.document import Entry, Section
from reportupdater.configfile.files import Folders, absolute
from reportupdater.configfile.sections import Reading, as_section, entries, is_own, read_keys
from reportupdater.engines import registry
from reportupdater.engines.base import Definition
from reportupdater.engines.shared.query_file import find_query
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.intervals import Granularity
from reportupdater.model import (
    Database,
    Dimension,
    Report,
    SinkSettings,
)
from reportupdater.sinks.registry import SINKS
from reportupdater.sinks.registry import definition as sink
from reportupdater.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all reports of a project have in common."""

    folders: Folders
    defaults: Reading
    databases: Databases | None
    """None where a section as a whole could not be read."""
    jobs: int
    """Scripts at once."""
    sinks: Mapping[str, SinkSettings]


def read_reports(
    section: Section, around: Surroundings
) -> tuple[list[Report], list[str], list[Problem]]:
    """The valid reports, the names of all, and what is wrong."""
    reports: list[Report] = []
    problems = list(section.problems)
    for name, entry, found in entries(section):
        report, wrong = _read_report(name, entry, around)
        problems += [replace(problem, report=name) for problem in (*found, *wrong)]
        if report is not None and not found:
            reports.append(report)
    clashes = _clashes(section, reports)
    problems += clashes
    clashing = {problem.report for problem in clashes}
    valid = [report for report in reports if report.name not in clashing]
    return valid, list(section.entries), problems


def _errors(problems: list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _clashes(section: Section, reports: list[Report]) -> list[Problem]:
    """Names of which two would be the same file or folder, at least where case does not count."""
    problems: list[Problem] = []
    seen: dict[str, Entry] = {}
    for name, entry in section.entries.items():
        first = seen.setdefault(name.casefold(), entry)
        if first is not entry:
            what = (
                f"the report name {shown(name)} differs from {shown(first.key.text)} in case alone"
            )
            hint = f"that one is on line {first.key.where.line}; rename one of them"
            problems.append(Problem(what, entry.key.where, hint, report=name))
    files = {f"{report.name}.tsv".casefold(): report for report in reports if not report.dimensions}
    for report in reports:
        other = files.get(report.name.casefold()) if report.dimensions else None
        if other is not None:
            what = (
                f"the folder of report {report.name!r} would be the file of report {other.name!r}"
            )
            hint = f"that one is on line {other.where.line}; rename one of them"
            problems.append(Problem(what, report.where, hint, report=report.name))
    return problems


def _read_report(
    name: str, entry: Entry, around: Surroundings
) -> tuple[Report | None, list[Problem]]:
    owner, where = f"report {shown(name)}", entry.key.where
    problems: list[Problem] = []
    wrong = wrong_name(name)
    if wrong:
        problems.append(Problem(f"the report name {shown(name)} {wrong}", where, NAME_HINT))
    section, found = as_section(entry.value, owner)
    problems += found
    if section is None:
        return None, problems
    own, of_keys = read_keys(section, REPORT_KEYS, owner)
    keys = own.over(around.defaults)
    problems += [*keys.missing(owner, where), *_wrong_times(keys), *_no_weeks(own, keys)]
    explode_by = keys["explode_by"]
    dimensions: tuple[Dimension, ...] = ()
    if explode_by is not None:
        given = keys.given["explode_by"]
        dimensions, found = read_dimensions(explode_by, given.owner, around.folders.of(given.where))
        problems += found
    known = {dimension.name for dimension in dimensions}
    engine = engine_of(keys, around.databases or {})
    query, found = _executed(
        keys, engine, None if "explode_by" in keys.bad else known, name, where, around
    )
    problems += found
    database, found = _database(keys, engine, known, owner, where, around)
    problems += found
    unusable = keys.bad - SINKS.keys() or _errors(problems)
    outputs, found = _outputs(keys, dimensions, around)
    problems += [*of_keys, *found]
    max_intervals, found = _backfill(keys)
    problems += found
    unusable = unusable or _errors(found)
    if unusable or database is None:
        return None, problems
    execute = (keys["execute"] or name) + registry.definition(database.engine).QUERY_SUFFIX
    return Report(
        name=name,
        where=where,
        granularity=_granularity(keys),
        starts=keys["starts"],
        ends=keys["ends"],
        lag=keys["lag"],
        database=database,
        execute=absolute(_folder(keys, around), execute),
        template=query,
        dimensions=dimensions,
        max_data_points=keys["max_data_points"],
        schedule=keys["schedule"],
        max_intervals=max_intervals,
        group=keys["group"],
        timeout=keys["timeout"],
        retries=keys["retries"],
        max_rows=keys["max_rows"],
        concurrency=keys["concurrency"],
        writes=keys["writes"],
        outputs=outputs,
        owner=keys["owner"],
        ticket=keys["ticket"],
        description=keys["description"],
    ), problems


def _outputs(
    keys: Reading, dimensions: tuple[Dimension, ...], around: Surroundings
) -> tuple[dict[str, object], list[Problem]]:
    """How rows become datapoints. What is wrong with that withholds them, and never the rows."""
    outputs: dict[str, object] = {}
    problems: list[Problem] = []
    for name in SINKS:
        if keys[name] is None:
            continue
        output, found = sink(name).read_report(
            keys[name], keys.given[name].owner, dimensions, around.sinks.get(name)
        )
        problems += found
        if output is not None:
            outputs[name] = output
    return outputs, problems


def _backfill(keys: Reading) -> tuple[int | None, list[Problem]]:
    """How many missing intervals of a series one run takes."""
    if keys["backfill"] is None:
        return None, []
    owner = f"backfill of {keys.given['backfill'].owner}"
    own, problems = read_keys(keys["backfill"], BACKFILL_KEYS, owner)
    return own["max_intervals"], problems


def _folder(keys: Reading, around: Surroundings) -> Path:
    """What `execute` is relative to."""
    return around.folders.of(keys.where("execute", Where("")))


def _granularity(keys: Reading) -> Granularity:
    """The granularity; weeks as `week_starts` says."""
    granularity: Granularity = keys["granularity"]
    if granularity is Granularity.WEEKS and keys["week_starts"] == "monday":
        return Granularity.WEEKS_FROM_MONDAY
    return granularity


def _no_weeks(own: Reading, keys: Reading) -> list[Problem]:
    """What a report says of its weeks that has none. Defaults may: they are for others too."""
    given, granularity = own.given.get("week_starts"), keys["granularity"]
    if given is None or given.value == "sunday" or granularity in (None, Granularity.WEEKS):
        return []
    hint = f"it is for granularity: weeks, and this is granularity: {granularity.value}"
    return [Problem(f"{own.subject('week_starts')} makes no difference", given.where, hint)]


def _wrong_times(keys: Reading) -> list[Problem]:
    problems: list[Problem] = []
    granularity, starts, ends = keys["granularity"], keys["starts"], keys["ends"]
    for name in ("starts", "ends"):
        moment = keys[name]
        if moment is None or granularity in (None, Granularity.HOURS) or moment.time() == time():
            continue
        what = f"{keys.subject(name)} has an hour"
        hint = f"only granularity: hours takes one, and this is granularity: {granularity.value}"
        problems.append(Problem(what, keys.given[name].where, hint))
    if starts is not None and ends is not None and ends < starts:
        what = f"{keys.subject('ends')} lies before 'starts'"
        problems.append(
            Problem(
                what, keys.given["ends"].where, f"which is {str(starts).removesuffix(' 00:00:00')}"
            )
        )
    return problems


def engine_of(keys: Reading, databases: Mapping[str, Database | Unusable]) -> str | None:
    """Return the engine of a report; None where it cannot be known.

    A `type` counts where it is given, and `sql` is the engine of the entry that `db` names, or any.
    Without a `type` it is the engine of that entry. Which files there are never counts.
    """
    if "type" in keys.bad:
        return None
    if keys["type"] not in (None, "sql"):
        return str(keys["type"])
    database = databases.get(keys["db"]) if "db" not in keys.bad else None
    return None if database is None else database.engine


def _executed(
    keys: Reading,
    engine: str | None,
    dimensions: set[str] | None,
    name: str,
    where: Where,
    around: Surroundings,
) -> tuple[Template | None, list[Problem]]:
    """The query of a report, or None for a script, with all that is wrong with its file.

    `dimensions` is None where they could not be read: then nothing can be said of names.
    """
    if not keys.bad.isdisjoint({"type", "execute"}) or (not keys["execute"] and wrong_name(name)):
        return None, []
    if engine is None and keys["type"] is None and keys["db"] in (around.databases or {}):
        return None, []  # the entry is not usable, and what its queries end in is not known
    owner, execute, where = (
        f"report {shown(name)}",
        keys["execute"] or name,
        keys.where("execute", where),
    )
    folder = _folder(keys, around)
    definition = registry.definition(engine) if engine else None
    if definition is None or (keys["type"] == "sql" and not definition.TAKES_SQL):
        query, problems = find_query(folder, execute, Definition.QUERY_SUFFIX, where, owner)
    else:
        query, problems = definition.find_query(folder, execute, where, owner)
    if query is not None and dimensions is not None:
        problems += check_placeholders(query, dimensions, keys["granularity"])
    return query, problems


def _database(
    keys: Reading,
    engine: str | None,
    dimensions: set[str],
    owner: str,
    where: Where,
    around: Surroundings,
) -> tuple[Database | None, list[Problem]]:
    """What the report runs on; None where it cannot be known, or cannot be used."""
    if "type" in keys.bad:
        return None, []
    if engine in registry.WITHOUT_ENTRIES:
        return registry.definition(engine).host(around.jobs), []
    if around.databases is None or "db" in keys.bad:
        return None, []
    if keys["type"] not in (None, "sql"):
        return _of_engine(keys, keys["type"], where, around.databases)
    if keys["db"] is None:
        hint = nearest("", around.databases) or "databases names none"
        return None, [Problem(f"{owner} has no 'db'", where, hint)]
    name, db_where = keys["db"], keys.where("db", where)
    database = around.databases.get(name)
    if database is None:
        return None, [_unknown(keys, around.databases)]
    if isinstance(database, Unusable):
        return None, []
    if keys["type"] == "sql" and not registry.definition(database.engine).TAKES_SQL:
        what = f"{keys.subject('db')} names {shown(name)}, which has engine: {database.engine}"
        hint = f"remove `type: sql`, or write `type: {database.engine}`"
        return None, [Problem(what, db_where, hint)]
    wanted = database.needed_dimension
    if wanted is None or wanted in dimensions or "explode_by" in keys.bad:
        return database, []
    what = f"{owner} has no dimension {shown(wanted)}"
    hint = f"wiki_db_placeholder of the database {shown(name)} says that it names the wiki"
    return None, [Problem(what, keys.where("explode_by", where), hint)]


def _of_engine(
    keys: Reading, engine: str, where: Where, databases: Databases
) -> tuple[Database | None, list[Problem]]:
    """The entry that `db` names if it is of this engine, else the one called like the engine.

    Projects of the original program name no Hive, and the `db` of their `defaults` is for their
    other reports. A report's own `db` that names an entry of another engine is a mistake.
    """
    name = keys["db"]
    problems: list[Problem] = []
    named = databases.get(name)
    if name is not None and named is None:
        unknown = _unknown(keys, databases)
        what = f"{unknown.what}: the one called {engine!r} is taken"
        problems.append(replace(unknown, what=what, severity=Severity.WARNING))
    if named is not None and named.engine not in (engine, None) and is_own(keys, "db"):
        what = f"{keys.subject('db')} names {shown(name)}, which has engine: {named.engine}"
        hint = f"remove `type: {engine}`" if is_own(keys, "type") else f"add `type: {named.engine}`"
        return None, [Problem(what, keys.given["db"].where, hint)]
    for database in (named, databases.get(engine)):
        if isinstance(database, Unusable) and database.engine in (engine, None):
            return None, []
        if isinstance(database, Database) and database.engine == engine:
            return database, problems
    what = f"{keys.subject('type')} is {engine}, and there is no database for it"
    example = registry.definition(engine).example(engine)
    hint = f"add to databases, here or in host settings: {example}"
    return None, [Problem(what, keys.where("type", where), hint)]


def _unknown(keys: Reading, databases: Databases) -> Problem:
    what = f"{keys.subject('db')} names {shown(keys['db'])}, which is not in databases"
    return Problem(
        what, keys.given["db"].where, nearest(keys["db"], databases) or "databases names none"
    )
