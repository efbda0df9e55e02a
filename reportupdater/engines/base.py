"""What the configuration and the runner ask of an engine, and nothing more."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Protocol

from reportupdater.configfile.files import Folders, absolute
from reportupdater.configfile.keys import Key, Keys
from reportupdater.configfile.kinds import whole
from reportupdater.configfile.sections import Reading
from reportupdater.engines.shared.query_file import find_query
from reportupdater.errors import Problem, Where
from reportupdater.model import Database, Query, Server, Table, Task
from reportupdater.template import Template

CONNECT_TIMEOUT = 10.0
"""Seconds within which a server must have taken a connection and answered a login."""


class Session(Protocol):
    """One connection of one worker thread. Everything but `cancel` is called by that thread alone.

    The worker connects whenever `connected` is false. Deadlines are the caller's: it calls
    `cancel`, and the call in progress must end soon, with an error.
    """

    @property
    def connected(self) -> bool:
        """Whether `run` may be called: false at first, and after a failure of the connection."""

    @property
    def connect_timeout(self) -> float:
        """Seconds within which `connect` must have ended: mostly CONNECT_TIMEOUT."""

    @property
    def progress(self) -> str:
        """How far the call in progress is, in words; empty where the server does not say."""

    def connect(self) -> None:
        """Log in, anew if need be. Raises ConnectionFailed."""

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return the query's table, with values as `values.text` writes them.

        The deadline is the caller's; `timeout`, in seconds, is only what a server that can end a
        query by itself is given, in case the caller is no longer there.

        Raises QueryError for the query's own error (QueryTimeout if the server ended it),
        ConnectionFailed when the server went away, ResultError for a result that has more than
        `max_rows` rows or is no table.
        """

    def cancel(self) -> None:
        """Stop the call in progress, on the server too, and drop the connection.

        Called from another thread at any moment, and returns at once. The call ends with
        ConnectionFailed within about two seconds; where none is in progress, the next one does.
        """

    def close(self) -> None:
        """Leave nothing behind: no connection, no process. Never raises."""


class Engine(Protocol):
    """One kind of database, or scripts. An instance serves one run."""

    def server(self, task: Task) -> Server:
        """Return the server that the task's query runs on, the same for all tasks of a series.

        Raises ReportupdaterError where it cannot be found.
        """

    def query(self, task: Task) -> Query:
        """Return the task's rendered query."""

    def session(self, task: Task) -> Session:
        """Return a new session, not connected, that can run this task and all with an equal `access`."""

    def access(self, task: Task) -> object:
        """Equal for tasks that one session can run one after the other. It is hashable.

        The same for all tasks of a series.
        """

    def has_side_effects(self, task: Task) -> bool:
        """Return whether the query may do more than read: such queries of one report run one at a time."""


class Definition(ABC):
    """An engine as the configuration sees it. Its module imports no driver, and not the engine."""

    QUERY_SUFFIX: ClassVar[str] = ".sql"
    """The ending of its query files."""
    TAKES_SQL: ClassVar[bool] = False
    """Whether reports with `type: sql` may run on it."""
    KEYS: ClassVar[Keys] = {}
    """The keys of its entries, but for `engine`."""

    def read(
        self, name: str, keys: Reading, folders: Folders
    ) -> tuple[Database | None, list[Problem]]:
        """Make an entry of its keys, all of which are valid. None where they do not go together."""
        raise NotImplementedError

    def host(self, jobs: int) -> Database:
        """Return what reports run on where there are no entries; `jobs` is the run's `--jobs`."""
        raise NotImplementedError

    def find_query(
        self, folder: Path, execute: str, where: Where, owner: str
    ) -> tuple[Template | None, list[Problem]]:
        """Parse the query file of a report. `where` is the place that names it."""
        return find_query(folder, execute, self.QUERY_SUFFIX, where, owner)

    def check_query(self, path: Path, where: Where, owner: str) -> list[Problem]:
        """Check more of a query file than loading the project needs, for the command `check`."""
        return []

    def example(self, name: str) -> str:
        """Return an entry of this name with the keys that it needs, as it is written."""
        needed = {key.name: key.example for key in self.KEYS.values() if isinstance(key, Key)}
        keys = "".join(f", {key}: {value}" for key, value in needed.items() if value)
        return f"{name}: {{engine: {name}{keys}}}"

    @abstractmethod
    def engine(self) -> Engine:
        """Return a new engine for one run."""


def concurrency(default: int = 4) -> Key:
    """Return the key `concurrency` of an entry."""
    meaning = "How many queries run on one server at once."
    return Key("concurrency", whole(1, 1000), meaning, default)


def entry_path(keys: Reading, name: str, folders: Folders) -> Path:
    """Return the path that a key of an entry names, absolute."""
    folder = folders.of(keys.where(name, Where("")))
    return absolute(folder, os.path.expanduser(keys[name]))
