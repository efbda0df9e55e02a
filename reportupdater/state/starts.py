"""Runs that ended before they had a result: a small file for each configuration, beside the state.

It is written without the state, which may be what keeps a run from beginning, and removed by the next
run of the configuration that comes to its end.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import TsvError
from reportupdater.state import valid
from reportupdater.state.history import stamp
from reportupdater.state.place import FAILED_STARTS, FILE_MODE, FOLDER, home, private
from reportupdater.state.storable import storable
from reportupdater.tsv import replacing
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder

_LONGEST = 4_000
"""Characters of an error that are kept."""
_MOST = 1_000
"""Files that are looked at."""


class FailedStart(NamedTuple):
    """A run that could not begin, or not end as runs do."""

    config: str
    at: str
    exit_code: int
    error: str


_CHECKS = (valid.is_name, valid.is_stamp, valid.is_count, valid.is_text)


def note(output: Path, config: Path, at: datetime, exit_code: int, error: str) -> None:
    """Note a failed start, if there is an output folder. Raises OSError."""
    try:
        above = Folder.at(output)
    except FileNotFoundError:
        return
    stat = above.own_stat()
    folder = private(private(above, FOLDER, stat), FAILED_STARTS, stat)
    found = FailedStart(_name(config), stamp(at), exit_code, storable(error[:_LONGEST]))
    place = Place(folder, _file(found.config))
    own = folder.own_stat()
    text = json.dumps(found._asdict()) + "\n"
    replacing.publish(place, [text], mode=own.st_mode & FILE_MODE, group=own.st_gid)


def forget(state: Folder, config: Path) -> None:
    """Forget a failed start of a configuration; `state` is the folder of the state."""
    with suppress(OSError):
        state.folder(FAILED_STARTS).remove(_file(_name(config)))


def read(output: Path) -> list[FailedStart]:
    """Return the failed starts, as far as they can be read."""
    found: list[FailedStart] = []
    with suppress(OSError):
        above = home(output)
        folder = above.folder(FAILED_STARTS) if above else None
        if folder is None:
            return found
        for name, _ in sorted(folder.entries())[:_MOST]:
            if not name.endswith(".json"):
                continue
            with suppress(OSError, TsvError, ValueError, RecursionError, TypeError):
                with open(Place(folder, name).open(), encoding="utf-8") as file:
                    one = FailedStart(**json.loads(file.read(10 * _LONGEST)))
                if valid.passes(_CHECKS, one):
                    found.append(one)
    return found


def _name(config: Path) -> str:
    return storable(str(config.absolute()))


def file_of(config: Path) -> str:
    """Return the name of the file of a configuration."""
    return _file(_name(config))


def _file(config: str) -> str:
    return f"{sha256(config.encode()).hexdigest()[:24]}.json"
