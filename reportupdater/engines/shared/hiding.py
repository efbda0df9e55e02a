"""What a server says, without the login that it was sent: it may echo all that it gets. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

_PLAIN = re.compile(r"[\w.@$-]{1,32}")
"""A name as users have them. Any other may hold a password, put there by a slip."""

_PART = re.compile(r"""[^\s='"#;]{4,}""")

_SHORT = 4
"""Letters of a password; a shorter one is looked for as a word, else it would be all over."""

_CUT = 8
"""Letters after which a server may have cut a text short, and it is known all the same."""

E = TypeVar("E", bound=BaseException)


class Hidden:
    """Takes a user and a password out of texts: `<user>` and `<password>` are there instead.

    >>> Hidden("ada", "s3cret")("Access denied for user 'ada': s3cret")
    "Access denied for user '<user>': <password>"
    """

    def __init__(
        self, user: str | bytes | None = None, password: str | bytes | None = None
    ) -> None:
        self._words: list[tuple[re.Pattern[str], str]] = []
        self._texts: list[tuple[str, str]] = []
        for text in _spellings(password):
            self._add(text, "<password>", is_word=len(text) < _SHORT)
        for text in _spellings(user):
            is_plain = _PLAIN.fullmatch(text) is not None
            self._add(text, "<user>", is_word=is_plain)
            for part in () if is_plain else _PART.findall(text):
                self._add(part, "<user>", is_word=True)

    def __call__(self, text: str) -> str:
        """Return a text without what is hidden."""
        for secret, mark in self._texts:
            text = _without(text, secret, mark)
        for word, mark in self._words:
            text = word.sub(mark, text)
        return text

    def clean(self, error: E) -> E:
        """Take what is hidden out of an error of a driver, or of ours, and return it."""
        error.args = tuple(self._cleaned(part) for part in error.args)
        for name in ("what", "message"):
            if isinstance(text := getattr(error, name, None), str):
                setattr(error, name, self(text))
        return error

    def _add(self, text: str, mark: str, *, is_word: bool) -> None:
        if is_word:
            self._words.append((re.compile(rf"(?<!\w){re.escape(text)}(?!\w)"), mark))
        else:
            self._texts.append((text, mark))

    def _cleaned(self, part: Any) -> Any:
        """Return a part of an error: a text, or an answer of Thrift's with texts in its status."""
        if isinstance(part, str):
            return self(part)
        if isinstance(part, tuple):
            return tuple(self._cleaned(text) for text in part)
        if (status := getattr(part, "status", None)) is not None:
            status.errorMessage = self(status.errorMessage or "")
            status.infoMessages = [self(text) for text in status.infoMessages or ()]
        return part


def _spellings(secret: str | bytes | None) -> Iterator[str]:
    """Yield a text in the ways in which a server may spell it: its bytes need not be UTF-8."""
    data = secret.encode("utf-8", "surrogateescape") if isinstance(secret, str) else secret or b""
    texts = (
        data.decode("utf-8", "replace"),
        data.decode("utf-8", "backslashreplace"),
        data.decode("latin-1"),
        repr(data)[2:-1],
    )
    yield from dict.fromkeys(text for text in texts if text)


def _without(text: str, secret: str, mark: str) -> str:
    start = secret[:_CUT]
    at = text.find(start)
    while at >= 0:
        end = at + len(start)
        while text[end : end + 1] == secret[end - at : end - at + 1] != "":
            end += 1
        text = text[:at] + mark + text[end:]
        at = text.find(start, at + len(mark))
    return text
