"""Reading a series' TSV, and merging committed results into it.

A header line, then rows sorted by date, quoted as by `csv`'s excel-tab dialect, lines ended by LF
(CR LF is read too, from older files). A file that breaks these rules is never written to: it is
reported with its line, since what it held is not known from what is left.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from reportupdater.errors import TsvError, Where, shown
from reportupdater.intervals import Coverage, Granularity
from reportupdater.tsv import header, replacing
from reportupdater.tsv.dialect import _texts
from reportupdater.tsv.files import Place
from reportupdater.tsv.header import Header
from reportupdater.tsv.replacing import Written

csv.field_size_limit(sys.maxsize)  # a cell of ten megabytes is still a cell

_CHUNK = 1 << 20
"""Bytes looked at together: a TSV of a hundred wikis' rows is large."""
_NEITHER_TAB_NOR_END = bytes({*range(256)} - {*b"\t\n"})
_cells = attrgetter("cells")
_REMEDY = "fix that line, or move the file away to have all of it computed again"


class Row(NamedTuple):
    """A row, and the number of the interval in which it lies. `cells[0]` is its date's label."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a TSV holds. A file that is absent or has no bytes has no header."""

    header: Header = ()
    rows: list[Row] = field(default_factory=list)


class Entry(NamedTuple):
    """The result of one interval, to be merged."""

    number: int
    header: Header
    rows: list[tuple[str, ...]]


def read(place: Place | None, granularity: Granularity) -> Content:
    """Return all of a TSV. Raises TsvError with the line of what is damaged, OSError."""
    rows = checked_rows(place, granularity)
    first = next(rows, None)
    return Content(first.cells, list(rows)) if first else Content()


def columns(place: Place | None, granularity: Granularity) -> Header:
    """Return the header alone; empty where there is none. Raises TsvError, OSError."""
    return next((row.cells for row in checked_rows(place, granularity)), ())


def coverage(place: Place | None, granularity: Granularity) -> Coverage:
    """Return the intervals in which a TSV has a row. Raises TsvError, OSError."""
    try:
        return _covered(_starts(place, granularity), granularity)
    except ValueError:
        rows = checked_rows(
            place, granularity
        )  # takes what is odd, and reports what is wrong and where
        next(rows, None)
        return Coverage.of({row.number for row in rows})


@lru_cache(16)  # the series of a report have most of their dates in common
def _covered(starts: Set[str], granularity: Granularity) -> Coverage:
    """Return the intervals of what `_starts` gives.

    Raises ValueError for what is no date and a tab.
    """
    return Coverage.of({granularity.place(_without_tab(start))[1] for start in starts})


def _without_tab(start: str) -> str:
    if start[-1:] != "\t":
        raise ValueError("not plain")
    return start[:-1]


def _starts(place: Place | None, granularity: Granularity) -> Set[str]:
    """Return how the lines of a TSV begin, up to the tab behind a date, if they are as nearly all lines are.

    This is quicker than to read cells. Raises ValueError where lines have quotes or another width.
    """
    length = len(granularity.label(datetime.min)) + 1
    starts: Set[str] = frozenset()
    parts = plain_lines(place, granularity)
    next(parts, None)  # the header
    for lines in parts:
        starts |= frozenset([line[:length] for line in lines])
    return starts


def plain_lines(place: Place | None, granularity: Granularity) -> Iterator[list[str]]:
    """Yield the lines of a TSV, many at a time, and first of all its header alone.

    Raises ValueError where lines have quotes or another width.
    """
    shape = b""
    if place is None:
        return
    try:
        with open(place.open(), "rb") as file:
            while chunk := file.read(_CHUNK):
                chunk += file.readline()
                if b'"' in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
                    raise ValueError("not plain")
                lines = chunk.decode("utf-8").split("\n")
                if lines.pop():
                    raise ValueError("the last line is not ended")
                shapes = chunk.translate(None, _NEITHER_TAB_NOR_END)
                if shapes != shapes[: shapes.index(b"\n") + 1] * len(lines):
                    raise ValueError("lines of another width")
                if not shape:
                    first = lines.pop(0).removeprefix("\ufeff").removesuffix("\r")
                    header = first.split("\t")
                    _check_header(header, Where(str(place), 1), granularity)
                    shape = shapes[: len(header)]
                    yield [first]
                if not shapes.startswith(shape):
                    raise ValueError("lines of another width")
                yield lines
    except FileNotFoundError:
        pass
    except TsvError:
        raise ValueError("not plain") from None


