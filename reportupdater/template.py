"""Placeholders and rendering: `{name}` and `{name:.8}` as in Python's format strings. Pure.

Only plain names and a plain format are taken. Attributes, indexes, positions, conversions and
nested fields (`{a.b}`, `{a[0]}`, `{0}`, `{a!r}`, `{a:{b}}`) are refused, so that a template can
reach nothing but the texts it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeVar

from reportupdater.errors import Problem, Where, nearest
from reportupdater.intervals import Granularity, Interval

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SPEC = r"(?:.?[<>^])?[0-9]{0,3}(?:\.[0-9]{1,3})?s?"  # no width of gigabytes
_MOST_SHOWN = 5
_Wrong = TypeVar("_Wrong")
BRACES_HINT = "write {{ and }} where braces are meant"

TIME_PLACEHOLDERS = frozenset(
    {"from_timestamp", "to_timestamp", "from_date", "to_date", "year", "month", "day", "hour"}
)
"""The placeholders that an interval gives."""


class Placeholder(NamedTuple):
    """A name to be replaced, its format (may be empty), and its offset in the text."""

    name: str
    spec: str
    offset: int


class Template(NamedTuple):
    """A text in which placeholders stand: what `parse` makes."""

    text: str
    parts: tuple[str | Placeholder, ...]
    path: str = ""

    @property
    def placeholders(self) -> list[Placeholder]:
        """The placeholders in the order in which they stand."""
        return [part for part in self.parts if isinstance(part, Placeholder)]

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with its placeholders replaced.

        Raises KeyError for a name that `values` lacks.
        """
        return "".join(
            [
                part if isinstance(part, str) else format(values[part.name], part.spec)
                for part in self.parts
            ]
        )

    def where(self, placeholder: Placeholder) -> Where:
        """Return the file, line and column of a placeholder."""
        return _where(self.path, self.text, placeholder.offset)

    def unknown(self, known: Collection[str]) -> list[Problem]:
        """Return a problem for each placeholder that is not among `known`, as far as there are few."""
        wrong = [part for part in self.placeholders if part.name not in known]
        problems = [
            Problem(
                f"unknown placeholder {{{_shown(part.name)}}}",
                self.where(part),
                f"{nearest(part.name, known)}; {BRACES_HINT}",
            )
            for part in wrong[:_MOST_SHOWN]
        ]
        return problems + _more(wrong, self.where)


def parse(text: str, path: str = "") -> tuple[Template, list[Problem]]:
    """Return a template from its text, with what is wrong with it, each problem with its position.

    Where much is wrong (a file of another kind) the beginning is reported, and how much more there is.
    """
    parts: list[str | Placeholder] = []
    faults: list[tuple[str, int]] = []
    at = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[at : token.start()])
        at = token.end()
        if token[0] in ("{{", "}}"):
            parts.append(token[0][0])
            continue
        placeholder, wrong = _placeholder(token)
        if placeholder:
            parts.append(placeholder)
        else:
            faults.append((wrong, token.start()))
    parts.append(text[at:])
    problems = [
        Problem(what, _where(path, text, offset), BRACES_HINT)
        for what, offset in faults[:_MOST_SHOWN]
    ]
    problems += _more(faults, lambda fault: _where(path, text, fault[1]))
    return Template(text, tuple(part for part in parts if part != ""), path), problems


def _more(wrong: Sequence[_Wrong], where: Callable[[_Wrong], Where]) -> list[Problem]:
    """Return what is reported of all that is wrong beyond the first: to find each place takes a while."""
    more = len(wrong) - _MOST_SHOWN
    if more <= 0:
        return []
    what = f"{more:,} more braces like these" if more > 1 else "one more brace like these"
    return [Problem(what, where(wrong[_MOST_SHOWN]), BRACES_HINT)]


def _placeholder(token: re.Match[str]) -> tuple[Placeholder | None, str]:
    field = token[1]
    if field is None:
        return None, f"a single {token[0]} in the text"
    name, _, spec = field.partition(":")
    if not _NAME.fullmatch(name):
        return None, f"{_shown(token[0])} is no placeholder: only plain names are"
    if spec and not re.fullmatch(_SPEC, spec, re.ASCII):
        return None, f"{_shown(repr(spec))} in {_shown(token[0])} is no format for text"
    return Placeholder(name, spec, token.start()), ""


def _shown(text: str) -> str:
    """Return a text on one line, and not all of it where it is long: a stray brace may begin pages."""
    line = " ".join("".join(part if part.isprintable() else " " for part in text).split())
    return line if len(line) <= 60 else line[:59] + "…"


def _where(path: str, text: str, offset: int) -> Where:
    before = text[:offset]
    return Where(path, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


@lru_cache(4096)  # the series of a report have their intervals in common
def time_values(interval: Interval, granularity: Granularity) -> Mapping[str, str]:
    """Return the texts of the interval's placeholders.

    `from_date` and `to_date` are absent for hours, whose bounds they do not have.

    >>> day = Interval(datetime(2015, 1, 2), datetime(2015, 1, 3))
    >>> time_values(day, Granularity.DAYS)["to_timestamp"]
    '20150103000000'
    """
    start, end = _digits(interval.start), _digits(interval.end)
    values = {
        "from_timestamp": start,
        "to_timestamp": end,
        "year": start[:4],
        "month": start[4:6],
        "day": start[6:8],
        "hour": start[8:10],
    }
    if granularity is not Granularity.HOURS:
        values["from_date"] = granularity.label(interval.start)
        values["to_date"] = granularity.label(interval.end)
    return values


def _digits(moment: datetime) -> str:
    """Return a whole second as `YYYYMMDDHHMMSS`."""
    return moment.isoformat().replace("-", "").replace("T", "").replace(":", "")
