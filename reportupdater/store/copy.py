"""The state as it is now, in memory: for those who ask what a run would do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from reportupdater.store import files
from reportupdater.store.state import FOLDER, NAME, State, explained, look, made_ready


class Copy(State):
    """A copy of the state of an output folder; an empty one where there is none yet.

    What a run would write goes into the copy and is gone with it, so that the same code tells what
    is due as in a run, and no file is made or changed, whatever other processes do.
    """

    def __init__(self, output: Path) -> None:
        """Copy the state of `output`, which may be missing. Raises StateError."""
        self.output = output
        self.folder = output / FOLDER
        self.path = self.folder / NAME
        self.root = files.opened(output)
        self._series = {}
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        with look(output) as connection:
            if connection is not None:
                connection.backup(self._connection)
        with explained(self.path):
            made_ready(self._connection, self.path)
