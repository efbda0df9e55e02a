"""How far a series is: what is done in its TSV, and how many of its newest intervals were empty.

A file that is as it was when its coverage was remembered is not read again but for its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from reportupdater.intervals import Coverage, Granularity
from reportupdater.store import remembered, tsv
from reportupdater.store.files import Place
from reportupdater.store.remembered import Identity

_END = 256
"""Bytes at the end of a file that are read first: in them nearly always is a row with a value."""
_MORE = 16


class Reach(NamedTuple):
    """How far a series is."""

    done: Coverage
    empty: int
    """The newest intervals, so many in a row, had no rows."""


def is_empty(rows: Iterable[Sequence[str]]) -> bool:
    """Whether rows are what stands for a result that had none: no column but the date has a value."""
    return all(len(row) > 1 and not any(row[1:]) for row in rows)


def reach(
    place: Place | None,
    granularity: Granularity,
    known: tuple[Identity, Coverage] | None,
    pending: Mapping[str, bool],
) -> Reach:
    """How far the series of a TSV is, of which something may be `known` from before.

    `pending` are the starts of its results that are not in the file yet, and whether they are empty.
    Raises TsvError and OSError where the file cannot be read.
    """
    file = remembered.identity(place)  # before it is read
    if file is None:
        stored = Coverage()
    elif known and known[0] == file:
        stored = known[1]
    else:
        stored = tsv.coverage(place, granularity)
    labelled = {granularity.labelled(start): empty for start, empty in pending.items()}
    waiting = {number: empty for number, empty in labelled.items() if number is not None}
    done = Coverage.of([*stored, *waiting]) if waiting else stored
    newest = done.newest
    if place and file and newest is not None and newest not in waiting:
        label = granularity.label(granularity.start(newest))
        if _ends_with_a_value(place, file.size, label.encode()):  # as nearly all do
            return Reach(done, 0)
    newest_first = _newest_first(place, granularity, stored)
    empty = 0
    for number in _falling(done):
        is_one = waiting.get(number)
        if is_one is None:
            is_one = next((one for at, one in newest_first if at == number), False)
        if not is_one:
            break
        empty += 1
    return Reach(done, empty)


def _ends_with_a_value(place: Place, size: int, label: bytes) -> bool:
    """Whether the last row of a TSV has this date and a value; False also where that is not plain."""
    descriptor = place.open()
    try:
        end = os.pread(descriptor, _END, max(0, size - _END))
    finally:
        os.close(descriptor)
    _, whole, row = end.rstrip(b"\r\n").rpartition(b"\n")
    date, _, cells = row.partition(b"\t")
    return bool(whole and cells.strip(b"\t")) and date == label and b'"' not in end


def _falling(numbers: Coverage) -> Iterator[int]:
    for first, past in reversed(numbers.runs):
        yield from range(past - 1, first - 1, -1)


def _newest_first(
    place: Place | None, granularity: Granularity, stored: Coverage
) -> Iterator[tuple[int, bool]]:
    """The intervals of a TSV, the newest first, each with whether it is empty.

    They are read from the end of the file as long as it is in the order of its dates, and plain.
    """
    last = None
    try:
        for found, number in zip(_backwards(place, granularity), _falling(stored), strict=False):
            if found[0] != number:
                break
            last = number
            yield found
        else:
            return
    except ValueError:  # quotes, or a date that is none
        pass
    content = tsv.read(place, granularity)
    groups = groupby(content.rows, key=lambda row: row.number)
    whole = {number: is_empty(row.cells for row in rows) for number, rows in groups}
    for number in sorted(whole, reverse=True):
        if last is None or number < last:
            yield number, whole[number]


def _backwards(place: Place | None, granularity: Granularity) -> Iterator[tuple[int, bool]]:
    """The runs of a file's rows with one interval, from its end, each with whether it is empty.

    Raises ValueError for what is not plain.
    """
    number, empty = None, True
    for line in _lines_backwards(place):
        date, *cells = line.split(b"\t")
        found = granularity.place(date.decode())[1]
        if found != number:
            if number is not None and empty:
                yield number, True
            number, empty = found, True
        if empty and (not cells or any(cells)):
            empty = False
            yield number, False
    if number is not None and empty:
        yield number, True


def _lines_backwards(place: Place | None) -> Iterator[bytes]:
    """The lines of a TSV but the first, from its end. Raises ValueError where there are quotes."""
    if place is None:
        return
    descriptor = place.open()
    try:
        past = os.fstat(descriptor).st_size
        length = _END
        rest = b""  # of a line that begins further up
        while past:
            begin = max(0, past - length)
            part = os.pread(descriptor, past - begin, begin) + rest
            if b'"' in part:
                raise ValueError("not plain")
            rest, *lines = part.split(b"\n")
            if not begin:
                lines.insert(0, rest)
                del lines[: next((at for at, line in enumerate(lines) if line.strip()), 0) + 1]
            for line in reversed(lines):
                row = line.removesuffix(b"\r")
                if row:
                    yield row
            past, length = begin, length * _MORE
    finally:
        os.close(descriptor)
