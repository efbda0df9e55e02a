"""Who wrote the TSVs of a report, so that two reports never mix in one file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import TsvError, Where
from reportupdater.intervals import Granularity
from reportupdater.state import journal, schema, valid
from reportupdater.state.storable import storable
from reportupdater.state.tables import Tables
from reportupdater.state.valid import Ignored

_GRANULARITIES = frozenset(granularity.value for granularity in Granularity)


class Owner(NamedTuple):
    """A report as far as its TSVs must know it."""

    report: str
    folder: str
    """The project's folder, absolute, as it was named; the name may lead elsewhere tomorrow."""
    real_folder: str
    """The same without symbolic links; two names may lead to one folder."""
    config: str
    granularity: str
    dimensions: str

    @staticmethod
    def of(
        report: str, folder: Path, config: Path, granularity: str, dimensions: list[str]
    ) -> Owner:
        """Return the owner that a run of a project is."""
        return Owner(
            report,
            storable(os.path.abspath(folder)),
            storable(os.path.realpath(folder)),
            storable(os.path.abspath(config)),
            granularity,
            ",".join(dimensions),
        )

    def is_as(self, other: Owner) -> bool:
        """Return whether it is the same configuration: by one of its folder's names, and its own."""
        folder = self.folder == other.folder or self.real_folder == other.real_folder
        return folder and os.path.basename(self.config) == os.path.basename(other.config)


def check(state: Tables, owner: Owner, still_has: Callable[[str, str], bool]) -> bool:
    """Raise TsvError if the report's TSVs are another's: of another project, or of another shape.

    Returns whether the state knows of what shape they are.

    As long as none of them stands or is still to be written, anybody may begin. A project that was
    moved or has given up the report (`still_has(config, report)` is false) has no say any more.
    """
    before = _last(state, owner.report)
    if before is None or before == owner:
        return before is not None
    place, unwritten = _standing(state, owner.report), _unwritten(state, owner.report)
    if unwritten is not None:  # a shape of its own: it cannot be merged with another
        move = "what was computed is still to be written there: fix what keeps it from that first"
    elif place is not None:
        move = f"move {place} away, or give the report another name"
    else:
        return True  # it knows that there are none
    place = unwritten or place
    if before.granularity != owner.granularity:
        raise TsvError(
            f"its TSVs are of granularity {before.granularity}, the report is of"
            f" {owner.granularity} now",
            where=Where(str(place)),
            hint=move,
        )
    if before.dimensions != owner.dimensions:
        raise TsvError(
            f"its TSVs are exploded by {before.dimensions or 'nothing'}, the report by"
            f" {owner.dimensions or 'nothing'} now",
            where=Where(str(place)),
            hint=move,
        )
    if not owner.is_as(before) and still_has(before.config, owner.report):
        raise TsvError(
            f"its TSVs are written by another project, {before.config}",
            where=Where(str(place)),
            hint="give one of the two another name or another output folder; to hand the report"
            f" over to this project, take it out of {before.config}",
        )
    return True


def _last(state: Tables, report: str) -> Owner | None:
    checks = (*(valid.is_name,) * 4, is_granularity, valid.is_name)
    with state.reading() as connection:
        found = valid.rows(
            connection,
            "owners",
            checks,
            "SELECT report, folder, real_folder, config, granularity, dimensions"
            " FROM owners WHERE report = ?",
            (report,),
        )
    return Owner(*found[0]) if found else None


def is_granularity(value: object) -> bool:
    """Return whether it is the name of a granularity."""
    return isinstance(value, str) and value in _GRANULARITIES


def begin_anew(state: Tables, owner: Owner) -> int:
    """Forget what the state has of a report that had another shape; how many open requests it had.

    Its TSVs are gone, so that anyone may begin: what is left speaks of intervals and series that it has
    no more. Single attempts stay: nothing is looked up there, and to find them may take a minute.
    """
    before = _last(state, owner.report)
    if before is None or before[-2:] == owner[-2:]:
        return 0
    of_report = "series IN (SELECT id FROM series WHERE report = ?)"
    with state.transaction() as connection:
        found = connection.execute(f"DELETE FROM marks WHERE {of_report}", (owner.report,))
        if schema.has_failing(connection):
            for table in ("failing", "answered"):
                connection.execute(f"DELETE FROM {table} WHERE {of_report}", (owner.report,))
        connection.execute("DELETE FROM owners WHERE report = ?", (owner.report,))
    return found.rowcount


def config_of_report(connection: sqlite3.Connection, report: str) -> str | None:
    """Return the configuration that wrote the TSVs of a report last."""
    found = connection.execute("SELECT config FROM owners WHERE report = ?", (report,)).fetchone()
    return str(found[0]) if found and valid.is_name(found[0]) else None


def config_of(connection: sqlite3.Connection, tsv: str) -> str | None:
    """Return the configuration that wrote a TSV last."""
    found = connection.execute(
        "SELECT config FROM owners JOIN series USING (report) WHERE tsv = ?", (tsv,)
    ).fetchone()
    return str(found[0]) if found else None


class Shape(NamedTuple):
    """The granularity and the dimensions of a report's TSVs."""

    granularity: str
    dimensions: tuple[str, ...]


def shapes(connection: sqlite3.Connection, ignored: Ignored | None = None) -> dict[str, Shape]:
    """Return the shape of each report's TSVs, as far as runs of this program wrote any."""
    found = valid.rows(
        connection,
        "owners",
        (valid.is_name, is_granularity, valid.is_name),
        "SELECT report, granularity, dimensions FROM owners",
        ignored=ignored,
    )
    return {
        report: Shape(granularity, tuple(dimensions.split(",")) if dimensions else ())
        for report, granularity, dimensions in found
    }


def _standing(state: Tables, report: str) -> Path | None:
    for name in (f"{report}.tsv", report):
        with suppress(OSError):
            if state.root is not None:
                state.root.stat(name)
                return state.output / name
    return None


def _unwritten(state: Tables, report: str) -> Path | None:
    waiting = journal.waiting(state, report)
    return state.output / min(waiting) if waiting else None


def claim(connection: sqlite3.Connection, owner: Owner) -> None:
    """Note who writes the report's TSVs from now on, inside the transaction of a result."""
    connection.execute(
        "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?, ?, ?)",
        (
            owner.report,
            owner.folder,
            owner.real_folder,
            owner.config,
            owner.granularity,
            owner.dimensions,
        ),
    )
