"""The section `databases`: what reports' queries run on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reportupdater.config.schema import ENGINE, engine_sections
from reportupdater.configfile.document import Entry, Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Keys
from reportupdater.configfile.sections import (
    ALL,
    Reading,
    as_section,
    entries,
    read_keys,
)
from reportupdater.engines import registry
from reportupdater.errors import Problem, Where, shown
from reportupdater.model import Database

_IN_FILE = "the login is in the file that `creds_file` names"
_LOGIN = {
    "user": _IN_FILE,
    "username": _IN_FILE,
    "password": f"{_IN_FILE}, never here",
    "passwd": f"{_IN_FILE}, never here",
}


@dataclass(frozen=True, slots=True)
class Unusable:
    """An entry that no report can use; its problems have been reported. `engine` is None if unknown."""

    engine: str | None


Databases = dict[str, Database | Unusable]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before all host settings are laid over it. `where` is its name's place."""

    where: Where
    engine: str | None
    keys: Reading


_UNREADABLE = Reading({}, bad=frozenset({ALL}))


def read_databases(
    layers: Sequence[Reading], folders: Folders
) -> tuple[Databases | None, list[Problem]]:
    """Return all entries by name; None where a section as a whole could not be read.

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


def read_drafts(layers: Sequence[Reading]) -> tuple[dict[str, Draft], list[Problem]]:
    """Return the engine and the keys of all entries, the layers laid over each other."""
    drafts: dict[str, Draft] = {}
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
    """Return what a file of host settings says of all entries of an engine, by the engine's name."""
    if "engines" not in layer.given or layer["engines"] is None:
        return {}, []
    sections, problems = read_keys(layer["engines"], engine_sections(), "engines")
    if sections.bad:  # any engine may be meant
        return dict.fromkeys(registry.entry_names(), _UNREADABLE), problems
    engines: dict[str, Reading] = {}
    for engine, section in sections.given.items():
        if section.value is not None:
            owner = f"{engine} in engines"
            engines[engine], found = read_keys(
                section.value, registry.definition(engine).KEYS, owner, elsewhere=_LOGIN
            )
            problems += found
    return engines, problems


def _read_entries(section: Section) -> tuple[dict[str, Draft], list[Problem]]:
    drafts: dict[str, Draft] = {}
    problems = list(section.problems)
    for name, entry, found in entries(section):
        draft, wrong = _read_entry(name, entry)
        problems += [*found, *wrong]
        drafts[name] = replace(draft, keys=_UNREADABLE) if found else draft
    return drafts, problems


def _read_entry(name: str, entry: Entry) -> tuple[Draft, list[Problem]]:
    owner, where = f"database {shown(name)}", entry.key.where
    section, problems = as_section(entry.value, owner)
    if section is None:
        return Draft(where, None, _UNREADABLE), problems
    engine, problems = _engine(section, owner)
    if engine is None:
        return Draft(where, None, _UNREADABLE), problems
    keys, problems = read_keys(
        section, entry_keys(engine), owner, elsewhere=_Elsewhere(engine, section)
    )
    return Draft(where, engine, keys), problems


def _engine(section: Section, owner: str) -> tuple[str | None, list[Problem]]:
    """Return the engine that the entry names, or the default; None for what is no engine."""
    named = {name: entry for name, entry in section.entries.items() if name == "engine"}
    keys, problems = read_keys(Section(section.where, named), {"engine": ENGINE}, owner)
    return None if problems else keys["engine"], problems


def entry_keys(engine: str | None) -> Keys:
    """Return the keys that an entry of this engine takes; none for what is no engine."""
    return {"engine": ENGINE, **registry.definition(engine).KEYS} if engine else {}


class _Elsewhere:
    """Hints for the keys of other engines, which are looked at where a key is unknown."""

    def __init__(self, engine: str, section: Section) -> None:
        self._keys = registry.definition(engine).KEYS
        self._here = (
            f"; without the key engine this is {engine}" if "engine" not in section.entries else ""
        )

    def get(self, name: str) -> str | None:
        """Return the hint for a key; None for one of no engine."""
        if name in _LOGIN and "creds_file" in self._keys:
            return _LOGIN[name]
        owners = [one for one in registry.entry_names() if name in registry.definition(one).KEYS]
        return f"it belongs to engine: {' or '.join(owners)}{self._here}" if owners else None


def _made(name: str, draft: Draft, folders: Folders) -> tuple[Database | None, list[Problem]]:
    owner, keys = f"database {shown(name)}", draft.keys
    problems = keys.missing(owner, draft.where)
    if keys.bad or problems or draft.engine is None:
        return None, problems
    return registry.definition(draft.engine).read(name, keys, folders)