def checked_rows(place: Place | None, granularity: Granularity) -> Iterator[Row]:
    """Yield the header, as a row of no interval, then the rows."""
    if place is None:
        return
    width = 0
    label, number = "", 0
    text: str | None = None
    for line, cells in _lines(place):
        if not width:
            # Of files that were put together, one may also stand below blank lines.
            cells[0] = cells[0].lstrip("\ufeff")
            _check_header(cells, Where(str(place), line), granularity)
            width = len(cells)
            yield Row(-1, tuple(cells))
            continue
        if len(cells) != width:
            raise TsvError(
                f"{len(cells)} column{'s' * (len(cells) != 1)} where the header has {width}",
                where=Where(str(place), line),
                hint=_REMEDY,
            )
        if cells[0] != text:  # several rows may share a date
            text = cells[0]
            try:
                label, number = granularity.place(text)
            except ValueError as error:
                raise TsvError(str(error), where=Where(str(place), line), hint=_REMEDY) from None
        cells[0] = label
        yield Row(number, tuple(cells))


def merged(
    content: Content,
    entries: Iterable[Entry],
    *,
    max_data_points: int | None = None,
    over: int | None = None,
) -> Content:
    """Return a TSV's content after results: each replaces all rows in its interval.

    Entries count in the order of their intervals. With `max_data_points`, only that many
    intervals are kept, counted back from the newest below `over`, the first that is not over: what
    is dated later, by a slip or by a clock that was ahead, trims nothing.
    """
    entries = sorted(entries, key=lambda entry: entry.number)
    whole = content.header
    newest: Header = ()
    for entry in entries:
        if entry.header != newest:
            newest = entry.header
            whole = header.evolved(whole, newest)
    replaced = {entry.number for entry in entries}
    kept = [row for row in content.rows if row.number not in replaced]
    rows = _fitted(kept, content.header, whole)
    for entry in entries:
        added = [Row(entry.number, cells) for cells in entry.rows]
        rows.extend(_fitted(added, entry.header, whole))
    rows.sort(key=lambda row: row.cells[0])  # stable: rows of one date keep their order
    if max_data_points is not None:
        newest_over = next(
            (r.number for r in reversed(rows) if over is None or r.number < over), None
        )
        if newest_over is not None:
            oldest = newest_over - max_data_points + 1
            rows = [row for row in rows if row.number >= oldest]
    return Content(whole, rows)


def _fitted(rows: list[Row], columns: Header, whole: Header) -> list[Row]:
    places = header.positions(columns, whole) if columns else None
    if places is None:
        return rows
    return [Row(row.number, header.moved(row.cells, places, len(whole))) for row in rows]


def write(place: Place, content: Content, *, group: str | None = None) -> Written:
    """Write the new contents of a TSV, to be made durable later. Raises TsvError, OSError."""
    texts = _texts(chain([content.header], map(_cells, content.rows)))
    return replacing.write(place, texts, group=group)


def _lines(place: Place) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a file with the line on which it begins; blank lines are passed over."""
    try:
        descriptor = place.open()
    except FileNotFoundError:
        return
    # Lines end at LF alone, as in the line numbers of errors.
    with open(descriptor, encoding="utf-8-sig", newline="\n") as file:
        _check_end(descriptor, place)
        reader = csv.reader(file, dialect="excel-tab", strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            stray = str(error).startswith("new-line")  # the rest of it is for programmers
            what = "a carriage return within the line" if stray else f"quotes do not match: {error}"
            raise TsvError(what, where=Where(str(place), line), hint=_REMEDY) from None
        except UnicodeDecodeError:
            raise _undecodable(place) from None


def _check_end(descriptor: int, place: Place) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        with open(place.open(), "rb") as file:
            line = sum(1 for _ in file)
        raise TsvError(
            "the last line is not ended: the file may have been cut off in it",
            where=Where(str(place), line),
            hint="delete that line to have its interval computed again, or end it if it is whole",
        )


def _undecodable(place: Place) -> TsvError:
    with open(place.open(), "rb") as file:
        content = file.read()
    line = 0
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    return TsvError("not UTF-8", where=Where(str(place), line), hint=_REMEDY)


def _check_header(cells: list[str], where: Where, granularity: Granularity) -> None:
    twice = header.repeated(cells[1:])  # the date column may once have been called like another
    if twice:
        raise TsvError(
            f"the header has {shown(twice)} twice", where=where, hint="fix the header line"
        )
    try:
        granularity.place(cells[0])
    except ValueError:
        return
    raise TsvError("the header line is missing", where=where, hint="put it back as the first line")
