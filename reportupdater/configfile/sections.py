"""Reading a section against its table of keys, and laying one reading over another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from reportupdater.configfile.document import Entry, Refused, Scalar, Section, Value
from reportupdater.configfile.keys import GIVEN, Key, Keys
from reportupdater.configfile.kinds import describe, scalar_text
from reportupdater.errors import Problem, Severity, Where, nearest, shown

ALL = "all of it"
"""What is `bad` in a section of which nothing could be read."""

_MERGE = "<<"


class Given(NamedTuple):
    """A value that was read, where it stands, and whose it is as messages say it."""

    value: Any
    where: Where
    owner: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a section gives for the keys of a table, and its defaults for the others.

    `bad` are the names of what could not be read, unknown keys among them: what depends on one
    of these cannot be used. Their problems have been reported.
    """

    keys: Keys
    given: Mapping[str, Given] = field(default_factory=dict)
    bad: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Any:
        """The value of a key, or its default."""
        given = self.given.get(name)
        if given is not None:
            return given.value
        key = self.keys[name]
        return key.default if isinstance(key, Key) else None

    def where(self, name: str, otherwise: Where) -> Where:
        """Return where a key's value stands."""
        given = self.given.get(name)
        return given.where if given is not None else otherwise

    def subject(self, name: str) -> str:
        """Return a key that is given, as messages name it."""
        return subject(name, self.given[name].owner)

    def over(self, defaults: Reading) -> Reading:
        """This reading where it has a key, and `defaults` where it has not."""
        decided = self.given.keys() | self.bad
        fallen_back = {name: given for name, given in defaults.given.items() if name not in decided}
        return Reading(
            self.keys, {**fallen_back, **self.given}, self.bad | (defaults.bad - self.given.keys())
        )

    def missing(self, owner: str, where: Where) -> list[Problem]:
        """Return a problem for each key that must be given and is not."""
        return [
            Problem(f"{owner} has no {shown(name)}", where, f"for example {name}: {key.example}")
            for name, key in self.keys.items()
            if isinstance(key, Key) and key.example and name not in self.bad
            if self[name] is None and not self._needless(key)
        ]

    def _needless(self, key: Key) -> bool:
        """Return whether another key makes this one needless."""
        return any(
            self[other] is not None if value is GIVEN else self[other] == value
            for other, value in key.unless
        )


def subject(name: str, owner: str) -> str:
    """Return a key as messages name it."""
    return f"{shown(name)} of {owner}" if owner else shown(name)


def entries(section: Section) -> Iterator[tuple[str, Entry, list[Problem]]]:
    """Yield the entries of a section with names of people's choice, each with what is wrong with its form."""
    for name, entry in section.entries.items():
        problems = list(entry.problems)
        if isinstance(entry.value, Refused):
            problems.append(entry.value.problem)
        yield name, entry, problems


def as_section(value: Value, owner: str) -> tuple[Section | None, list[Problem]]:
    """Return a value that must be a mapping.

    Nothing counts as an empty one, None is given for all else.
    """
    if isinstance(value, Section):
        return value, []
    if isinstance(value, Refused):
        return None, [value.problem]
    if isinstance(value, Scalar) and value.is_null:
        return Section(value.where, {}), []
    what = f"{owner} must be a mapping of keys to values, not {describe(value)}"
    return None, [Problem(what, value.where)]


def read_texts(section: Section, owner: str) -> tuple[dict[str, tuple[str, Where]], list[Problem]]:
    """Return a mapping of names of people's choice to texts, each with where it stands."""
    texts: dict[str, tuple[str, Where]] = {}
    problems = list(section.problems)
    for name, entry, found in entries(section):
        problems += found
        if isinstance(entry.value, Refused):
            continue
        try:
            texts[name] = scalar_text(entry.value), entry.value.where
        except ValueError as error:
            what = f"{subject(name, owner)} must be text, not {describe(entry.value)}"
            problems.append(Problem(what, entry.value.where, str(error)))
    return texts, problems


def is_own(keys: Reading, name: str) -> bool:
    """Return whether a section itself gives a key, not `defaults`."""
    return name in keys.given and keys.given[name].owner != "defaults"


class Hints(Protocol):
    """Hints by the names of keys, such as a dict."""

    def get(self, name: str, /) -> str | None:
        """Return the hint for a key; None where there is none."""


def read_keys(
    section: Section,
    keys: Keys,
    owner: str,
    *,
    unknown: Severity = Severity.ERROR,
    elsewhere: Hints | None = None,
) -> tuple[Reading, list[Problem]]:
    """Return all keys of a section, each read as the table says.

    A key that is `null` counts as given, with its default: so a report undoes what `defaults` say.
    `elsewhere` has hints for keys that are known in another place.
    """
    given: dict[str, Given] = {}
    bad: set[str] = set()
    problems = list(section.problems)
    if problems:
        bad.add(_MERGE)
    for name, entry, found in entries(section):
        key = keys.get(name)
        if key is None:
            hint = (elsewhere and elsewhere.get(name)) or _nearest(name, keys)
            ending = "" if unknown is Severity.ERROR else " is ignored"
            what = f"unknown key {subject(name, owner)}{ending}"
            problems += [*found, Problem(what, entry.key.where, hint, unknown)]
            bad.add(name)
        elif isinstance(key, Key):
            value, wrong = _read(key, entry.value, owner)
            problems += [*found, *wrong]
            if found or wrong:
                bad.add(name)
            else:
                given[name] = Given(value, entry.value.where, owner)
        else:
            what = f"{subject(name, owner)} is of an older version and ignored"
            problems.append(Problem(what, entry.key.where, key.replaced_by, Severity.NOTICE))
    return Reading(keys, given, frozenset(bad)), problems


def read_layers(layers: Iterable[Section], keys: Keys, owner: str) -> tuple[Reading, list[Problem]]:
    """Return the keys of sections, each laid over the one before."""
    read = Reading(keys)
    problems: list[Problem] = []
    for section in layers:
        own, found = read_keys(section, keys, owner)
        read = own.over(read)
        problems += found
    return read, problems


def _nearest(name: str, keys: Keys) -> str:
    return nearest(name, (known for known, key in keys.items() if isinstance(key, Key)))


def _read(key: Key, value: Value, owner: str) -> tuple[Any, list[Problem]]:
    if isinstance(value, Refused):
        return None, []  # already reported
    if isinstance(value, Scalar) and value.is_null:
        return key.default, []
    try:
        return key.kind.read(value), []
    except ValueError as error:
        hint = str(error)
    what = f"{subject(key.name, owner)} must be {key.kind.takes}"
    if key.kind.is_shown or not isinstance(value, Scalar):
        what += f", not {describe(value)}"
    return None, [Problem(what, value.where, hint)]
