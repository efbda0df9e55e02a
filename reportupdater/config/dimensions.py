"""`explode_by`: the dimensions of a report and their values, from the configuration or a file."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from pathlib import Path

from reportupdater.config.schema import DIMENSION_KEYS
from reportupdater.configfile.document import Entry, Items, Refused, Scalar, Section, Value
from reportupdater.configfile.files import missing_hint, read_text
from reportupdater.configfile.kinds import CONTROL, LONGEST_PATH, describe
from reportupdater.configfile.sections import entries, read_keys, subject
from reportupdater.errors import Problem, Severity, Where, shown
from reportupdater.model import Dimension
from reportupdater.sinks import registry
from reportupdater.template import TIME_PLACEHOLDERS

MAX_SERIES = 100_000
"""More series than this in one report are taken for a mistake."""
MAX_NAME = 200
"""Characters of a value or a report's name: file systems take 255 bytes, endings included."""
NAME_HINT = "take letters, digits and _ . + -, first a letter, a digit or _"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_DIMENSION = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
LIST_ENDINGS = (".txt", ".csv", ".tsv", ".dblist", ".list")
_ANY_HINT = "`allow_values: any` takes it as it is: a quote or a backslash in it changes the query around it"
_EXAMPLE = "for example enwiki, dewiki"
_MOST_SHOWN = 5

Values = list[tuple[str, Where]]


def read_dimensions(
    section: Section, owner: str, folder: Path
) -> tuple[tuple[Dimension, ...], list[Problem]]:
    """Return all dimensions sorted by name, as far as they can be read. `owner` has the key."""
    dimensions: list[Dimension] = []
    problems = list(section.problems)
    for name, entry, found in entries(section):
        values, wrong = _read_dimension(name, entry.value, owner, folder)
        problems += [*found, *_wrong_dimension(name, entry), *wrong]
        dimensions.append(Dimension(name, values))
    series = math.prod(len(dimension.values) for dimension in dimensions)
    if series > MAX_SERIES:
        what = f"{subject('explode_by', owner)} makes {series:,} series"
        problems.append(Problem(what, section.where, f"at most {MAX_SERIES:,} are taken"))
    return tuple(sorted(dimensions, key=lambda dimension: dimension.name)), problems


def wrong_name(name: str) -> str:
    """Return what is wrong with the name of a report or a value as a part of a path, or nothing."""
    if not _NAME.fullmatch(name):
        return "holds what a file name must not"
    if ".." in name:
        return "holds '..'"
    return f"is longer than {MAX_NAME} characters" if len(name) > MAX_NAME else ""


def wrong_text(text: str) -> str:
    """Return the same for a value of a dimension that takes any: what no path and no command could bear.

    What begins with a dot is a folder's own name, the one above it, or a file of this program's;
    what begins with a hyphen is an option to a script.
    """
    if "/" in text or CONTROL.search(text):
        return "holds a slash, a line break or a control character"
    if ".." in text:
        return "holds '..'"
    if text[0] in ".-":
        return f"begins with {text[0]!r}"
    if text != text.strip():
        return "begins or ends with white space"
    return f"is longer than {MAX_NAME} bytes" if len(text.encode()) > MAX_NAME else ""


def _of_sinks() -> set[str]:
    """Return the placeholders that have a meaning of their own in the series keys of a sink."""
    return {name for sink in registry.SINKS for name in registry.definition(sink).PLACEHOLDERS}


def _wrong_dimension(name: str, entry: Entry) -> list[Problem]:
    if name in TIME_PLACEHOLDERS or (name.startswith("_") and name in _of_sinks()):
        what = f"a dimension cannot be called {shown(name)}"
        return [Problem(what, entry.key.where, "this is a placeholder with a meaning of its own")]
    if not _DIMENSION.fullmatch(name):
        what = f"a dimension cannot be called {shown(name)}"
        hint = "take letters, digits, _ and -, first a letter or _"
        key, colon, value = name.partition(":")
        if colon and value:
            hint = f"write {key}: {value}, with a space after the colon"
        return [Problem(what, entry.key.where, hint)]
    return []


