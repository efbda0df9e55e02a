"""Host settings: files of the machine that are laid over every project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from reportupdater.config.schema import HOST_KEYS, ON_FAILURE_KEYS
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import absolute, mapping_in, read_needed
from reportupdater.configfile.sections import ALL, Reading, read_keys
from reportupdater.errors import Problem, UsageError, Where

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
    given = keys.given.get("on_failure")
    if given is not None and isinstance(given.value, Section):
        own, wrong = read_keys(given.value, ON_FAILURE_KEYS, "on_failure")
        found += [*wrong, *own.missing("on_failure", given.where)]
    return keys, [*problems, *found]


class OnFailure(NamedTuple):
    """A command to call, where it stands, and after how long it is called again for the same."""

    words: tuple[str, ...]
    where: Where
    repeat: timedelta | None


def on_failure(files: Sequence[Path]) -> OnFailure | None:
    """Return the command `on_failure`; the last file that has it counts.

    What cannot be read was reported when the project was loaded, and counts as absent.
    """
    found: OnFailure | None = None
    for file in files:
        with suppress(UsageError):
            given = read_host_file(file)[0].given.get("on_failure")
            if given is None:
                continue
            if given.value is None:  # `null` takes back what an earlier file says
                found = None
                continue
            command, repeat = given.value, None
            if isinstance(command, Section):
                own = read_keys(command, ON_FAILURE_KEYS, "on_failure")[0]
                command, repeat = own["command"], own["repeat"]
                if own.bad or command is None:
                    continue
            program, *words = command
            if "/" in program:  # else it is looked for in PATH
                program = str(absolute(file.parent, os.path.expanduser(program)))
            found = OnFailure((program, *words), given.where, repeat)
    return found
