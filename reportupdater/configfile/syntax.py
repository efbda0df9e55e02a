"""What a YAML parser stumbled over, as one sentence for a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reportupdater.errors import Problem, Where

if TYPE_CHECKING:
    import yaml

_QUOTE_HINT = "text that begins with { [ or a quote must be in quotes as a whole"
_INDENT_HINT = "check its indentation, and whether a quote or a bracket above it is not closed"

# What the parsers say (the one in C, the one in Python), and what it means. The first that fits is
# taken. `True`: the place that matters is where the thing began, not where the parser gave up.
_MEANINGS: tuple[tuple[tuple[str, ...], bool, str, str], ...] = (
    (
        ("mapping values are not allowed",),
        False,
        "a ':' that cannot stand here",
        "put text that holds ': ' in quotes; check the indentation of this line and the one before",
    ),
    (
        ("could not find expected ':'",),
        True,
        "this line is no 'key: value'",
        "is a ':' missing, or the space after it?",
    ),
    (
        ("block sequence entries are not allowed", "sequence entries are not allowed"),
        False,
        "a '- ' that cannot stand here",
        "begin a list on a line of its own",
    ),
    (
        ("found unexpected end of stream", "found unexpected document indicator"),
        True,
        "a quote that is never closed",
        "",
    ),
    (
        ("expected ',' or ']'", "expected ',' or '}'"),
        True,
        "a bracket that is not closed, or a ',' is missing after it",
        "",
    ),
    (
        ("unknown escape character",),
        False,
        "a backslash that means nothing here",
        "use single quotes, or write \\\\",
    ),
    (
        ("invalid Unicode character escape", "expected escape sequence"),
        False,
        "a backslash that makes no character",
        "",
    ),
    (
        ("undefined tag handle",),
        False,
        "a tag that is not known",
        "put text that begins with ! in quotes",
    ),
    (
        ("expected alphabetic or numeric character",),
        False,
        "an '&' or '*' without a name",
        "put text that begins with & or * in quotes",
    ),
    (
        ("expected node content", "expected the node content"),
        False,
        "a value was expected here",
        "is a bracket not closed, or does text that begins with , ] or } lack its quotes?",
    ),
    (
        ("tab character",),
        False,
        "a tab where only spaces may stand",
        "indent with spaces",
    ),
    (
        ("expected key", "expected '-' indicator", "expected <block end>"),
        False,
        "this line does not fit the lines above it",
        _INDENT_HINT,
    ),
)


_NO_SPACE = re.compile(r"\s*(?:- )?([A-Za-z_]+):([^\s:/][^\s:]*)\s*$")


def explain(error: yaml.MarkedYAMLError, text: str, path: str) -> Problem:
    """Return a parser's error as a problem."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(f"not valid YAML: {error.problem}", Where(path, 1, 1))
    said = error.problem or ""
    where = _where(mark, path)
    if "cannot start any token" in said:
        return _bad_character(text[mark.index : mark.index + 1], where)
    if "expected key" in said or "expected <block end>" in said:
        before = text[: mark.index].rpartition("\n")[2].rstrip()
        if before and before[-1] in "}]'\"":
            return Problem(f"text after a closing {before[-1]}", where, _QUOTE_HINT)
    if (problem := _missing_space(mark, text, path)) is not None:
        return problem
    for fragments, at_beginning, what, hint in _MEANINGS:
        if any(fragment in said for fragment in fragments):
            if at_beginning and error.context_mark is not None:
                where = _where(error.context_mark, path)
            return Problem(what, where, hint)
    return Problem(f"not valid YAML: {' '.join(said.split())}", where)


def _missing_space(mark: yaml.Mark, text: str, path: str) -> Problem | None:
    """The problem of a key whose colon has no space after it, on the error's line or the one before."""
    lines = text.split("\n")
    for number in (mark.line, mark.line - 1):
        found = _NO_SPACE.match(lines[number]) if 0 <= number < len(lines) else None
        if found:
            key, value = found.groups()
            where = Where(path, number + 1, found.start(2) + 1)
            return Problem(f"no space after the colon of {key!r}", where, f"write {key}: {value}")
    return None


def _bad_character(character: str, where: Where) -> Problem:
    if character == "\t":
        return Problem("a tab where only spaces may stand", where, "indent with spaces")
    return Problem(f"text may not begin with {character!r}", where, "put it in quotes")


def _where(mark: yaml.Mark, path: str) -> Where:
    return Where(path, mark.line + 1, mark.column + 1)
