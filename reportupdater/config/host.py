"""Host settings: files of the machine that are laid over every project."""

from __future__ import annotations

import os
from pathlib import Path

from reportupdater.config.files import mapping_in, read_needed
from reportupdater.config.schema import HOST_KEYS
from reportupdater.config.sections import ALL, Reading, read_keys
from reportupdater.errors import Problem

_PLACES = ("/etc/reportupdater/config.yaml", "~/.config/reportupdater/config.yaml")
_ELSEWHERE = {"reports": "reports stand in the config.yaml of a project"}
_EXAMPLE = "for example engines: {mysql: {creds_file: ~/.my.cnf}}"


def default_host_files() -> tuple[Path, ...]:
    """The machine's file and the user's, as far as they are there, in the order of their laying."""
    return tuple(
        Path(path) for place in _PLACES if os.path.lexists(path := os.path.expanduser(place))
    )


def read_host_file(path: Path) -> tuple[Reading, list[Problem]]:
    """The top-level keys of a file of host settings. Raises UsageError if it cannot be read.

    Where anything is `bad` nobody knows what it should have changed, so no report may run.
    """
    root, problems = mapping_in(read_needed(path), str(path), "host settings", _EXAMPLE)
    if root is None:
        return Reading(HOST_KEYS, bad=frozenset({ALL} if problems else ())), problems
    keys, found = read_keys(root, HOST_KEYS, "", elsewhere=_ELSEWHERE)
    return keys, [*problems, *found]
