"""The TSVs of an output folder, by whatever program they were written."""

from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reportupdater.errors import UsageError
from reportupdater.intervals import Granularity
from reportupdater.spelling import normal
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder


def needed(output: Path) -> None:
    """Raise UsageError where there is no such folder, or none that may be looked at."""
    hint = "it is no folder"
    try:
        if stat.S_ISDIR(os.stat(output).st_mode):
            return
    except (FileNotFoundError, NotADirectoryError):
        hint = "the first run makes it"
    except OSError as error:
        raise UsageError(f"{output} cannot be read: {error.strerror}") from None
    raise UsageError(f"{output}: there is no such output folder", hint=hint)


def reports(output: Path) -> list[str]:
    """Return the names of the reports that have TSVs. Raises OSError."""
    names = set()
    root = Folder.at(output)
    for name, is_folder in root.entries():
        if name.startswith("."):
            continue
        if is_folder:
            if next(_below(root, (name,)), None):
                names.add(name)
        elif name.endswith(".tsv"):
            names.add(name.removesuffix(".tsv"))
    return sorted(names)


def series(output: Path, report: str, depth: int | None = None) -> list[str]:
    """Return the TSVs of a report, relative to the output folder, in the order of their names.

    `depth` is how many dimensions the report has; without it, all are given.
    """
    found: list[tuple[str, ...]] = []
    root = Folder.at(output)
    if not depth and _is_there(root, f"{report}.tsv"):
        found.append((report,))
    if depth != 0:
        below = _below(root, (report,))
        found += [parts for parts in below if depth is None or len(parts) == depth + 1]
    # Two files of one name in two spellings are one series, which cannot be read.
    return list({normal("/".join(parts)) + ".tsv": None for parts in sorted(found)})


def values(tsv: str) -> tuple[str, ...]:
    """Return the values of the dimensions that a TSV is of, in the order of the dimensions' names."""
    return tuple(tsv.removesuffix(".tsv").split("/")[1:])


def _below(above: Folder, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the TSVs in a folder of this name and those below it, each as its names without `.tsv`.

    Links are not followed, and what cannot be looked into has none.
    """
    try:
        folder = above.folder(parts[-1])
        entries = folder.entries()
    except OSError:
        return
    for name, is_folder in entries:
        if name.startswith("."):
            continue
        if is_folder:
            yield from _below(folder, (*parts, name))
        elif name.endswith(".tsv"):
            yield *parts, name.removesuffix(".tsv")


def _is_there(folder: Folder, name: str) -> bool:
    try:
        folder.stat(name)
    except OSError:
        return False
    return True


def granularity(place: Place | None) -> Granularity:
    """Return the granularity with which a TSV of which nothing is known can be read: hours, or days.

    Days are returned for weeks and months too, whose rows are dated by days. Raises TsvError, OSError.
    """
    try:
        descriptor = place.open() if place else None
    except FileNotFoundError:
        descriptor = None
    if descriptor is None:
        return Granularity.DAYS
    with open(descriptor, encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(file, dialect="excel-tab")
        try:
            next(rows, None)
            first = next((row[0] for row in rows if row), "")
            Granularity.HOURS.place(first)
        except (ValueError, csv.Error):
            return Granularity.DAYS
    return Granularity.HOURS
