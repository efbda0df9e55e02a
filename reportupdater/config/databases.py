"""The section `databases`: what reports' queries run on."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportupdater.config.schema import DATABASE_KEYS, ENGINE_KEYS, ENGINE_SECTIONS
from reportupdater.configfile.document import Entry, Section
from reportupdater.configfile.files import Folders, absolute
from reportupdater.configfile.sections import (
    ALL,
    Reading,
    as_section,
    entries,
    read_keys,
    read_texts,
)
from reportupdater.errors import Problem, Severity, Where, shown
from reportupdater.model import Database, HiveDatabase, MysqlDatabase, Shards, SqliteDatabase

_PASSWORDS = dict.fromkeys(
    ("password", "passwd"), "a password stands in the file that `creds_file` names, never here"
)
_PASSWORD = re.compile(r"^-p |^--password |password\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unusable:
    """An entry that no report can use; its problems have been told. `engine` is None if unknown."""

    engine: str | None


Databases = dict[str, Database | Unusable]


@dataclass(frozen=True, slots=True)
class _Draft:
    """An entry before all host settings are laid over it. `where` is its name's place."""

    where: Where
    engine: str | None
    keys: Reading


_UNREADABLE = Reading({}, bad=frozenset({ALL}))


def read_databases(
    layers: Sequence[Reading], folders: Folders
) -> tuple[Databases | None, list[Problem]]:
    """All entries by name; None where a section as a whole could not be read.

    `layers` are the top-level keys of the project and then of each file of host settings. An entry
    of a later one replaces one of the same name. What a file says of an engine is laid over the
    entries of the layers before it, and under its own.
    """
    drafts, problems = read_drafts(layers)
    databases: Databases = {}
    for name, draft in drafts.items():
        database, found = _made(name, draft, folders)
        problems += found
        databases[name] = database or Unusable(draft.engine)
    unreadable = any("databases" in layer.bad for layer in layers)
    return None if unreadable else databases, problems


def read_drafts(layers: Sequence[Reading]) -> tuple[dict[str, _Draft], list[Problem]]:
    """The engine and the keys of all entries, the layers laid over each other."""
    drafts: dict[str, _Draft] = {}
    problems: list[Problem] = []
    for layer in layers:
        engines, found = _read_engines(layer)
        problems += found
        for name, draft in drafts.items():
            if draft.engine in engines:
                drafts[name] = replace(draft, keys=engines[draft.engine].over(draft.keys))
        if layer["databases"] is None:
            continue
        own, found = _read_entries(layer["databases"])
        problems += found
        for name, draft in own.items():
            under = engines.get(draft.engine or "", Reading({}))
            drafts[name] = replace(draft, keys=draft.keys.over(under))
    return drafts, problems


def _read_engines(layer: Reading) -> tuple[dict[str, Reading], list[Problem]]:
    """What a file of host settings says of all entries of an engine, by the engine's name."""
    if "engines" not in layer.given or layer["engines"] is None:
        return {}, []
    sections, problems = read_keys(layer["engines"], ENGINE_SECTIONS, "engines")
    if sections.bad:  # nobody knows which engine is meant
        return dict.fromkeys(ENGINE_KEYS, _UNREADABLE), problems
    engines: dict[str, Reading] = {}
    for engine, section in sections.given.items():
        if section.value is not None:
            owner = f"{engine} in engines"
            engines[engine], found = read_keys(
                section.value, ENGINE_KEYS[engine], owner, elsewhere=_PASSWORDS
            )
            problems += found
    return engines, problems


def _read_entries(section: Section) -> tuple[dict[str, _Draft], list[Problem]]:
    drafts: dict[str, _Draft] = {}
    problems = list(section.problems)
    for name, entry, found in entries(section):
        draft, wrong = _read_entry(name, entry)
        problems += [*found, *wrong]
        drafts[name] = replace(draft, keys=_UNREADABLE) if found else draft
    return drafts, problems


def _read_entry(name: str, entry: Entry) -> tuple[_Draft, list[Problem]]:
    owner, where = f"database {shown(name)}", entry.key.where
    section, problems = as_section(entry.value, owner)
    if section is None:
        return _Draft(where, None, _UNREADABLE), problems
    engine, problems = _engine(section, owner)
    if engine is None:
        return _Draft(where, None, _UNREADABLE), problems
    keys, problems = read_keys(
        section, DATABASE_KEYS[engine], owner, elsewhere=_elsewhere(engine, section)
    )
    return _Draft(where, engine, keys), problems


def _engine(section: Section, owner: str) -> tuple[str | None, list[Problem]]:
    """The engine that the entry names, or the default; None for what is no engine."""
    named = {name: entry for name, entry in section.entries.items() if name == "engine"}
    engine_key = {"engine": DATABASE_KEYS["mysql"]["engine"]}
    keys, problems = read_keys(Section(section.where, named), engine_key, owner)
    return None if problems else keys["engine"], problems


