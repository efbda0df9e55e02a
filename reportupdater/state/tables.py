"""The open tables of a state, be it the one that a run writes or a copy that is thrown away."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from reportupdater.errors import StateError, Where
from reportupdater.state.connection import MOVE_AWAY, explained
from reportupdater.state.place import FOLDER, NAME
from reportupdater.tsv.folder import Folder


class Tables(ABC):
    """What finds out what is due reads and writes of a state."""

    def __init__(self, output: Path, root: Folder | None) -> None:
        """`root` is the output folder, None where it is not there. `_connection` is set later."""
        self.output = output
        self.root = root
        self.folder = output / FOLDER
        self.path = self.folder / NAME
        self._connection: sqlite3.Connection
        self._series: dict[str, int] = {}

    @abstractmethod
    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a connection inside a transaction: all of it lasts, or nothing. Raises StateError."""

    @abstractmethod
    def fleeting(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a transaction for what is no loss: a power failure may undo it."""

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to read from. Raises StateError."""
        with explained(self.path):
            yield self._connection

    def damaged(self, what: str) -> StateError:
        """Return the error to raise where something in the state is not what was written."""
        message = f"the state is damaged: {what}"
        return StateError(message, where=Where(str(self.path)), hint=MOVE_AWAY)

    def series_id(self, connection: sqlite3.Connection, tsv: str, report: str) -> int:
        """Return the number of a series, given when it is first asked for."""
        number = self._series.get(tsv)
        if number is None:
            connection.execute(
                "INSERT OR IGNORE INTO series (tsv, report) VALUES (?, ?)", (tsv, report)
            )
            found = connection.execute("SELECT id FROM series WHERE tsv = ?", (tsv,)).fetchone()
            number = self._series[tsv] = int(found[0])
        return number
