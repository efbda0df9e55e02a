"""The configuration as it counts: the value of each key, and where it comes from.

`load_project` makes a `Project` of it; this keeps what that has no use for, the places.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reportupdater.config.databases import Draft, entry_keys, read_drafts
from reportupdater.config.host import read_host_file
from reportupdater.config.load import CONFIG_NAME, read_defaults
from reportupdater.config.schema import REPORT_KEYS, TOP_KEYS
from reportupdater.configfile.document import Entry, Section
from reportupdater.configfile.files import Folders, mapping_in, read_needed
from reportupdater.configfile.sections import ALL, Reading, as_section, is_own, read_keys
from reportupdater.engines import registry
from reportupdater.errors import Severity, Where
from reportupdater.sinks import registry as sinks

_SECTIONS = frozenset({"databases", "defaults", "engines", "reports", *sinks.SINKS})


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry of `databases` or `reports`. `where` is its name's place, `engine` a database's."""

    where: Where
    keys: Reading
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Effective:
    """A project's files and host settings, laid over each other; what is wrong is `bad` in them."""

    folders: Folders
    files: tuple[Path, ...]
    """The project's, then those of host settings, in the order of their laying."""
    databases: Mapping[str, Entered]
    sinks: Mapping[str, Reading]
    reports: Mapping[str, Entered]
    others: Reading
    """Keys at the top that are no sections: what host settings say of runs."""

    def used(self, report: str) -> set[str]:
        """Return the names in `databases` that a report runs on, or falls back to."""
        keys = self.reports[report].keys
        engine = keys["type"]
        if engine in registry.WITHOUT_ENTRIES:
            return set()
        named = {keys["db"]} & self.databases.keys()
        if engine in (None, "sql") or any(self.databases[name].engine == engine for name in named):
            return named
        return {engine} & self.databases.keys()

    def narrowed(self, names: Sequence[str]) -> Effective:
        """Return the same with these reports alone, and the databases that they use."""
        used = {database for name in names for database in self.used(name)}
        return replace(
            self,
            databases={name: entry for name, entry in self.databases.items() if name in used},
            reports={name: entry for name, entry in self.reports.items() if name in names},
        )


def read_effective(
    folder: Path, config_path: Path | None = None, host_files: Sequence[Path] = ()
) -> Effective:
    """Return the effective configuration of a project, as far as it can be read.

    Problems are reported by `load_project`. Raises UsageError as that does.
    """
    path = folder / CONFIG_NAME if config_path is None else config_path
    root, _ = mapping_in(read_needed(path), str(path), "the configuration")
    root = root or Section(Where(str(path), 1, 1), {})
    keys, _ = read_keys(root, TOP_KEYS, "", unknown=Severity.WARNING)
    layers = [keys, *(read_host_file(file)[0] for file in host_files)]
    defaults, _ = read_defaults(layers)
    drafts, _ = read_drafts(layers)
    of_sinks = {name: Reading(sinks.definition(name).KEYS) for name in sinks.SINKS}
    others = Reading({})
    for layer in layers:
        for name, under in of_sinks.items():
            if layer[name] is not None:
                of_sinks[name] = read_keys(layer[name], under.keys, name)[0].over(under)
        rest = {name: given for name, given in layer.given.items() if name not in _SECTIONS}
        others = Reading(layer.keys, rest).over(others)
    return Effective(
        folders=Folders(folder, {str(file): file.parent for file in host_files}),
        files=(path, *host_files),
        databases={
            # What is said of an engine has a table of keys of its own, without `engine`.
            name: Entered(
                draft.where,
                replace(draft.keys, keys=entry_keys(draft.engine)),
                draft.engine,
            )
            for name, draft in drafts.items()
        },
        sinks=of_sinks,
        reports={
            name: replace(entry, keys=_without_unused_db(entry.keys, drafts))
            for name, entry in _reports(root, defaults)
        },
        others=others,
    )


def _reports(root: Section, defaults: Reading) -> Iterator[tuple[str, Entered]]:
    entry: Entry | None = root.entries.get("reports")
    if entry is None or not isinstance(entry.value, Section):
        return
    for name, own in entry.value.entries.items():
        section, _ = as_section(own.value, f"report {name!r}")
        if section is None:
            unreadable = Reading(REPORT_KEYS, bad=frozenset({ALL}))
            yield name, Entered(own.key.where, unreadable)
        else:
            keys, _ = read_keys(section, REPORT_KEYS, f"report {name!r}")
            yield name, Entered(own.key.where, keys.over(defaults))


def _without_unused_db(keys: Reading, drafts: Mapping[str, Draft]) -> Reading:
    """Return a report's keys without the `db` of `defaults` where that is of another engine than its type."""
    engine, draft = keys["type"], drafts.get(keys["db"])
    if (
        engine in {None, "sql"} | registry.WITHOUT_ENTRIES
        or is_own(keys, "db")
        or (draft and draft.engine == engine)
    ):
        return keys
    return replace(keys, given={name: one for name, one in keys.given.items() if name != "db"})


def path_from(folders: Folders, where: Where, path: str) -> str:
    """Return a path as the project's own file would name it: one of host settings is made absolute."""
    folder = folders.of(where)
    if folder is folders.project or path.startswith("~"):
        return path
    return os.path.abspath(folder / path)
