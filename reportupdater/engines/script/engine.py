"""The engine for scripts: programs on this host that print a table."""

from __future__ import annotations

import csv
import logging
import shlex
import sys
from collections.abc import Iterable

from reportupdater.engines.base import CONNECT_TIMEOUT, Session
from reportupdater.engines.shared.process import Ended, Programs, lines
from reportupdater.engines.shared.values import too_many_rows
from reportupdater.errors import QueryError, ResultError, shown
from reportupdater.model import Query, Server, Table, Task

_log = logging.getLogger(__name__)

csv.field_size_limit(sys.maxsize)  # one for the whole process; 128 KiB is too little for a cell


class ScriptEngine:
    """Scripts run on this host, in the caller's environment and working directory."""

    def server(self, task: Task) -> Server:
        """This host."""
        return Server("script", "localhost")

    def query(self, task: Task) -> Query:
        """Return the command: script, start, end, the dimensions' values, the script's folder."""
        report = task.series.report
        script = report.execute
        command = (str(script), task.start, task.end, *task.series.values, str(script.parent))
        return Query(shlex.join(command), command=command)

    def session(self, task: Task) -> Session:
        """Return a session for any script."""
        return ScriptSession()

    def access(self, task: Task) -> object:
        """Return the same for all: there is nothing to log in to."""
        return "localhost"

    def has_side_effects(self, task: Task) -> bool:
        """Return True: what a script does is not known."""
        return True


class ScriptSession:
    """Runs one script at a time."""

    connect_timeout = CONNECT_TIMEOUT
    progress = ""

    def __init__(self) -> None:
        self._programs = Programs("the script")

    @property
    def connected(self) -> bool:
        """Always: there is nothing to connect to."""
        return True

    def connect(self) -> None:
        """Nothing to do."""
        with self._programs.calls:
            pass

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return what the script printed.

        Raises QueryError, ResultError or, when cancelled, ConnectionFailed.
        """
        with self._programs.calls, self._programs.output() as output:
            ended = self._programs.run(query.command, output)
            if ended.status != 0:
                raise _failed(ended)
            if ended.said:
                _log.debug("%s wrote to standard error: %s", query.text, " / ".join(ended.said))
            return table(output, max_rows)

    def cancel(self) -> None:
        """End the script and its children: SIGTERM, then SIGKILL."""
        self._programs.calls.cancel()

    def close(self) -> None:
        """Nothing to do: `run` leaves nothing behind."""


def table(output: Iterable[bytes], max_rows: int) -> Table:
    """Return a printed table: a header line, then rows, as Python's csv writes them in its `excel-tab` form.

    Empty lines at the end are left out; one elsewhere is a row without fields. Raises ResultError.
    """
    reader = csv.reader(lines(output), "excel-tab", strict=True)
    rows: list[tuple[str, ...]] = []
    try:
        header = tuple(next(reader, ()))
        for row in reader:
            rows.append(tuple(row))
            if len(rows) > max_rows:
                raise too_many_rows(max_rows)
    except csv.Error as error:
        raise ResultError(
            f"line {reader.line_num} of the output is no TSV: {error}",
            hint="fields are quoted as by Python's csv module in its excel-tab form",
        ) from None
    while rows and not rows[-1]:
        rows.pop()
    if not header:
        what = "the first line is empty" if rows else "the script printed nothing"
        raise ResultError(f"{what}: a header line is expected", hint="print one in any case")
    if len(header) == 1:
        _check_only_column(header[0], rows)
    return Table(header, rows)


def _check_only_column(name: str, rows: list[tuple[str, ...]]) -> None:
    """Raise ResultError where a header of one column is none."""
    if any(len(row) > 1 for row in rows):
        raise ResultError(
            f"the first line, {shown(name)}, names one column, and rows have more",
            hint="the header line comes first; messages belong on standard error",
        )
    if "," in name and all("," in row[0] for row in rows if row):
        raise ResultError(
            f"the first line, {shown(name)}, has commas between its columns",
            hint="print a tab between columns",
        )


def _failed(ended: Ended) -> QueryError:
    """Return the error for a script that did not end well.

    What it said last comes first: it names the cause.
    """
    said = ended.said
    what = f"the script {ended.ending}: "
    what += said[-1] if said else "it wrote nothing to standard error"
    if len(said) > 1:
        what += "\n" + "\n".join(f"    {line}" for line in said[:-1])
    return QueryError(what, hint=ended.hint)
