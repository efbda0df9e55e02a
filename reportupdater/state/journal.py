"""Committed results that are not in their TSV yet, and the checkpoint that merges them into it."""

from __future__ import annotations

import csv
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity, over
from reportupdater.state import valid
from reportupdater.state.checksum import checksum
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored
from reportupdater.tsv import dialect, files, names
from reportupdater.tsv.header import Header
from reportupdater.tsv.replacing import Written
from reportupdater.tsv.rows import Entry, merged, read, write


class Result(NamedTuple):
    """A checked result with all that its merge needs, whatever becomes of its report meanwhile."""

    start: str
    granularity: Granularity
    header: tuple[str, ...]
    rows: str
    """Lines of TSV."""
    group: str | None
    max_data_points: int | None


class _Kept(NamedTuple):
    """What the journal holds of a result."""

    start: str
    granularity: str
    header: str
    rows: str
    group: str | None
    max_data_points: int | None


def add(connection: sqlite3.Connection, results: Iterable[tuple[int, str, Result]]) -> None:
    """Put results, each with its series' number and TSV, into the journal, inside a transaction."""
    entries = [
        (
            number,
            path,
            _Kept(
                result.start,
                result.granularity.value,
                _line(result.header),
                result.rows,
                result.group,
                result.max_data_points,
            ),
        )
        for number, path, result in results
    ]
    # A row at a time: of a statement that has ended, Python keeps the values.
    connection.executemany(
        "INSERT INTO journal (series, start, granularity, header, rows, owner_group,"
        " max_data_points, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(number, *entry, checksum(path, *entry)) for number, path, entry in entries],
    )


@lru_cache(64)  # of the results of a report nearly all have the same header
def _line(header: Header) -> str:
    return dialect.lines([header])


def reports(state: Tables) -> list[str]:
    """Return the reports that have results in the journal."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT DISTINCT report FROM series WHERE id IN (SELECT series FROM journal)"
            " ORDER BY report"
        )
        return [str(report) for (report,) in found]


def waiting(state: Tables, report: str) -> dict[str, list[str]]:
    """Return the TSVs of a report that have results in the journal, each with its intervals' starts."""
    starts: dict[str, list[str]] = defaultdict(list)
    with state.reading() as connection:
        for path, start in connection.execute(
            "SELECT tsv, start FROM journal JOIN series ON series.id = journal.series"
            " WHERE report = ? ORDER BY tsv",
            (report,),
        ):
            starts[path].append(start)
    return starts


def headers(state: Tables, path: str) -> list[Header]:
    """Return the headers of a TSV's results in the journal."""
    with state.reading() as connection:
        found = connection.execute(
            "SELECT DISTINCT header FROM journal JOIN series ON series.id = journal.series"
            " WHERE tsv = ?",
            (path,),
        ).fetchall()
    return [header for (line,) in found for header in dialect.parse(line)[:1]]


class Pending(NamedTuple):
    """A result of the journal, as far as its interval and rows go."""

    report: str
    tsv: str
    start: str
    rows: str


def pending(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Pending]:
    """Return all results of the journal, a later one of an interval after the one before."""
    found = valid.rows(
        connection,
        "journal",
        (valid.is_name, valid.is_name, valid.is_text, _is_table),
        "SELECT report, tsv, start, rows FROM journal JOIN series ON series.id = journal.series"
        " ORDER BY journal.id",
        ignored=ignored,
    )
    return [Pending(*row) for row in found]


def _is_table(value: object) -> bool:
    try:
        return isinstance(value, str) and all(dialect.parse(value))
    except csv.Error:
        return False


class Merged(NamedTuple):
    """A TSV with its results merged into it, to be made durable, then to be removed here.

    A result is forgotten only after its TSV is durable, and merging it twice changes nothing.
    """

    tsv: str
    newest: int
    """The highest number of a merged result."""
    file: Written


