"""Runs that ended before they had a result: noted without the state, see `beside`.

The next run of the configuration that comes to its end forgets it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.state import beside, valid
from reportupdater.state.history import stamp
from reportupdater.state.place import FAILED_STARTS
from reportupdater.state.storable import storable
from reportupdater.tsv.folder import Folder

_LONGEST = 4_000
"""Characters of an error that are kept."""


class FailedStart(NamedTuple):
    """A run that could not begin, or not end as runs do."""

    config: str
    at: str
    exit_code: int
    error: str


_CHECKS = (valid.is_name, valid.is_stamp, valid.is_count, valid.is_text)


def note(output: Path, config: Path, at: datetime, exit_code: int, error: str) -> None:
    """Note a failed start, if there is an output folder. Raises OSError."""
    content = {"at": stamp(at), "exit_code": exit_code, "error": storable(error[:_LONGEST])}
    beside.write(output, FAILED_STARTS, config, content)


def forget(state: Folder, config: Path) -> None:
    """Forget a failed start of a configuration; `state` is the folder of the state."""
    with suppress(OSError):
        beside.remove(state, FAILED_STARTS, config)


def read(output: Path) -> list[FailedStart]:
    """Return the failed starts, as far as they can be read."""
    found: list[FailedStart] = []
    for content in beside.read_all(output, FAILED_STARTS):
        if isinstance(content, dict) and content.keys() == set(FailedStart._fields):
            one = FailedStart(**content)
            if valid.passes(_CHECKS, one):
                found.append(one)
    return found
