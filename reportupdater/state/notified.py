"""Of what `on_failure` has been called for: a small file for each configuration, beside the state.

Like failed starts it is written without the state, which may be what is wrong.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.errors import TsvError
from reportupdater.state import valid
from reportupdater.state.history import stamp
from reportupdater.state.place import FILE_MODE, FOLDER, NOTIFIED, home, private
from reportupdater.state.starts import file_of
from reportupdater.state.storable import storable
from reportupdater.tsv import replacing
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder

_LONGEST = 1 << 20
_MOST = 1_000
_LONGEST_TROUBLE = 500
"""Characters of what is wrong that are compared."""


class Notified(NamedTuple):
    """What was wrong when the command was called last, and when that was."""

    at: datetime
    troubles: frozenset[str]


def note(output: Path, config: Path, at: datetime, troubles: frozenset[str]) -> None:
    """Note that the command has been called, if there is an output folder. Raises OSError."""
    try:
        above = Folder.at(output)
    except FileNotFoundError:
        return
    stat = above.own_stat()
    folder = private(private(above, FOLDER, stat), NOTIFIED, stat)
    own = folder.own_stat()
    kept = sorted(map(_short, troubles))[:_MOST]
    text = json.dumps({"config": storable(str(config)), "at": stamp(at), "troubles": kept}) + "\n"
    place = Place(folder, file_of(config))
    replacing.publish(place, [text], mode=own.st_mode & FILE_MODE, group=own.st_gid)


def forget(output: Path, config: Path) -> None:
    """Forget it: all is well again. Raises OSError."""
    folder = _folder(output)
    if folder is not None:
        with suppress(FileNotFoundError):
            folder.remove(file_of(config))


def last(output: Path, config: Path) -> Notified | None:
    """Return of what the command was called last; None where all was well since, or it is not known."""
    try:
        folder = _folder(output)
        if folder is None:
            return None
        with open(Place(folder, file_of(config)).open(), encoding="utf-8") as file:
            found = json.loads(file.read(_LONGEST))
    except (OSError, TsvError, ValueError, RecursionError):
        return None
    checks = {"config": valid.is_name, "at": valid.is_stamp, "troubles": valid.texts}
    if not valid.has(found, checks):
        return None
    at = datetime.fromisoformat(found["at"].removesuffix("Z"))
    return Notified(at, frozenset(found["troubles"]))


def same(troubles: frozenset[str]) -> frozenset[str]:
    """Return troubles as they are compared with those that were noted."""
    return frozenset(sorted(map(_short, troubles))[:_MOST])


def _short(trouble: str) -> str:
    return storable(trouble[:_LONGEST_TROUBLE])


def _folder(output: Path) -> Folder | None:
    above = home(output)
    if above is None:
        return None
    try:
        return above.folder(NOTIFIED)
    except FileNotFoundError:
        return None
