"""The command that host settings name for runs that go wrong, read when it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from reportupdater.config.host import read_host_file
from reportupdater.config.schema import ON_FAILURE_KEYS
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import absolute
from reportupdater.configfile.sections import read_keys
from reportupdater.errors import UsageError, Where


class OnFailure(NamedTuple):
    """A command, its place in the settings, and after how long it is called again for the same."""

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
