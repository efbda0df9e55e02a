"""How far a series is: what is done in its TSV, and how many of its newest intervals were empty.

A file that is as it was when its coverage was remembered is not read again but for its end.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from reportupdater.intervals import Coverage, Granularity
from reportupdater.state import coverage
from reportupdater.state.coverage import Identity
from reportupdater.tsv import rows as stored_rows
from reportupdater.tsv.files import Place

_END = 256
"""Bytes at the end of a file that are read first: in them nearly always is a row with a value."""
_MORE = 16
_CELLS = bytes(byte if byte in b"\t\n\r" else ord("x") for byte in range(256))
"""How the shape of a text is seen: where its cells and lines are, not what they hold."""


class Reach(NamedTuple):
    """How far a series is."""

    done: Coverage
    empty: int
    """The newest intervals, so many in a row, had no rows."""


def is_empty(rows: Iterable[Sequence[str]]) -> bool:
    """Return whether rows are those of a result without rows: no column but the date has a value."""
    return all(len(row) > 1 and not any(row[1:]) for row in rows)


def reach(
    place: Place | None,
    granularity: Granularity,
    known: tuple[Identity, Coverage] | None,
    pending: Mapping[str, bool],
) -> Reach:
    """Return how far the series of a TSV is, of which something may be `known` from before.

    `pending` are the starts of its results that are not in the file yet, and whether they are empty.
    Raises TsvError and OSError where the file cannot be read.
    """
    file = coverage.identity(place)  # before it is read
    if file is None:
        stored = Coverage()
    elif known and known[0] == file:
        stored = known[1]
    else:
        stored = stored_rows.coverage(place, granularity)
    labelled = {granularity.labelled(start): empty for start, empty in pending.items()}
    waiting = {number: empty for number, empty in labelled.items() if number is not None}
    done = Coverage.of([*stored, *waiting]) if waiting else stored
    at_the_end = _empty_at_the_end(place, granularity, stored, waiting)
    if at_the_end is not None and not waiting:
        return Reach(done, done.count(at_the_end))
    empty = _empty(place, granularity) if at_the_end is None else at_the_end
    count = 0
    for number in _falling(done):
        if not waiting.get(number, number in empty):
            break
        count += 1
    return Reach(done, count)


def _falling(numbers: Coverage) -> Iterator[int]:
    for first, past in reversed(numbers.runs):
        yield from range(past - 1, first - 1, -1)


def _empty(place: Place | None, granularity: Granularity) -> set[int]:
    """Return the empty intervals of a TSV."""
    groups = groupby(stored_rows.read(place, granularity).rows, key=lambda row: row.number)
    found = {number: is_empty(row.cells for row in rows) for number, rows in groups}
    return {number for number, empty in found.items() if empty}


def _empty_at_the_end(
    place: Place | None, granularity: Granularity, stored: Coverage, waiting: Container[int]
) -> range | None:
    """Return the intervals after the newest that has a value, as the end of a TSV shows.

    None where it does not: there are quotes, no other columns, or rows that are not in the order of
    their dates; or that newest one is waiting to be replaced.
    """
    newest = stored.newest
    if place is None or newest is None:
        return range(0)
    for end, is_all in _ends(place):
        if b'"' in end:
            return None
        at = end.translate(_CELLS).rfind(b"\tx")  # the last value
        row = end.rfind(b"\n", 0, max(at, 0)) + 1
        if at >= 0 and (row or is_all):
            break
    else:
        return None
    try:
        date, _, _ = end[row:].partition(b"\t")
        last = -1  # none has one, if it is in the header
        if not is_all or end[:row].strip():
            last = granularity.place(date.decode())[1]
        after = _numbers(end[at:].partition(b"\n")[2], granularity)
    except ValueError:
        return None
    found = range(last + 1, newest + 1)
    in_order = not after.runs or after.runs[0][0] >= last
    is_plain = in_order and after.count(found) == stored.count(found) and last not in waiting
    return found if is_plain else None


@lru_cache(16)  # where nothing has a value, the series of a report have all of it in common
def _numbers(rows: bytes, granularity: Granularity) -> Coverage:
    """Return the intervals of some rows.

    Raises ValueError where they are not in order, or have one column.
    """
    numbers = []
    for line in rows.split(b"\n"):
        date, tab, _ = line.partition(b"\t")
        if tab:
            numbers.append(granularity.place(date.decode())[1])
        elif line.strip():
            raise ValueError("it has one column")
    if numbers != sorted(numbers):
        raise ValueError("they are not in order")
    return Coverage.of(numbers)


def _ends(place: Place) -> Iterator[tuple[bytes, bool]]:
    """Yield the end of a file, more of it each time, and whether it is all of it."""
    descriptor = place.open()
    try:
        size = os.fstat(descriptor).st_size
        length = _END
        while True:
            begin = max(0, size - length)
            yield os.pread(descriptor, size - begin, begin), not begin
            if not begin:
                return
            length *= _MORE
    finally:
        os.close(descriptor)
