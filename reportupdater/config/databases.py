"""The section `databases`: what reports' queries run on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from reportupdater.config.document import Entry, Section
from reportupdater.config.files import absolute
from reportupdater.config.schema import DATABASE_KEYS
from reportupdater.config.sections import Reading, as_section, entries, read_keys
from reportupdater.errors import Problem
from reportupdater.model import Database, MysqlDatabase, SqliteDatabase


@dataclass(frozen=True, slots=True)
class Unusable:
    """An entry that no report can use. `why` is empty where its problems have been told."""

    why: str = ""


Databases = dict[str, Database | Unusable]


def read_databases(section: Section, folder: Path) -> tuple[Databases, list[Problem]]:
    """All entries by name. `folder` is what their paths are relative to."""
    databases: Databases = {}
    problems = list(section.problems)
    for name, entry, found in entries(section):
        database, wrong = _read_database(name, entry, folder)
        problems += [*found, *wrong]
        databases[name] = Unusable() if found else database
    return databases, problems


def _read_database(
    name: str, entry: Entry, folder: Path
) -> tuple[Database | Unusable, list[Problem]]:
    owner = f"database {name!r}"
    section, problems = as_section(entry.value, owner)
    if section is None:
        return Unusable(), problems
    engine, problems = _engine(section, owner)
    if engine is None:
        return Unusable(), problems
    if engine not in DATABASE_KEYS:
        return Unusable(f"runs on the engine {engine}, which this version does not support yet"), []
    keys, problems = read_keys(
        section, DATABASE_KEYS[engine], owner, elsewhere=_elsewhere(engine, section)
    )
    problems += keys.missing(owner, entry.key.where)
    if problems:
        return Unusable(), problems
    return (_mysql if engine == "mysql" else _sqlite)(name, keys, folder), []


def _engine(section: Section, owner: str) -> tuple[str | None, list[Problem]]:
    """The engine that the entry names, or the default; None for what is no engine."""
    named = {name: entry for name, entry in section.entries.items() if name == "engine"}
    engine_key = {"engine": DATABASE_KEYS["mysql"]["engine"]}
    keys, problems = read_keys(Section(section.where, named), engine_key, owner)
    return None if problems else keys["engine"], problems


def _elsewhere(engine: str, section: Section) -> dict[str, str]:
    """Hints for the keys of other engines."""
    here = f"; without the key engine this is {engine}" if "engine" not in section.entries else ""
    return {
        name: f"it belongs to engine: {other}{here}"
        for other, keys in DATABASE_KEYS.items()
        for name in keys
    }


def _mysql(name: str, keys: Reading, folder: Path) -> Database | Unusable:
    if keys["auto_find_db_shard"]:
        return Unusable("needs auto_find_db_shard, which this version does not support yet")
    creds_file = keys["creds_file"]
    return MysqlDatabase(
        name=name,
        concurrency=keys["concurrency"],
        host=keys["host"],
        port=keys["port"],
        database=keys["db"],
        creds_file=absolute(folder, os.path.expanduser(creds_file)) if creds_file else None,
        wiki_dimension=keys["wiki_db_placeholder"],
    )


def _sqlite(name: str, keys: Reading, folder: Path) -> Database | Unusable:
    return SqliteDatabase(
        name=name, concurrency=keys["concurrency"], path=absolute(folder, keys["path"])
    )
