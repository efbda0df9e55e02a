"""The engines by name. Each module is imported when its engine is first asked for."""

from __future__ import annotations

from collections.abc import Callable

from reportupdater.engines.base import Engine


def _hive() -> Engine:
    from reportupdater.engines.hive.engine import HiveEngine

    return HiveEngine()


def _mysql() -> Engine:
    from reportupdater.engines.mysql.engine import MysqlEngine

    return MysqlEngine()


def _script() -> Engine:
    from reportupdater.engines.script.engine import ScriptEngine

    return ScriptEngine()


def _sqlite() -> Engine:
    from reportupdater.engines.sqlite.engine import SqliteEngine

    return SqliteEngine()


ENGINES: dict[str, Callable[[], Engine]] = {
    "hive": _hive,
    "mysql": _mysql,
    "script": _script,
    "sqlite": _sqlite,
}
"""Name → what makes the engine for one run."""


def engine(name: str) -> Engine:
    """A new engine of that name. Raises KeyError for a name that is not in `ENGINES`."""
    return ENGINES[name]()