def _read_dimension(
    name: str, value: Value, owner: str, folder: Path
) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the values of a dimension, given alone or as `values` beside other keys."""
    dimension = f"the dimension {shown(name)}"
    if not isinstance(value, Section):
        return _read_values(value, dimension, owner, folder)
    keys, problems = read_keys(value, DIMENSION_KEYS, f"{dimension} of {owner}")
    problems += keys.missing(f"{dimension} of {owner}", value.where)
    if keys.bad or problems:
        return (), problems
    return _read_values(
        keys["values"], dimension, owner, folder, any_text=keys["allow_values"] == "any"
    )


def _read_values(
    value: Value, dimension: str, owner: str, folder: Path, *, any_text: bool = False
) -> tuple[tuple[str, ...], list[Problem]]:
    if isinstance(value, Items):
        values, problems = _from_list(value, f"{dimension} of {owner}")
    elif isinstance(value, Scalar):
        values, problems = _from_text(value, f"{dimension} of {owner}", folder)
    else:
        return (), []  # already reported
    problems += _wrong_values(values, dimension, any_text=any_text)
    if any_text and not problems:
        problems = _odd_values(values, dimension)
    return tuple(text for text, _ in values), problems


def _from_list(items: Items, dimension: str) -> tuple[Values, list[Problem]]:
    if not items.values:
        return [], [Problem(f"{dimension} has no values", items.where, _EXAMPLE)]
    values: Values = []
    problems: list[Problem] = []
    for item in items.values:
        if isinstance(item, Scalar):
            values.append((item.text, item.where))
        elif isinstance(item, Refused):
            problems.append(item.problem)
        else:
            what = f"{dimension} has {describe(item)} among its values"
            problems.append(Problem(what, item.where))
    literals, wrong = _literals(values, dimension)
    return literals, [*problems, *wrong]


def _literals(values: Values, dimension: str) -> tuple[Values, list[Problem]]:
    """Return values that were written one by one: none of them is taken from a file, or meant to be."""
    problems = [
        Problem(
            f"{dimension} has the file {shown(text)} among its values",
            where,
            "a file that holds the values is given alone, as a text",
        )
        for text, where in values
        if text.endswith(LIST_ENDINGS)
    ]
    return [value for value in values if not value[0].endswith(LIST_ENDINGS)], problems


def _from_text(value: Scalar, dimension: str, folder: Path) -> tuple[Values, list[Problem]]:
    text = value.text.strip()
    if value.is_null or not text:
        return [], [Problem(f"{dimension} has no values", value.where, _EXAMPLE)]
    if "," in text or CONTROL.search(text) or len(text) > LONGEST_PATH:
        return _literals([(part.strip(), value.where) for part in text.split(",")], dimension)
    path = folder / text
    if os.path.isfile(path):
        return _from_file(path)
    if "/" in text or text.endswith(LIST_ENDINGS):
        what = f"{dimension} has no file {path} to take its values from"
        return [], [Problem(what, value.where, missing_hint(path))]
    listed = next(
        (text + ending for ending in LIST_ENDINGS if os.path.isfile(f"{path}{ending}")), ""
    )
    if listed:
        what = f"{dimension} has the one value {shown(text)}, and there is a file {listed}"
        hint = f"to take the values from it, write {listed}"
        return [(text, value.where)], [Problem(what, value.where, hint, Severity.WARNING)]
    return [(text, value.where)], []


def _from_file(path: Path) -> tuple[Values, list[Problem]]:
    text, problems = read_text(path)
    if text is None:
        return [], problems
    if not text.strip():
        return [], [Problem("a list of values that is empty", Where(str(path)))]
    name = str(path)
    return [
        (line.strip(), Where(name, number, len(line) - len(line.lstrip()) + 1))
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1)
    ], []


def _value_hint(text: str) -> str:
    if text.startswith("#"):
        return "a list of values has no comments: remove the line"
    return "a list file has one value a line" if "," in text else NAME_HINT


def _odd_values(values: Values, dimension: str) -> list[Problem]:
    """Return a warning about the values that only a dimension that takes any may have."""
    odd = [(text, where) for text, where in values if text and wrong_name(text)]
    if not odd:
        return []
    text, where = odd[0]
    others = f" and {len(odd) - 1:,} more" if len(odd) > 1 else ""
    what = f"the value {shown(text)} of {dimension}{others} holds more than letters, digits and _ . + -"
    return [Problem(what, where, _ANY_HINT, Severity.WARNING)]


def _wrong_values(values: Values, dimension: str, *, any_text: bool) -> list[Problem]:
    # Without the report's name: several may read the same file, and it is reported once.
    problems: list[Problem] = []
    first: dict[str, tuple[str, Where]] = {}
    for text, where in values:
        # As file systems compare them that ignore case, or the spelling of accents.
        folded = unicodedata.normalize("NFC", text).casefold()
        if not text:
            what, hint = f"{dimension} has an empty value", "remove the blank line or the comma"
        elif wrong := (wrong_text(text) if any_text else wrong_name(text)):
            what = f"the value {shown(text)} of {dimension} {wrong}"
            hint = _value_hint(text) if not any_text else ""
        elif folded in first:
            other, there = first[folded]
            how = (
                "is given twice" if other == text else f"differs from {shown(other)} in case alone"
            )
            place = "" if there == where else f"first on line {there.line}"
            what, hint = f"the value {shown(text)} of {dimension} {how}", place
        else:
            first[folded] = text, where
            continue
        problems.append(Problem(what, where, hint))
    first_ones, more = problems[:_MOST_SHOWN], problems[_MOST_SHOWN:]
    if more:
        what = f"{dimension} has {len(more):,} more values like these"
        first_ones.append(Problem(what, more[0].where))
    return first_ones
