"""What is done in each TSV, remembered between runs: a file is read again only after it has changed.

A file counts as unchanged by its size, inode, mtime and ctime. What had changed within two seconds
before it was read is not remembered: a second change may have left the same times. This is a memory
and no record: without it everything is read again, and nothing is different.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from reportupdater.intervals import Coverage, Granularity
from reportupdater.state.checksum import checksum
from reportupdater.state.tables import Tables
from reportupdater.tsv.files import Place

_STABLE_NS = 2_000_000_000


class Identity(NamedTuple):
    """The identity of a file: if it is the same, so is the file."""

    size: int
    inode: int
    mtime_ns: int
    ctime_ns: int


Memory = Mapping[str, tuple[Identity, Coverage]]
"""TSV → what is done in it, as long as it has this identity."""


def identity(place: Place | None) -> Identity | None:
    """Return a file as it is now; None if it is not there. Raises TsvError, OSError."""
    found = place.found() if place else None
    if found is None:
        return None
    return Identity(found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def is_stable(file: Identity) -> bool:
    """Return whether the file's last change is so long ago that the next one will have other times."""
    return max(file.mtime_ns, file.ctime_ns) + _STABLE_NS < time.time_ns()


def recall(state: Tables, report: str, granularity: Granularity) -> Memory:
    """Return what is remembered of a report's TSVs, read with this granularity."""
    with state.reading() as connection:
        return recalled(connection, report, granularity)


def recalled(connection: sqlite3.Connection, report: str, granularity: Granularity) -> Memory:
    """Return the same, for readers."""
    found = connection.execute(
        "SELECT checksum, tsv, granularity, size, inode, mtime_ns, ctime_ns, runs FROM coverage"
        " WHERE report = ? AND granularity = ?",
        (report, granularity.value),
    ).fetchall()
    memory = {}
    for check, tsv, unit, *file, runs in found:
        if check == checksum(tsv, unit, *file, runs):
            # Where it cannot be so, there is no memory: the file is read again.
            with suppress(ValueError, OverflowError, TypeError, AttributeError):
                memory[tsv] = Identity(*file), covered(runs, granularity)
    return memory


def remember(state: Tables, report: str, granularity: Granularity, memory: Memory) -> None:
    """Remember what is done in TSVs whose identity was taken before they were read."""
    rows = [
        (tsv, granularity.value, *file, spelled(coverage))
        for tsv, (file, coverage) in memory.items()
    ]
    with state.fleeting() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(report, *row, checksum(*row)) for row in rows],
        )


def spelled(coverage: Coverage) -> str:
    """Return a coverage as the state spells it."""
    return " ".join(f"{first} {past}" for first, past in coverage.runs)


@lru_cache(256)  # the series of a report have most of it in common
def covered(runs: str, granularity: Granularity) -> Coverage:
    """Return the coverage that a text of the state means. Raises what comes of one that means none."""
    bounds = [int(word) for word in runs.split()]
    if any(bound >= following for bound, following in pairwise(bounds)):
        raise ValueError("the runs are not in order")
    if bounds:
        granularity.start(bounds[0]), granularity.start(bounds[-1] - 1)
    return Coverage(tuple(zip(bounds[::2], bounds[1::2], strict=True)))
