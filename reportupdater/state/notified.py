"""Of what `on_failure` has been called for: noted without the state, see `beside`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from reportupdater.state import beside, valid
from reportupdater.state.history import stamp
from reportupdater.state.place import NOTIFIED, home
from reportupdater.state.storable import storable

_MOST = 1_000
_LONGEST_TROUBLE = 500
"""Characters of what is wrong that are compared."""


class Notified(NamedTuple):
    """What was wrong when the command was called last, and when that was."""

    at: datetime
    troubles: frozenset[str]


def note(output: Path, config: Path, at: datetime, troubles: frozenset[str]) -> None:
    """Note that the command has been called, if there is an output folder. Raises OSError."""
    content = {"at": stamp(at), "troubles": sorted(same(troubles))}
    beside.write(output, NOTIFIED, config, content)


def forget(output: Path, config: Path) -> None:
    """Forget it: all is well again. Raises OSError."""
    beside.remove(home(output), NOTIFIED, config)


def last(output: Path, config: Path) -> Notified | None:
    """Return of what the command was called last; None where all was well since, or it is not known."""
    found = beside.read(output, NOTIFIED, config)
    if not isinstance(found, dict) or not valid.has(
        found, {"config": valid.is_name, "at": valid.is_stamp, "troubles": valid.texts}
    ):
        return None
    at = datetime.fromisoformat(found["at"].removesuffix("Z"))
    return Notified(at, frozenset(found["troubles"]))


def same(troubles: frozenset[str]) -> frozenset[str]:
    """Return troubles as they are compared with those that were noted."""
    return frozenset(sorted(map(_short, troubles))[:_MOST])


def _short(trouble: str) -> str:
    return storable(trouble[:_LONGEST_TROUBLE])
