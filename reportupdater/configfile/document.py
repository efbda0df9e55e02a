"""YAML as a frozen tree in which every value knows its line and column.

The tree keeps texts as they were written: what a text means (a number, a date, a switch) is for
the reader of the key to say, so that a value `no` or `0012` of a dimension stays that text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from reportupdater.configfile.syntax import explain
from reportupdater.errors import Problem, Where, shown

MAX_DEPTH = 50
"""Levels of nesting. No key needs more than six."""
MAX_VALUES = 1_000_000
"""Values in a file, those counted again that an alias repeats."""
MAX_PROBLEMS = 100
"""Keys that are given twice, and things that are no plain data, in one file."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# What YAML calls printable is all but these few, and a class of these few is quick to compile.
_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)
_YAML_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", _YAML_TAG + "str"})
_PLAIN_TAGS = frozenset(_YAML_TAG + name for name in ("null", "bool", "int", "float", "timestamp"))


class Scalar(NamedTuple):
    """A single value as it was written. `plain`: without quotes, so it may mean more than text."""

    where: Where
    text: str
    plain: bool = True

    @property
    def is_null(self) -> bool:
        """Whether it is no value: left empty, or `null`."""
        return self.plain and self.text in _NULLS


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list. `size` counts it and all below it."""

    where: Where
    values: tuple[Value, ...]
    size: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key and its value. `problems` are there if the key is given again: this one is the first."""

    key: Scalar
    value: Value
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A mapping, its merge keys laid in. `problems` are its own, not those of its entries."""

    where: Where
    entries: Mapping[str, Entry]
    problems: tuple[Problem, ...] = ()
    size: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """Something that is no plain data, with the problem that says so."""

    where: Where
    problem: Problem


Value = Scalar | Items | Section | Refused


class _Unreadable(Exception):
    """The document as a whole cannot be used."""

    def __init__(self, what: str, where: Where, hint: str = "") -> None:
        super().__init__(what)
        self.problem = Problem(what, where, hint)


def parse(text: str, path: str) -> tuple[Value | None, list[Problem]]:
    """Return the document in a text, and all that is wrong with its form.

    None is given for a text that is empty or cannot be read as YAML at all. The problems are all
    there are in the tree; the values that they concern carry them too.
    """
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        before = text[: unprintable.start()].split("\n")
        where = Where(path, len(before), len(before[-1]) + 1)
        return None, [Problem(f"a control character, {unprintable[0]!r}", where, "remove it")]
    # The parser in C takes a tenth of the time of the one in Python, which is always there.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    composer = _Composer(loader(text), path)
    try:
        try:
            return composer.document(), composer.problems
        except yaml.MarkedYAMLError as error:
            if "nesting depth" not in str(error.problem):
                raise
            # The parser in C looks ahead and has a limit of its own: the other meets ours first.
            return _Composer(yaml.SafeLoader(text), path).document(), []
    except _Unreadable as refusal:
        return None, [*composer.problems, refusal.problem]
    except yaml.MarkedYAMLError as error:
        return None, [explain(error, text, path)]
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # Some escapes end so, where only the parser in Python is there.
        return None, [Problem(f"not valid YAML: {' '.join(str(error).split())}", Where(path, 1, 1))]


class _Composer:
    """Makes the tree from the parser's events. Recursion is bounded by MAX_DEPTH."""

    def __init__(self, loader: Any, path: str) -> None:
        from yaml import events

        self._events = events
        self._next = loader.get_event
        self._path = path
        self._anchors: dict[str, Value] = {}
        self._open: set[str] = set()
        self.problems: list[Problem] = []

    def document(self) -> Value | None:
        self._next()  # the start of the stream
        event = self._next()
        if isinstance(event, self._events.StreamEndEvent):
            return None
        root = self._value(self._next(), 1)
        self._next()  # the end of the document
        event = self._next()
        if not isinstance(event, self._events.StreamEndEvent):
            hint = "a file holds one; remove the line of three dashes"
            raise _Unreadable("a second document begins here", self._where(event), hint)
        return None if isinstance(root, Scalar) and root.is_null else root

    def _where(self, event: Any) -> Where:
        return Where(self._path, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, what: str, where: Where, hint: str = "") -> Refused:
        return Refused(where, self._add(Problem(what, where, hint)))

    def _add(self, problem: Problem) -> Problem:
        self.problems.append(problem)
        if len(self.problems) > MAX_PROBLEMS:
            what = f"more than {MAX_PROBLEMS} mistakes of this kind: the rest was not read"
            raise _Unreadable(what, problem.where or Where(self._path))
        return problem

    def _value(self, event: Any, depth: int) -> Value:
        if isinstance(event, self._events.AliasEvent):
            return self._alias(event)
        where = self._where(event)
        if depth > MAX_DEPTH:
            raise _Unreadable(f"nested more than {MAX_DEPTH} levels deep", where)
        if event.anchor:
            self._open.add(event.anchor)
        value: Value
        if isinstance(event, self._events.ScalarEvent):
            plain = not event.style and event.tag not in _TEXT_TAGS
            value = Scalar(where, event.value, plain or event.tag in _PLAIN_TAGS)
            known = _TEXT_TAGS | _PLAIN_TAGS
        elif isinstance(event, self._events.SequenceStartEvent):
            value = self._items(where, depth)
            known = frozenset({_YAML_TAG + "seq"})
        else:
            value = self._section(where, depth)
            known = frozenset({_YAML_TAG + "map"})
        if event.tag and event.tag not in known:
            tag = event.tag.replace(_YAML_TAG, "!!")
            hint = "only plain data can stand here; put text that begins with ! in quotes"
            value = self._refuse(f"the tag {shown(tag)} is not taken", where, hint)
        if event.anchor:
            self._open.discard(event.anchor)
            self._anchors[event.anchor] = value
        return value

    def _alias(self, event: Any) -> Value:
        name, where = event.anchor, self._where(event)
        if name in self._open:
            return self._refuse(f"the alias {shown('*' + name)} stands inside what it names", where)
        value = self._anchors.get(name)
        if value is None:
            hint = "put text that begins with * in quotes"
            return self._refuse(
                f"the alias {shown('*' + name)} names nothing above it", where, hint
            )
        return value

    def _count(self, size: int, where: Where) -> int:
        if size > MAX_VALUES:
            what = f"more than {MAX_VALUES:,} values, counting again what aliases repeat"
            raise _Unreadable(what, where)
        return size

    def _items(self, where: Where, depth: int) -> Items:
        values: list[Value] = []
        size = 1
        while not isinstance(event := self._next(), self._events.SequenceEndEvent):
            value = self._value(event, depth + 1)
            values.append(value)
            size = self._count(size + _size(value), where)
        return Items(where, tuple(values), size)

    def _section(self, where: Where, depth: int) -> Section:
        entries: dict[str, Entry] = {}
        merged: list[Section] = []
        problems: list[Problem] = []
        size = 1
        while not isinstance(event := self._next(), self._events.MappingEndEvent):
            key = self._value(event, depth + 1)
            value = self._value(self._next(), depth + 1)
            size = self._count(size + _size(key) + _size(value), where)
            if not isinstance(key, Scalar):
                what = "a key must be a plain word, not a list or a mapping"
                problems.append(
                    key.problem
                    if isinstance(key, Refused)
                    else self._refuse(
                        what, key.where, "put text that begins with { in quotes"
                    ).problem
                )
            elif key.plain and key.text == "<<":
                merged += self._merged(value, problems)
            elif key.text in entries:
                entries[key.text] = self._repeated(entries[key.text], key)
            else:
                entries[key.text] = Entry(key, value)
        for section in merged:
            problems += section.problems
            for name, entry in section.entries.items():
                entries.setdefault(name, entry)
        return Section(where, entries, tuple(problems), size)

    def _merged(self, value: Value, problems: list[Problem]) -> list[Section]:
        sections: list[Section] = []
        for part in value.values if isinstance(value, Items) else (value,):
            if isinstance(part, Section):
                sections.append(part)
            elif isinstance(part, Refused):
                problems.append(part.problem)
            else:
                what = "'<<' takes a mapping, or a list of mappings, by their aliases"
                problems.append(self._refuse(what, part.where).problem)
        return sections

    def _repeated(self, first: Entry, key: Scalar) -> Entry:
        what = f"the key {shown(key.text)} is given twice"
        problem = self._add(Problem(what, key.where, f"first on line {first.key.where.line}"))
        return replace(first, problems=(*first.problems, problem))


def _size(value: Value) -> int:
    return value.size if isinstance(value, Items | Section) else 1
