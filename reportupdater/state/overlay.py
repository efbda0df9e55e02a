"""The state as it is now, only read: for those who ask what a run would do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from reportupdater.state import schema
from reportupdater.state.connection import checked_version, explained, look, made_ready
from reportupdater.state.tables import Tables
from reportupdater.tsv import files


class Overlay(Tables):
    """The state of an output folder, as at one moment; an empty one where there is none yet.

    What a run would write while it plans goes into copies of small tables in memory and is gone with
    them, so that the same code finds what is due as in a run, and no file is made or changed, whatever
    other processes do. Nothing else is copied: the history may have millions of rows.
    """

    def __init__(self, output: Path) -> None:
        """Look at the state of `output`, which may be missing. Raises StateError."""
        super().__init__(output, files.opened(output))
        with ExitStack() as opened, explained(self.path):
            found = opened.enter_context(look(output))
            version = checked_version(found, self.path) if found else 0
            if found is None or not version:  # there is none, or it has no tables yet
                found = opened.enter_context(closing(sqlite3.connect(":memory:")))
            self._connection = found
            found.isolation_level = None
            if version:
                found.execute("PRAGMA temp_store = MEMORY")
                found.execute("BEGIN")  # all that is read is of this moment
                if version == schema.VERSION:
                    schema.check(found)
                schema.lay_over(found)
            else:
                made_ready(found, self.path)
            self._opened = opened.pop_all()

    def __enter__(self) -> Overlay:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a part of the one transaction: all of it, or nothing. Raises StateError."""
        with explained(self.path):
            self._connection.execute("SAVEPOINT part")
            try:
                yield self._connection
            except BaseException:
                self._series.clear()
                self._connection.execute("ROLLBACK TO part")
                raise
            finally:
                self._connection.execute("RELEASE part")

    fleeting = transaction
