"""A report's TSVs as a pandas DataFrame, for notebooks."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportupdater.errors import TsvError, UsageError, nearest
from reportupdater.intervals import Granularity
from reportupdater.state import survey
from reportupdater.tsv import files, header, listing, rows

if TYPE_CHECKING:
    import pandas

_WHOLE = re.compile(r"-?[1-9][0-9]*|0")
_NUMBER = re.compile(r"-?(?:[1-9][0-9]*|0)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NOTHING = frozenset(("", "NULL", "nan"))
"""No value, beside numbers: an empty field, what `hive` once wrote, and what a float can be."""
_DIGITS = 20
"""Whole numbers with more characters are beyond 64 bits; Python would refuse some thousands."""
_INT64 = range(-(2**63), 2**63)


def read_report(
    output: str | os.PathLike[str], report: str, dimensions: Sequence[str] | None = None
) -> pandas.DataFrame:
    """Return all rows of a report of an output folder, series by series, each in the order of its dates.

    The first column is the date, a datetime64 in UTC; then comes a column of text for each
    dimension, then the report's own. `dimensions` are their names in alphabetical order, as in the
    folders below the report's; without them they are those that the runner remembers, else
    `dimension_1` and so on.

    A column in which all values are whole numbers of 64 bits is Int64, one in which all are numbers
    Float64, any other text (`string`). No value is `<NA>`.

    Raises UsageError if the folder has no such report or it has other dimensions, TsvError with
    file and line for a TSV that is damaged, OSError.
    """
    import numpy
    import pandas

    folder = Path(output)
    tsvs, names = _found(folder, report, dimensions)
    dates: list[str] = []
    values: list[list[str]] = [[] for _ in names]
    columns: header.Header = ()
    contents = []
    for path in tsvs:
        content = _read(folder, path)
        if content.header:
            columns = _both(columns, content.header) if columns else content.header
            contents.append((path, content))
    own: list[list[str]] = [[] for _ in columns[1:]]
    for path, content in contents:
        places = header.positions(content.header, columns)
        dates += [row.cells[0] for row in content.rows]
        for of_dimension, value in zip(values, listing.values(path), strict=True):
            of_dimension.extend([value] * len(content.rows))
        cells = [row.cells for row in content.rows]
        if places is not None:
            cells = [header.moved(row, places, len(columns)) for row in cells]
        for place, texts in enumerate(own, 1):
            texts += [row[place] for row in cells]
    typed = [
        numpy.array(dates, dtype="datetime64[s]"),
        *(pandas.array(of_dimension, dtype="string") for of_dimension in values),
        *map(_typed, own),
    ]
    return pandas.DataFrame(dict(zip(_names(columns, names), typed, strict=True)))


def _found(
    folder: Path, report: str, dimensions: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the TSVs of a report and the names of its dimensions. Raises UsageError."""
    listing.needed(folder)
    known = listing.reports(folder)
    if report not in known:
        raise UsageError(f"{folder} has no report {report!r}", hint=nearest(report, known))
    shape = survey.survey(folder).shapes.get(report)
    if dimensions is None and shape is not None:
        dimensions = shape.dimensions
    depth = None if dimensions is None else len(dimensions)
    tsvs = listing.series(folder, report, depth)
    depths = sorted({len(listing.values(path)) for path in listing.series(folder, report)})
    if not tsvs:
        has = " and ".join(map(str, depths))
        raise UsageError(
            f"{folder}: report {report!r} has TSVs of {has} dimensions, and not of {depth}",
            hint="`dimensions` are the names of the dimensions in alphabetical order",
        )
    if depth is None:
        if len(depths) > 1:
            has = " and of ".join(map(str, depths))
            raise UsageError(
                f"{folder}: report {report!r} has TSVs of {has} dimensions",
                hint="name those that are meant: dimensions=() for none",
            )
        return tsvs, [f"dimension_{number + 1}" for number in range(depths[0])]
    return tsvs, list(dimensions or ())


def _read(folder: Path, path: str) -> rows.Content:
    place = files.place(files.opened(folder), path)
    try:
        return rows.read(place, listing.granularity(place))
    except TsvError as error:
        if error.where is None or not str(error.what).endswith("has no hour"):
            raise
        return rows.read(place, Granularity.DAYS)


def _both(old: header.Header, new: header.Header) -> header.Header:
    """Return the columns of either, those of `old` first."""
    return old if old == new else header.evolved(new, old)


def _names(columns: header.Header, dimensions: Sequence[str]) -> list[str]:
    """Return what the columns are called: the date, the dimensions, the others; no two alike."""
    taken = set(dimensions)

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    date = free((columns[0] if columns else "") or "date")
    own = [free(name or f"column_{place}") for place, name in enumerate(columns[1:], 2)]
    return [date, *dimensions, *own]


def _typed(texts: Sequence[str]) -> Any:
    """Return a column's texts as a pandas array of the narrowest type that keeps each of them as it is."""
    import pandas

    values = [None if text in _NOTHING else text for text in texts]
    some = {text for text in values if text is not None}
    if some and all(map(_WHOLE.fullmatch, some)):
        if all(len(text) <= _DIGITS and int(text) in _INT64 for text in some):
            numbers = [None if text is None else int(text) for text in values]
            return pandas.array(numbers, dtype="Int64")
    elif some and all(map(_NUMBER.fullmatch, some)) and all(map(_is_kept, some)):
        decimals = [None if text is None else float(text) for text in values]
        return pandas.array(decimals, dtype="Float64")
    return pandas.array([text or None for text in texts], dtype="string")


def _is_kept(text: str) -> bool:
    """Return whether a number is in a float what it is: one of many digits would lose some."""
    if _WHOLE.fullmatch(text):
        return len(text) <= _DIGITS and float(text) == int(text)
    return isfinite(float(text))
