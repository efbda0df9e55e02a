"""A whole engine in one file, as docs/architecture.md tells how to add one: its queries are TSV text.

A query is the table that it gives. Its first line may be a command: `repeat N` numbers the rows of a
template, `wait SECONDS` takes its time, `fail TEXT` is an error.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import TEXT
from reportupdater.configfile.sections import Reading
from reportupdater.engines.base import CONNECT_TIMEOUT, Definition, Engine, Session, concurrency
from reportupdater.engines.shared import sql, values
from reportupdater.engines.shared.calls import Calls
from reportupdater.errors import ConnectionFailed, Problem, QueryError, ResultError
from reportupdater.model import Database, Query, Server, Table, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyDatabase(Database):
    """An entry of `databases` with `engine: toy`."""

    engine: ClassVar[str] = "toy"
    place: str


class Toy(Definition):
    """Texts that are tables."""

    QUERY_SUFFIX = ".toy"
    KEYS = table(Key("place", TEXT, "The name of its server.", example="here"), concurrency())

    def read(
        self, name: str, keys: Reading, folders: Folders
    ) -> tuple[Database | None, list[Problem]]:
        """Make an entry of its keys."""
        made = ToyDatabase(name=name, concurrency=keys["concurrency"], place=keys["place"])
        return made, []

    def engine(self) -> Engine:
        """Return a new engine for one run."""
        return ToyEngine()


class ToyEngine:
    """Its server is this process."""

    def server(self, task: Task) -> Server:
        """The place."""
        entry = task.series.report.database
        assert isinstance(entry, ToyDatabase)
        return Server("toy", entry.place)

    def query(self, task: Task) -> Query:
        """The rendered text."""
        return Query(sql.rendered(task))

    def session(self, task: Task) -> Session:
        """A session."""
        return ToySession()

    def access(self, task: Task) -> object:
        """All tasks are alike."""
        return None

    def has_side_effects(self, task: Task) -> bool:
        """It only reads."""
        return False


class ToySession:
    """A session that reads its query."""

    connect_timeout = CONNECT_TIMEOUT
    progress = ""

    def __init__(self) -> None:
        self.connected = False
        self._calls = Calls(self._stop, self._drop)
        self._stopped = threading.Event()

    def connect(self) -> None:
        """Begin."""
        with self._calls:
            self._stopped.clear()
            self.connected = True

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """The table that the query is."""
        with self._calls:
            if not self.connected:
                raise ConnectionFailed("it is not connected")
            lines = self._lines(query.text)
            header = next(lines, None)
            if header is None:
                raise ResultError("the query is no table")
            rows: list[tuple[str, ...]] = []
            for row in lines:
                if len(rows) == max_rows:
                    raise values.too_many_rows(max_rows)
                rows.append(tuple(row))
            return Table(tuple(header), rows)

    def _lines(self, text: str) -> Iterator[list[str]]:
        first, _, rest = text.partition("\n")
        command, _, argument = first.partition(" ")
        if command == "fail":
            raise QueryError(argument)
        if command == "wait":
            self._stopped.wait(float(argument))
        elif command == "repeat":
            header, row = rest.splitlines()
            yield header.split("\t")
            yield from (row.format(number).split("\t") for number in range(1, int(argument) + 1))
        else:
            yield from csv.reader(text.splitlines(keepends=True), "excel-tab")

    def cancel(self) -> None:
        """Stop the call in progress."""
        self._calls.cancel()

    def _stop(self, number: int) -> None:
        self._calls.during(number, self._stopped.set)

    def _drop(self) -> None:
        self.connected = False

    def close(self) -> None:
        """End."""
        self._drop()
