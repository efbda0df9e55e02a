"""What may be declared of a key: its kind, its default, what it is for."""

from __future__ import annotations

from typing import Any, NamedTuple

from reportupdater.configfile.kinds import Kind

GIVEN = object()
"""Matches any value of a key that is given."""


class Key(NamedTuple):
    """A key. `example` is there if it must be given: a value to show with the error.

    `unless` are other keys of the same section, each with the value that makes this one needless;
    `GIVEN` is any.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    example: str = ""
    unless: tuple[tuple[str, Any], ...] = ()


class OldKey(NamedTuple):
    """A key of older versions: accepted, ignored, and reported with what replaced it."""

    name: str
    replaced_by: str


Keys = dict[str, Key | OldKey]


def table(*keys: Key | OldKey) -> Keys:
    """Return the keys by name."""
    return {key.name: key for key in keys}
