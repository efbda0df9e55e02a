"""What TSVs stand in an output folder, whoever wrote them."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from reportupdater.errors import UsageError
from reportupdater.intervals import Granularity


def needed(output: Path) -> None:
    """Raise UsageError where there is no such folder."""
    if not output.is_dir():
        raise UsageError(f"{output}: there is no such output folder", hint="the first run makes it")


def reports(output: Path) -> list[str]:
    """The names of the reports that have TSVs. Raises OSError."""
    names = set()
    with os.scandir(output) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if next(_below(output / entry.name), None):
                    names.add(entry.name)
            elif entry.name.endswith(".tsv"):
                names.add(entry.name.removesuffix(".tsv"))
    return sorted(names)


def series(output: Path, report: str, depth: int | None = None) -> list[str]:
    """The TSVs of a report, relative to the output folder, in the order of their names.

    `depth` is how many dimensions the report has; without it, all are given.
    """
    found: list[tuple[str, ...]] = []
    if not depth and os.path.lexists(output / f"{report}.tsv"):
        found.append((report,))
    if depth != 0:
        for path in _below(output / report):
            parts = path.relative_to(output).with_suffix("").parts
            if depth is None or len(parts) == depth + 1:
                found.append(parts)
    return ["/".join(parts) + ".tsv" for parts in sorted(found)]


def values(tsv: str) -> tuple[str, ...]:
    """The values of the dimensions that a TSV is of, in the order of the dimensions' names."""
    return tuple(tsv.removesuffix(".tsv").split("/")[1:])


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):  # which follows no links
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.endswith(".tsv") and not name.startswith("."):
                yield Path(place, name)


def granularity(path: Path) -> Granularity:
    """The granularity with which a TSV of which nothing is known can be read: hours, or days.

    Days stand for weeks and months too, whose rows are dated by days. Raises OSError.
    """
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file, dialect="excel-tab")
        try:
            next(rows, None)
            first = next((row[0] for row in rows if row), "")
            Granularity.HOURS.place(first)
        except (ValueError, csv.Error):
            return Granularity.DAYS
    return Granularity.HOURS
