"""Small files beside the state, one a configuration: written without it, which may be what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from reportupdater.errors import TsvError
from reportupdater.state.place import FILE_MODE, FOLDER, home, private
from reportupdater.state.storable import storable
from reportupdater.tsv import replacing
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder

_LONGEST = 1 << 20
"""Characters of a file that are read."""
_MOST = 1_000
"""Files that are looked at."""


def write(output: Path, kind: str, config: Path, content: Mapping[str, object]) -> None:
    """Write the file of a configuration into the folder of its `kind`, if there is an output folder.

    Raises OSError.
    """
    try:
        above = Folder.at(output)
    except FileNotFoundError:
        return
    stat = above.own_stat()
    folder = private(private(above, FOLDER, stat), kind, stat)
    own = folder.own_stat()
    text = json.dumps({"config": name_of(config), **content}) + "\n"
    place = Place(folder, _file(config))
    replacing.publish(place, [text], mode=own.st_mode & FILE_MODE, group=own.st_gid)


def remove(state: Folder | None, kind: str, config: Path) -> None:
    """Remove the file of a configuration, if it is there; `state` is the folder of the state.

    Raises OSError.
    """
    if state is not None:
        with suppress(FileNotFoundError):
            state.folder(kind).remove(_file(config))


def read(output: Path, kind: str, config: Path) -> object:
    """Return what the file of a configuration holds; None where it cannot be read."""
    with suppress(OSError):
        state = home(output)
        if state is not None:
            return _read(Place(state.folder(kind), _file(config)))
    return None


def read_all(output: Path, kind: str) -> Iterator[object]:
    """Yield what the files of a kind hold, as far as they can be read."""
    with suppress(OSError):
        state = home(output)
        if state is None:
            return
        folder = state.folder(kind)
        for name, _ in sorted(folder.entries())[:_MOST]:
            if name.endswith(".json"):
                yield _read(Place(folder, name))


def name_of(config: Path) -> str:
    """Return how a configuration is named in the state."""
    return storable(str(config.absolute()))


def _read(place: Place) -> object:
    try:
        with open(place.open(), encoding="utf-8") as file:
            return json.loads(file.read(_LONGEST))
    except (OSError, TsvError, ValueError, RecursionError):
        return None


def _file(config: Path) -> str:
    return f"{sha256(name_of(config).encode()).hexdigest()[:24]}.json"
