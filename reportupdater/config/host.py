"""Host settings: files of the machine that are laid over every project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reportupdater.config.schema import HOST_KEYS
from reportupdater.configfile.files import absolute, mapping_in, read_needed
from reportupdater.configfile.sections import ALL, Given, Reading, read_keys
from reportupdater.errors import Problem, UsageError

_PLACES = ("/etc/reportupdater/config.yaml", "~/.config/reportupdater/config.yaml")
_ELSEWHERE = {"reports": "reports belong into the config.yaml of a project"}
_EXAMPLE = "for example engines: {mysql: {creds_file: ~/.my.cnf}}"


def default_host_files() -> tuple[Path, ...]:
    """Return the machine's file and the user's, as far as they are there, in the order of their laying."""
    return tuple(
        Path(path) for place in _PLACES if os.path.lexists(path := os.path.expanduser(place))
    )


def read_host_file(path: Path) -> tuple[Reading, list[Problem]]:
    """Return the top-level keys of a file of host settings. Raises UsageError if it cannot be read.

    Where anything is `bad`, what it should have changed is unknown, so no report may run.
    """
    root, problems = mapping_in(read_needed(path), str(path), "host settings", _EXAMPLE)
    if root is None:
        return Reading(HOST_KEYS, bad=frozenset({ALL} if problems else ())), problems
    keys, found = read_keys(root, HOST_KEYS, "", elsewhere=_ELSEWHERE)
    return keys, [*problems, *found]


def on_failure(files: Sequence[Path]) -> Given | None:
    """Return the words of the command `on_failure`, and where they stand; the last file that has it counts.

    What cannot be read was reported when the project was loaded, and counts as absent.
    """
    found: Given | None = None
    for file in files:
        with suppress(UsageError):
            given = read_host_file(file)[0].given.get("on_failure")
            if given is None:
                continue
            if given.value is None:  # `null` takes back what an earlier file says
                found = None
                continue
            program, *words = given.value
            if "/" in program:  # else it is looked for in PATH
                program = str(absolute(file.parent, os.path.expanduser(program)))
            found = Given((program, *words), given.where, given.owner)
    return found
