"""Taking what may be a secret out of commands and addresses that are shown. Pure.

What is a secret is guessed by what is around it: it is better to show too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

HIDDEN = "***"
"""What is shown instead of what may be a secret."""

_NAME = (
    r"[\w.-]*(?:pass(?:w(?:or)?d|phrase)?|pwd|secret|token|credential|bearer|authorization|cookie"
    r"|signature|api-?key|(?<![a-z])key)s?(?![a-z])[\w.-]*"
)
"""The name of a secret: `--token`, `x-api-key`, `javax.net.ssl.keyStorePassword`."""
_NAMED = re.compile(rf"(?i)-{{0,2}}{_NAME}")
_CURTAILED = frozenset({"-p", "-w"})
"""Options of single letters that take a password."""
_INSIDE = re.compile(
    rf"(?i)(?P<named>(?<![\w.-]){_NAME}[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic|token)\s+)?)[^;&\s\"']+"
    rf"|(?P<option>(?<!\S)-{{1,2}}{_NAME}\s+[\"']?)[^\s\"';]+"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"
    r"|(?P<user>(?<![\w:/])(?:-u\s*|--user[= ]\s*)[\"']?[^\s:/\"']+:)[^\s\"'/][^\s\"']*"
)
_SCHEME = "[a-z][a-z0-9+.-]{0,39}"  # of any length, a long text of dotted words would take minutes
_URL = re.compile(rf"(?i)\b((?:{_SCHEME}:)?{_SCHEME}://)([^\s\"'<>]+)")
_RANDOM = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_~-]{16,}")
"""A part of a path that only those who may use it know, as those of addresses that take messages have."""


def redacted(text: str) -> str:
    """Return a text without the secrets that it may hold.

    >>> redacted("curl -H 'X-Token: abc' https://me:pw@example.org/hook?key=5")
    "curl -H 'X-Token: ***' https://***@example.org/hook?***"
    """
    return _INSIDE.sub(_kept, _URL.sub(_address, text))


def redacted_words(words: Iterable[str]) -> Iterator[str]:
    """Return the words of a command without secrets, also those that are words of their own."""
    before = ""
    for word in words:
        if before in _CURTAILED or (_NAMED.fullmatch(before) and not word.startswith("-")):
            yield HIDDEN
        elif before in ("-u", "--user") and "://" not in word and not word.startswith("jdbc:"):
            yield re.sub(r":.+", f":{HIDDEN}", word)
        else:
            yield redacted(word)
        before = word


class Redaction:
    """Takes the secrets of a command out of what it prints or what is said about it."""

    def __init__(self, words: Sequence[str]) -> None:
        found: set[str] = set()
        for word, shown in zip(words, redacted_words(words), strict=True):
            found.update(_hidden_in(word, shown))
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return a text without them, and without what else may be one."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return redacted(text)


def _hidden_in(word: str, shown: str) -> list[str]:
    """Return what of a word is hidden."""
    if shown == word:
        return []
    pattern = "(.+?)".join(map(re.escape, shown.split(HIDDEN)))
    match = re.fullmatch(pattern, word, re.DOTALL)
    return [part for part in match.groups() if len(part) > 3] if match else []


def _kept(found: re.Match[str]) -> str:
    return found[str(found.lastgroup)] + HIDDEN


def _address(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    authority = re.split(r"[/?#;]", rest, maxsplit=1)[0]
    _, at, host = authority.rpartition("@")
    path, question, _ = rest[len(authority) :].partition("#")[0].partition("?")
    # What follows a semicolon are settings of JDBC, which have names.
    path, semicolon, settings = path.partition(";")
    shown = "/".join(HIDDEN if _RANDOM.fullmatch(part) else part for part in path.split("/"))
    user, query = f"{HIDDEN}@" if at else "", f"?{HIDDEN}" if question else ""
    return f"{scheme}{user}{host}{shown}{semicolon}{settings}{query}"
