"""The TSVs of an output folder as files: whether one is as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reportupdater.spelling import normal
from reportupdater.state.coverage import Identity


def identities(output: Path) -> dict[str, Identity]:
    """Return the TSVs of an output folder as they are, by their paths in it, as series name them."""
    return {normal(tsv): found for tsv, found in _below(str(output), "")}


def _below(folder: str, prefix: str) -> Iterator[tuple[str, Identity]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if name.endswith(".tsv"):
                    if entry.is_file(follow_symlinks=False):
                        found = entry.stat(follow_symlinks=False)
                        yield (
                            prefix + name,
                            Identity(
                                found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
                            ),
                        )
                elif entry.is_dir(follow_symlinks=False):
                    yield from _below(f"{folder}/{name}", f"{prefix}{name}/")
    except OSError:
        return  # what cannot be looked into has none, as for all commands
