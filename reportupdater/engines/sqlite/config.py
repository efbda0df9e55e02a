"""The configuration of SQLite: the keys of an entry, what they make, what the engine can do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import PATH
from reportupdater.configfile.sections import Reading
from reportupdater.engines.base import Definition, Engine, concurrency, entry_path
from reportupdater.errors import Problem
from reportupdater.model import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteDatabase(Database):
    """An SQLite file, which is only read unless a report says that it writes."""

    engine: ClassVar[str] = "sqlite"
    path: Path

    @property
    def files(self) -> dict[str, Path]:
        """The database itself."""
        return {"path": self.path}


class Sqlite(Definition):
    """SQLite files."""

    TAKES_SQL = True
    KEYS = table(
        Key(
            "path",
            PATH,
            "The database file. It is opened for reading, unless a report says `writes: true`.",
            example="events.sqlite",
        ),
        concurrency(),
    )

    def read(
        self, name: str, keys: Reading, folders: Folders
    ) -> tuple[Database | None, list[Problem]]:
        """Make an entry of its keys."""
        path = entry_path(keys, "path", folders)
        return SqliteDatabase(name=name, concurrency=keys["concurrency"], path=path), []

    def engine(self) -> Engine:
        """Return a new engine for one run."""
        from reportupdater.engines.sqlite.engine import SqliteEngine

        return SqliteEngine()
