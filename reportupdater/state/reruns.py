"""Rerun requests: to compute again what is done.

People leave them as files in the project's `.reruns/`: a date, a date (exclusive), then names of
reports, a line each; without names the file means every report. The files are read, never written.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import Problem, Severity, Where
from reportupdater.intervals import parse_moment
from reportupdater.state import history, valid
from reportupdater.state.storable import storable
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored

_FORM = (
    "first two lines: from which date, until which date (exclusive);"
    " then names of reports, a line each"
)


class RerunFile(NamedTuple):
    """A file that asks for `[since, until)` of some reports (of all, if none is named) again."""

    name: str
    mtime_ns: int
    digest: str
    """That of its content: the same file in another checkout is the same request."""
    since: datetime
    until: datetime
    reports: tuple[str, ...]


def read_files(project: Path) -> tuple[list[RerunFile], list[Problem]]:
    """Return the rerun files of a project, oldest name first, and what is wrong with the others."""
    files, problems = [], []
    folder = project / ".reruns"
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        what = f"the rerun requests cannot be read: {error.strerror}"
        return [], [Problem(what, Where(str(folder)), severity=Severity.WARNING)]
    for path in paths:
        if path.name.startswith("."):
            continue
        try:
            if not path.is_file():
                continue
        except OSError as error:
            problems.append(_nothing(path, str(error.strerror or error), hint=""))
            continue
        if storable(path.name) != path.name:
            problems.append(_nothing(path, "its name is not UTF-8", hint="rename it"))
            continue
        try:
            files.append(_read(path))
        except OSError as error:
            problems.append(_nothing(path, str(error.strerror or error), hint=""))
        except UnicodeDecodeError:
            problems.append(_nothing(path, "not UTF-8"))
        except _BadLine as error:
            problems.append(_nothing(path, error.what, error.line))
    return files, problems


def _nothing(path: Path, what: str, line: int = 0, hint: str = _FORM) -> Problem:
    what = f"this file requests nothing: {what}"
    return Problem(what, Where(str(path), line), hint, Severity.WARNING)


class _BadLine(Exception):
    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def _read(path: Path) -> RerunFile:
    content = path.read_bytes()
    lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    dates = []
    for number in (1, 2):
        try:
            dates.append(parse_moment(lines[number - 1]))
        except IndexError:
            raise _BadLine(number, "the line is missing") from None
        except ValueError as error:
            raise _BadLine(number, str(error)) from None
    if dates[0] >= dates[1]:
        raise _BadLine(2, "the range is empty")
    names = tuple(line for line in lines[2:] if line)
    from hashlib import sha256  # most projects have no such files

    digest = sha256(content).hexdigest()[:32]
    return RerunFile(path.name, path.stat().st_mtime_ns, digest, dates[0], dates[1], names)


def expand(state: Tables, file: RerunFile, report: str, starts: Sequence[tuple[str, str]]) -> None:
    """Request intervals, given as TSV and start, and remember the file as expanded for the report."""
    from reportupdater.state import rerun_files, retries  # which most runs have no use for

    with state.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO marks (series, start, asked) VALUES (?, ?, '')",
            [(state.series_id(connection, tsv, report), start) for tsv, start in starts],
        )
        rerun_files.note(connection, file, report, is_left=False)
        retries.retry_now(connection, starts)


def open_requests(state: Tables, report: str) -> dict[str, list[str]]:
    """Return the starts of the requested intervals of each TSV; they need be no interval's starts."""
    starts: dict[str, list[str]] = defaultdict(list)
    with state.reading() as connection:
        for tsv, start in valid.rows(
            connection,
            "marks",
            (valid.is_name, valid.is_text),
            "SELECT tsv, start FROM marks JOIN series ON series.id = marks.series"
            " WHERE report = ? ORDER BY tsv, start",
            (report,),
        ):
            starts[tsv].append(start)
    return starts


def drop(state: Tables, starts: Iterable[tuple[str, str]]) -> None:
    """Forget requests, given as TSV and start."""
    with state.transaction() as connection:
        connection.executemany(
            "DELETE FROM marks WHERE series = (SELECT id FROM series WHERE tsv = ?) AND start = ?",
            starts,
        )


def ask(
    state: Tables,
    report: str,
    starts: Sequence[tuple[str, str]],
    at: datetime,
    *,
    allow_empty: bool = False,
) -> None:
    """Request intervals, given as TSV and start, at a moment.

    A run that began before may have had their old query or data: it does not answer the request.
    With `allow_empty` a result without values may replace values.
    """
    from reportupdater.state import retries

    with state.transaction() as connection:
        connection.executemany(
            "INSERT INTO marks VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET asked = max(asked, excluded.asked), allow_empty = excluded.allow_empty",
            [
                (state.series_id(connection, tsv, report), start, history.stamp(at), allow_empty)
                for tsv, start in starts
            ],
        )
        retries.retry_now(connection, starts)


def allows_empty(state: Tables, tsv: str, start: str) -> bool:
    """Return whether an interval is requested again, and may give no values."""
    with state.reading() as connection:
        return bool(
            connection.execute(
                "SELECT 1 FROM marks JOIN series ON series.id = marks.series"
                " WHERE tsv = ? AND start = ? AND allow_empty",
                (tsv, start),
            ).fetchone()
        )


class RerunRequest(NamedTuple):
    """An interval that shall be computed again."""

    report: str
    tsv: str
    start: str


def listed(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[RerunRequest]:
    """Return all open requests, by TSV and start; a start need be no interval's."""
    found = valid.rows(
        connection,
        "marks",
        (valid.is_name, valid.is_name, valid.is_text),
        "SELECT report, tsv, start FROM marks JOIN series ON series.id = marks.series"
        " ORDER BY tsv, start",
        ignored=ignored,
    )
    return [RerunRequest(*row) for row in found]


def answered(
    connection: sqlite3.Connection, run: int, intervals: Iterable[tuple[int, str]]
) -> None:
    """Forget the requests of intervals, given as series and start, in the transaction that answers them.

    One that was made after the run began stays, for the next one.
    """
    if not connection.execute("SELECT 1 FROM marks LIMIT 1").fetchone():
        return  # as nearly always
    connection.executemany(
        "DELETE FROM marks WHERE series = ? AND start = ?"
        " AND asked <= (SELECT started FROM runs WHERE id = ?)",
        [(series, start, run) for series, start in intervals],
    )
