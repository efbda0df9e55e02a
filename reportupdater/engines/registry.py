"""The engines by name: the only list of them."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from reportupdater.engines.base import Definition, Engine

ENGINES = {
    "mysql": "reportupdater.engines.mysql.config:Mysql",
    "sqlite": "reportupdater.engines.sqlite.config:Sqlite",
    "hive": "reportupdater.engines.hive.config:Hive",
    "script": "reportupdater.engines.script.config:Script",
}
"""Name → its definition, which is imported when it is first asked for."""

WITHOUT_ENTRIES = frozenset({"script"})
"""Those that run on this host, and have no entries of `databases`."""


def definition(name: str) -> Definition:
    """Return the definition of an engine. Raises KeyError for a name that is not in `ENGINES`."""
    return _made(ENGINES[name])


@cache
def _made(path: str) -> Definition:
    module, _, name = path.partition(":")
    made = getattr(import_module(module), name)()
    assert isinstance(made, Definition)
    return made


def entry_names() -> tuple[str, ...]:
    """Return the engines that entries of `databases` may have."""
    return tuple(name for name in ENGINES if name not in WITHOUT_ENTRIES)


def engine(name: str) -> Engine:
    """Return a new engine for one run. Raises KeyError for a name that is not in `ENGINES`."""
    return definition(name).engine()
