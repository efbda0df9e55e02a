"""The rows of a few intervals of a TSV."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from reportupdater.intervals import Granularity
from reportupdater.tsv.files import Place
from reportupdater.tsv.header import Header
from reportupdater.tsv.rows import Row, checked_rows, plain_lines


class Found(NamedTuple):
    """The header of a TSV, and the rows of the intervals that were looked for."""

    header: Header
    rows: Mapping[int, list[tuple[str, ...]]]


def rows_of(place: Place | None, granularity: Granularity, wanted: Container[int]) -> Found:
    """Return the rows of intervals, given by their numbers. Raises TsvError, OSError.

    The rest of the file is passed over as quickly as can be.
    """
    try:
        return _found(_plain(place, granularity, wanted), wanted)
    except ValueError:  # what is odd, or wrong: only the slow way knows
        return _found(checked_rows(place, granularity), wanted)


def _found(rows: Iterable[Row], wanted: Container[int]) -> Found:
    each = iter(rows)
    first = next(each, None)
    found: defaultdict[int, list[tuple[str, ...]]] = defaultdict(list)
    for row in each:
        if row.number in wanted:
            found[row.number].append(row.cells)
    return Found(first.cells if first else (), found)


def _plain(place: Place | None, granularity: Granularity, wanted: Container[int]) -> Iterator[Row]:
    """Yield the header and the rows that are wanted. Raises ValueError where lines are not plain."""
    length = len(granularity.label(datetime.min)) + 1
    numbers: dict[str, int] = {}
    others: set[str] = set()
    parts = plain_lines(place, granularity)
    for header in next(parts, ()):
        yield Row(-1, tuple(header.split("\t")))
    for lines in parts:
        starts = {line[:length] for line in lines}
        for start in starts - numbers.keys() - others:
            label, number = granularity.place(start[:-1])
            if start != f"{label}\t":
                raise ValueError("not plain")
            if number in wanted:
                numbers[start] = number
            else:
                others.add(start)
        if not starts.isdisjoint(numbers):
            for line in lines:
                if line[:length] in numbers:
                    cells = line.removesuffix("\r").split("\t")
                    yield Row(numbers[line[:length]], tuple(cells))