def _elsewhere(engine: str, section: Section) -> dict[str, str]:
    """Hints for the keys of other engines."""
    here = f"; without the key engine this is {engine}" if "engine" not in section.entries else ""
    owners: dict[str, list[str]] = {}
    for other, keys in DATABASE_KEYS.items():
        for name in keys:
            owners.setdefault(name, []).append(other)
    return _PASSWORDS | {
        name: f"it belongs to engine: {' or '.join(engines)}{here}"
        for name, engines in owners.items()
    }


def _made(name: str, draft: _Draft, folders: Folders) -> tuple[Database | None, list[Problem]]:
    owner, keys = f"database {shown(name)}", draft.keys
    problems = keys.missing(owner, draft.where)
    if keys.bad or problems or draft.engine is None:
        return None, problems
    return _MAKERS[draft.engine](name, keys, folders)


def _mysql(name: str, keys: Reading, folders: Folders) -> tuple[Database | None, list[Problem]]:
    if keys["socket"] and (problem := _beside_socket(keys)):
        return None, [problem]
    shards: Shards | None = None
    if keys["auto_find_db_shard"]:
        if not (keys["db"] or keys["wiki_db_placeholder"]):
            what = f"{keys.subject('auto_find_db_shard')} lacks the wiki whose server to find"
            hint = "wiki_db_placeholder names the dimension that tells it, or db the only one"
            return None, [Problem(what, keys.given["auto_find_db_shard"].where, hint)]
        shards = Shards(
            mw_config_path=_path(keys, "mw_config_path", folders),
            srv_name=keys["srv_name"],
            use_x1=keys["use_x1"],
            nameserver=keys["nameserver"],
        )
    return MysqlDatabase(
        name=name,
        concurrency=keys["concurrency"],
        host=None if shards else keys["host"] or "localhost",
        port=keys["port"],
        socket=_path(keys, "socket", folders) if keys["socket"] else None,
        shards=shards,
        database=keys["db"],
        creds_file=_path(keys, "creds_file", folders) if keys["creds_file"] else None,
        wiki_dimension=keys["wiki_db_placeholder"],
        time_zone=keys["time_zone"],
    ), []


def _beside_socket(keys: Reading) -> Problem | None:
    """The problem of a key that names another server than the socket beside it does."""
    for name, fitting in (("host", "localhost"), ("port", None), ("auto_find_db_shard", False)):
        if name in keys.given and keys[name] != fitting:
            what = f"{keys.subject(name)} and its 'socket' name two servers"
            return Problem(
                what, keys.given[name].where, "a Unix socket is on this host: leave one out"
            )
    return None


def _sqlite(name: str, keys: Reading, folders: Folders) -> tuple[Database | None, list[Problem]]:
    path = _path(keys, "path", folders)
    return SqliteDatabase(name=name, concurrency=keys["concurrency"], path=path), []


def _hive(name: str, keys: Reading, folders: Folders) -> tuple[Database | None, list[Problem]]:
    settings, problems = read_texts(
        keys["settings"] or Section(Where(""), {}), f"settings of database {shown(name)}"
    )
    if keys["ca_file"] and not keys["ssl"]:
        what = f"{keys.subject('ca_file')} judges nothing without TLS"
        problems = [*problems, Problem(what, keys.given["ca_file"].where, "add: ssl: true")]
    if problems:
        return None, problems
    made = HiveDatabase(
        name=name,
        concurrency=keys["concurrency"],
        client=keys["client"],
        host=keys["host"],
        port=keys["port"],
        transport=keys["transport"],
        http_path=keys["http_path"],
        ssl=keys["ssl"],
        ca_file=_path(keys, "ca_file", folders) if keys["ca_file"] else None,
        auth=keys["auth"],
        username=keys["username"],
        creds_file=_path(keys, "creds_file", folders) if keys["creds_file"] else None,
        password_env=keys["password_env"],
        open_session_timeout=keys["open_session_timeout"],
        kerberos_service_name=keys["kerberos_service_name"],
        kerberos_host=keys["kerberos_host"],
        kerberos_min_lifetime=keys["kerberos_min_lifetime"],
        database=keys["database"],
        settings={setting: value for setting, (value, _) in settings.items()},
        command=keys["command"] if keys["client"] == "cli" else (),
        quoted=keys["quoted"],
    )
    return made, _shown_to_all(made, keys)


def _shown_to_all(made: HiveDatabase, keys: Reading) -> list[Problem]:
    """A warning where a password is an argument of a command: `ps` shows it to every user."""
    words = {
        "command": [f"{word} " for word in made.command],
        "settings": [f"{name}=" for name in made.settings] if made.client == "cli" else [],
    }
    return [
        Problem(
            f"{keys.subject(key)} seems to hold a password: every user of this host can see it"
            " while the command runs",
            keys.given[key].where,
            "beeline takes it from a file: -w FILE",
            Severity.WARNING,
        )
        for key, texts in words.items()
        if any(_PASSWORD.search(text) for text in texts)
    ]


_MAKERS = {"mysql": _mysql, "sqlite": _sqlite, "hive": _hive}


def _path(keys: Reading, name: str, folders: Folders) -> Path:
    """The path that a key gives, relative to where it is given."""
    folder = folders.of(keys.where(name, Where("")))
    return absolute(folder, os.path.expanduser(keys[name]))
