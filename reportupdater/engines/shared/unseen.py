"""Characters of a query that look like a space, or like nothing, and are none to a server. Pure."""

from __future__ import annotations

import re

from reportupdater.errors import QueryError

_UNSEEN = re.compile(
    "[\xa0\xad\u115f\u1160\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\u3164\ufeff\uffa0]"
)
_MEANT = re.compile(
    r"""'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | --[^\n]* | \#[^\n]* | /\*.*?\*/""",
    re.DOTALL | re.VERBOSE,
)
"""Texts and comments, where any character may be."""

_WHITE = re.compile(r"[ \t\r\n\f\v]+")
_SYNTAX = re.compile("syntax|parse|recognize", re.IGNORECASE)


def one_line(text: str) -> str:
    r"""Return a server's words on one line, with all that looks like a space but is none to it.

    >>> one_line("near\n  'id\xa0 x'\n")
    "near 'id\xa0 x'"
    """
    return _WHITE.sub(" ", text).strip(" ")


def explain(error: QueryError, query: str) -> None:
    """Let the error of a query show such characters, and say where the query has the first of them."""
    what = _UNSEEN.sub(lambda found: f"<{_code(found[0])}>", error.what)
    if what == error.what and not _SYNTAX.search(what):
        return
    error.what = what
    error.args = (what,)
    place = first(query)
    if place:
        error.hint = "; ".join(
            filter(None, (f"{place}: write a plain space, or nothing", error.hint))
        )


def first(query: str) -> str:
    r"""Return where a query has the first such character, and which it is; empty where it has none.

    >>> first("SELECT '\u3000',\n1\u200b AS n")
    'in line 2, character 2 of the query is ZERO WIDTH SPACE (U+200B)'
    """
    if query.isascii():
        return ""
    bare = _MEANT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), query)
    found = _UNSEEN.search(bare)
    if found is None:
        return ""
    import unicodedata

    line = query.count("\n", 0, found.start()) + 1
    column = found.start() - query.rfind("\n", 0, found.start())
    name = unicodedata.name(found[0], "a character that cannot be seen")
    return f"in line {line}, character {column} of the query is {name} ({_code(found[0])})"


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