def merge(state: Tables, path: str, now: datetime) -> Merged | None:
    """Merge the results of one series into its TSV; the caller holds its report's lock.

    Nothing is trimmed by what is not over at `now`. None where it has none. Raises TsvError, OSError,
    and StateError where a result is not what was committed.
    """
    found = _kept(state, path)
    if found is None:
        return None
    kept, number = found
    entries, granularity = _read(state, path, kept)
    group, max_data_points = kept[-1].group, kept[-1].max_data_points
    del kept
    # Read and replaced in a folder that was opened once: whatever comes to have its name meanwhile.
    target = files.place(state.root, path, make=True)
    assert target is not None
    content = read(target, granularity)
    content = merged(content, entries, max_data_points=max_data_points, over=over(granularity, now))
    return Merged(path, number, write(target, content, group=group))


def entries(state: Tables, path: str) -> list[Entry]:
    """Return the results of one series that are not in its TSV yet, the last of each interval.

    Raises TsvError, StateError as `merge` does.
    """
    found = _kept(state, path)
    return _read(state, path, found[0])[0] if found else []


def _kept(state: Tables, path: str) -> tuple[list[_Kept], int] | None:
    """Return the results of a series, and the highest number of them; None where it has none."""
    kept: list[_Kept] = []
    number = 0
    with state.reading() as connection:
        for identity, report, check, *values in connection.execute(
            "SELECT journal.id, report, checksum, start, granularity, header, rows, owner_group,"
            " max_data_points FROM journal JOIN series ON series.id = journal.series"
            " WHERE tsv = ? ORDER BY journal.id",
            (path,),
        ):
            if check != checksum(path, *values):
                raise state.damaged(f"a result of {path} is not what was committed")
            if not names.belongs_to(path, str(report)):  # whose lock is held, and not another's
                raise TsvError(f"{path!r} is no TSV of the report {report!r}")
            kept.append(_Kept(*values))
            number = int(identity)
    return (kept, number) if kept else None


def _read(state: Tables, path: str, kept: list[_Kept]) -> tuple[list[Entry], Granularity]:
    try:
        return _entries(kept), Granularity(kept[-1].granularity)
    except (ValueError, LookupError, TypeError, csv.Error) as error:
        raise state.damaged(f"a result of {path} cannot be one: {error}") from None


_COMMITTED = (
    *(valid.is_text,) * 4,
    valid.or_none(valid.is_text),
    valid.or_none(valid.is_count),
)
"""What the values of a `_Kept` must be."""


def _entries(results: Iterable[_Kept]) -> list[Entry]:
    """Return the last result of each interval.

    Raises all that comes of values that were not committed.
    """
    last: dict[int, tuple[Header, str]] = {}
    headers: dict[str, Header] = {}
    granularity = Granularity.DAYS
    for one in results:
        if not valid.passes(_COMMITTED, one):
            raise ValueError("it has a value of another type")
        if not one.rows.endswith("\n"):
            raise ValueError("it has no rows")
        if one.header not in headers:
            headers[one.header] = dialect.parse(one.header)[0]
        granularity = Granularity(one.granularity)
        last[granularity.place(one.start)[1]] = headers[one.header], one.rows
    # All at once: there may be thousands of results with a row each.
    cells: dict[int, list[tuple[str, ...]]] = {place: [] for place in last}
    for row in dialect.parse("".join([rows for _, rows in last.values()])):
        cells[granularity.place(row[0])[1]].append(row)
    entries = [Entry(place, columns, cells[place]) for place, (columns, _) in last.items()]
    if any(len(row) != len(entry.header) for entry in entries for row in entry.rows):
        raise ValueError("a row is not as wide as the header")
    return entries


def forget(state: Tables, merged: Iterable[Merged]) -> None:
    """Take results out of the journal whose TSVs are durable."""
    with state.transaction() as connection:
        connection.executemany(
            "DELETE FROM journal WHERE series = (SELECT id FROM series WHERE tsv = ?) AND id <= ?",
            [(one.tsv, one.newest) for one in merged],
        )
