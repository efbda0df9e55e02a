"""A query file's statements, as Hive takes them: one at a time, without semicolons and comments.

Some versions of Hive reject a semicolon at the end, a comment in slashes, or one before SET.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Protocol

_SET_LINE = re.compile(r"^[ \t]*set\b", re.IGNORECASE | re.MULTILINE)
_SET = re.compile(r"[ \t]*(set\b)", re.IGNORECASE)
_SEMICOLON = re.compile(r"(?<!\\);")
_QUOTE = re.compile(r"(?<!\w)['\"`]|['\"`](?!\w)")  # not the apostrophe of a word
_FIRST_WORD = re.compile(r"\W*(\w*)")
READING = frozenset({"SELECT", "WITH", "FROM", "VALUES", "SHOW", "DESC", "DESCRIBE", "EXPLAIN"})
_PARSED = frozenset({"SELECT", "WITH", "FROM", "INSERT"})


def statements(text: str) -> list[str]:
    r"""Return the statements of a file, in order.

    Queries keep the line numbers of the file, for the positions in Hive's errors.

    >>> statements("SET x=it's; SELECT 'a;b' -- it's\n, `c;d`;")
    ["SET x=it's", "SELECT 'a;b'\n, `c;d`"]
    """
    try:
        # As Spark reads it, where a comment may hold another. Hive's ends with the first `*/`.
        every = list(_found(text, nested=True))
    except _EndlessError:
        every = list(_found(text, nested=False))
    return [
        "\n" * text.count("\n", 0, at) + found if first_word(found) in _PARSED else found
        for at, found in every
    ]


def first_word(statement: str) -> str:
    """Return a statement's first word, in capitals."""
    match = _FIRST_WORD.match(statement)
    return match[1].upper() if match else ""


def is_setting(statement: str) -> bool:
    """Return whether a statement only changes the session: SET and USE."""
    return first_word(statement) in ("SET", "USE")


def only_reads(statement: str) -> bool:
    """Return whether a statement surely changes no table.

    >>> [only_reads(text) for text in ("SELECT `insert`", "FROM t INSERT INTO u SELECT 1", "DROP TABLE t")]
    [True, False, False]
    """
    if first_word(statement) not in READING:
        return False
    try:
        tokens = _tokens(statement, nested=True)
    except _EndlessError:
        return False  # what it does, the server knows best
    return not any(statement[token.start : token.end + 1].upper() == "INSERT" for token in tokens)


def use(database: str) -> str:
    """Return the statement that makes a database the current one."""
    name = database.replace("`", "``")
    return f"USE `{name}`"


class _Token(Protocol):
    """What is needed of sqlglot's tokens: the offsets of the first and the last character."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def token_type(self) -> object: ...


def _found(text: str, *, nested: bool) -> Iterator[tuple[int, str]]:
    """Yield each statement, with the offset at which it begins.

    Raises _EndlessError where comments are `nested` and the text does not end well; else what is
    left is the last statement.
    """
    at = 0
    for begin in (match.start() for match in _SET_LINE.finditer(text)):
        # Lines that begin with SET are not left to the tokenizer: what it takes for a quote or a
        # comment is part of the value there. But such a line may also stand inside a statement.
        if begin < at:
            continue
        try:
            tokens = _tokens(text[at:begin], nested=nested)
        except _EndlessError:
            continue
        past = max((at + token.end + 1 for token in tokens if _is_semicolon(token)), default=at)
        yield from _split(text, at, past, nested=nested)
        at = past
        if not tokens or _is_semicolon(tokens[-1]):
            at = begin
            while match := _SET.match(text, at):
                end = _end(text, at)
                yield match.start(1), text[match.start(1) : end].rstrip()
                at = end + 1
    yield from _split(text, at, len(text), nested=nested)


def _end(text: str, at: int) -> int:
    """Return where the SET statement at `at` ends: at its semicolon, or with its line.

    A semicolon between quotes is part of the value, if the quotes do match; so is an escaped one.
    """
    newline = text.find("\n", at)
    past = len(text) if newline < 0 else newline
    ends = [match.start() for match in _SEMICOLON.finditer(text, at, past)] + [past]
    for end in ends:
        quotes = Counter(match[0] for match in _QUOTE.finditer(text, at, end))
        if all(count % 2 == 0 for count in quotes.values()):
            return end
    return ends[0]


def _split(text: str, at: int, past: int, *, nested: bool) -> Iterator[tuple[int, str]]:
    first = at
    try:
        tokens = _tokens(text[at:past], nested=nested)
    except _EndlessError:
        if nested:
            raise
        # What is wrong with it, the server knows best.
        yield at, text[at:past].strip().rstrip(";")
        return
    parts: list[str] = []
    begin = at
    for token in tokens:
        start, end = first + token.start, first + token.end + 1
        if start < at:  # sqlglot makes three tokens of `10L`, all in one place
            continue
        if not _is_semicolon(token):
            if parts:
                parts.append(_blank(text[at:start]))
            else:
                begin = start
            parts.append(text[start:end])
        elif parts:
            yield begin, "".join(parts)
            parts = []
        at = end
    if parts:
        yield begin, "".join(parts)


def _blank(gap: str) -> str:
    """Return what stays of the blanks and comments between two tokens.

    No line of it is empty: beeline takes such lines out, and the positions in errors were wrong.
    """
    return "\n " * (gap.count("\n") - 1) + "\n" if "\n" in gap else " " if gap else ""


class _EndlessError(Exception):
    """A string, a name or a comment has no end."""


def _tokens(text: str, *, nested: bool) -> Sequence[_Token]:
    from sqlglot.errors import TokenError

    try:
        return _tokenizer(nested)(text)
    except TokenError:
        raise _EndlessError from None


def _is_semicolon(token: _Token) -> bool:
    from sqlglot import TokenType

    return token.token_type is TokenType.SEMICOLON


@functools.cache
def _tokenizer(nested: bool) -> Callable[[str], Sequence[_Token]]:
    from sqlglot.dialects.hive import Hive

    class Tokenizer(Hive.Tokenizer):
        NESTED_COMMENTS = nested
        # Else sqlglot makes one token of some statements, with the comments in them.
        COMMANDS: ClassVar = set()

    return lambda text: Tokenizer().tokenize(text)
