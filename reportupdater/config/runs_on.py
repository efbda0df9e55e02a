"""What a report runs on: its engine, its query or script, its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reportupdater.config.databases import Databases, Unusable
from reportupdater.config.dimensions import wrong_name
from reportupdater.config.queries import check_placeholders
from reportupdater.configfile.files import Folders
from reportupdater.configfile.sections import Reading, is_own
from reportupdater.engines import registry
from reportupdater.engines.base import Definition
from reportupdater.engines.shared.query_file import find_query
from reportupdater.errors import Problem, Severity, Where, nearest, shown
from reportupdater.model import (
    Database,
    SinkSettings,
)
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


def folder_of(keys: Reading, around: Surroundings) -> Path:
    """Return what `execute` is relative to."""
    return around.folders.of(keys.where("execute", Where("")))


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


def query_of(
    keys: Reading,
    engine: str | None,
    dimensions: set[str] | None,
    name: str,
    where: Where,
    around: Surroundings,
) -> tuple[Template | None, list[Problem]]:
    """Return the query of a report, or None for a script, with all that is wrong with its file.

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
    folder = folder_of(keys, around)
    definition = registry.definition(engine) if engine else None
    if definition is None or (keys["type"] == "sql" and not definition.TAKES_SQL):
        query, problems = find_query(folder, execute, Definition.QUERY_SUFFIX, where, owner)
    else:
        query, problems = definition.find_query(folder, execute, where, owner)
    if query is not None and dimensions is not None:
        problems += check_placeholders(query, dimensions, keys["granularity"])
    return query, problems


def database_of(
    keys: Reading,
    engine: str | None,
    dimensions: set[str],
    owner: str,
    where: Where,
    around: Surroundings,
) -> tuple[Database | None, list[Problem]]:
    """Return what the report runs on; None where it cannot be known, or cannot be used."""
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
    """Return the entry that `db` names if it is of this engine, else the one called like the engine.

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
