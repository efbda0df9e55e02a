"""How the value of a key is read: from a positioned YAML value to a typed one.

A kind says what it takes in words that fit after "must be", for messages and for the page
`docs/configuration.md`. Its `read` raises ValueError, with a hint or nothing, for all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from ipaddress import ip_address
from math import inf, isfinite
from typing import Any, NamedTuple

from reportupdater import cron
from reportupdater.configfile.document import Items, Scalar, Section, Value
from reportupdater.errors import nearest, shown
from reportupdater.intervals import parse_moment

FIRST_YEAR, LAST_YEAR = 1900, 9998
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What would break a line, steer a terminal, or be no character at all."""
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]+)?", re.ASCII)
_SWITCHES = {
    spelling: meaning
    for words, meaning in ((("true", "yes", "on"), True), (("false", "no", "off"), False))
    for word in words
    for spelling in (word, word.capitalize(), word.upper())
}
# Compiled when they are first used: most configurations have no such key.
_ADDRESS = r"(?:\[([^]]+)\]|([^:]+))(?::([0-9]{1,5}))?"
_ZONE = r"([+-])([0-9]{2}):([0-5][0-9])"
_HOST = r"[^\W](?:[\w.-]*[\w.])?"
_LONGEST_HOST = 253
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_SRV_NAME = r"[A-Za-z0-9_.-]*\{section\}[A-Za-z0-9_.-]*"
_LONGEST_NUMBER = 20
_UNITS = {"m": 60, "h": 3600, "d": 86400}
_LONGEST_BARE = 60
_LONGEST_TEXT = 10_000
LONGEST_PATH = 1000


class Kind(NamedTuple):
    """What a key takes, in words, and how it is read."""

    takes: str
    read: Callable[[Value], Any]
    is_shown: bool = True
    """Whether messages may show what was given; not where a password may stand by mistake."""


def describe(value: Value) -> str:
    """Return a value as messages show it.

    >>> from reportupdater.errors import Where
    >>> describe(Scalar(Where("config.yaml"), "soon"))
    "'soon'"
    """
    if isinstance(value, Items):
        return "a list"
    if not isinstance(value, Scalar):
        return "a mapping"
    if value.is_null:
        return value.text or "empty"
    from reportupdater.redaction import redacted  # only where something is wrong

    text = redacted(value.text)
    if not value.plain:
        return f"the text {shown(text)}"
    bare = len(text) <= _LONGEST_BARE and (text in _SWITCHES or _DECIMAL.fullmatch(text))
    return text if bare else shown(text)


def scalar_text(value: Value, longest: int = _LONGEST_TEXT) -> str:
    """Return the raw text of a single value that is printable and not blank. Raises ValueError."""
    if not isinstance(value, Scalar):
        raise ValueError
    if len(value.text) > longest:
        raise ValueError(f"it is longer than {longest:,} characters")
    if CONTROL.search(value.text):
        raise ValueError("it holds a line break or a control character")
    if value.is_null or not value.text.strip():
        raise ValueError
    return value.text


def _text(value: Value) -> str:
    if isinstance(value, Section):
        raise ValueError("put text that begins with { in quotes")
    return scalar_text(value)


def _word(value: Value) -> str:
    text = scalar_text(value).strip()
    if len(text.split()) != 1:
        raise ValueError
    return text


def _switch(value: Value) -> bool:
    if not isinstance(value, Scalar) or not value.plain or value.text not in _SWITCHES:
        raise ValueError
    return _SWITCHES[value.text]


def _path(value: Value) -> str:
    return scalar_text(value, LONGEST_PATH)


def _values(value: Value) -> Value:
    if isinstance(value, Section):
        raise ValueError
    return value


def _moment(value: Value) -> datetime:
    text = scalar_text(value)
    try:
        moment = parse_moment(text)
    except ValueError:
        raise ValueError from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError
    return moment


def _section(value: Value) -> Section:
    if not isinstance(value, Section):
        raise ValueError
    return value


def _number(value: Value, form: re.Pattern[str]) -> float:
    if not isinstance(value, Scalar) or len(value.text) > _LONGEST_NUMBER:
        raise ValueError
    if not form.fullmatch(value.text):
        raise ValueError
    if not value.plain:
        raise ValueError("write it without quotes")
    return float(value.text) if "." in value.text else int(value.text)


def whole(least: int, most: int) -> Kind:
    """Return a whole number within bounds."""

    def read(value: Value) -> int:
        number = int(_number(value, _WHOLE))
        if not least <= number <= most:
            raise ValueError
        return number

    return Kind(f"a whole number from {least:,} to {most:,}", read)


def seconds(least: int, most: int) -> Kind:
    """Return a number of seconds within bounds, as a float."""

    def read(value: Value) -> float:
        number = float(_number(value, _DECIMAL))
        if not least <= number <= most:
            raise ValueError
        return number

    return Kind(f"a number of seconds from {least:,} to {most:,}", read)


def number(least: float = -inf) -> Kind:
    """Return a finite number that is not below a bound."""

    def read(value: Value) -> float:
        found = float(_number(value, _DECIMAL))
        if found < least:
            raise ValueError
        return found

    return Kind("a number" + (f" from {least:g} on" if isfinite(least) else ""), read)


def texts() -> Kind:
    """Return a list of texts, of which there is one at least."""

    def read(value: Value) -> tuple[str, ...]:
        if not isinstance(value, Items) or not value.values:
            raise ValueError
        return tuple(scalar_text(one) for one in value.values)

    return Kind("a list of texts", read)


def duration(least: int, most: int) -> Kind:
    """Return a number of seconds within bounds, as a timedelta."""
    kind = seconds(least, most)
    return Kind(kind.takes, lambda value: timedelta(seconds=kind.read(value)))


def span(least: int, most: int) -> Kind:
    """Return a span of time within bounds, in seconds or with a unit, as a timedelta."""
    kind = seconds(least, most)

    def read(value: Value) -> timedelta:
        text = value.text if isinstance(value, Scalar) else ""
        if text[-1:] not in _UNITS:
            return timedelta(seconds=kind.read(value))
        found = float(text[:-1]) if _DECIMAL.fullmatch(text[:-1]) else -1.0
        if not least <= found * _UNITS[text[-1]] <= most:
            raise ValueError
        return timedelta(seconds=found * _UNITS[text[-1]])

    return Kind(f"{kind.takes}, or like 30m, 12h or 1d", read)


def choice(meanings: Mapping[str, Any]) -> Kind:
    """Return one of some words, as what it means."""

    def read(value: Value) -> Any:
        word = scalar_text(value)
        if word not in meanings:
            hint = nearest(word, meanings)
            raise ValueError(hint if hint.startswith("did") else "")
        return meanings[word]

    *others, last = meanings
    return Kind(f"{', '.join(others)} or {last}", read)


def _command(value: Value) -> tuple[str, ...]:
    if isinstance(value, Items) and value.values:
        words = tuple(map(_argument, value.values))
    else:
        import shlex  # few configurations have a command

        text = scalar_text(value)
        try:
            words = tuple(shlex.split(text))
        except ValueError:
            raise ValueError("a quote in it is not closed") from None
    if not words or not words[0].strip():
        raise ValueError("its first word names the program")
    return words


def _argument(item: Value) -> str:
    """Return a word of a command, which may be empty or blank where it is in quotes.

    Raises ValueError.
    """
    if isinstance(item, Scalar) and not item.is_null and not item.text.strip(" "):
        return item.text
    return scalar_text(item)


def _variable(value: Value) -> str:
    text = scalar_text(value)
    if not re.fullmatch(_VARIABLE, text, re.ASCII):
        raise ValueError("the password itself is in that variable, never here")
    return text


def _host(value: Value) -> str:
    """Return the name or the address of a host, without the brackets around an IPv6 address."""
    text = scalar_text(value).strip()
    if "://" in text:
        raise ValueError("without a scheme: give `host`, and `port` where it is not the usual one")
    found = re.fullmatch(_ADDRESS, text, re.ASCII)
    if found and found[3]:
        raise ValueError(
            f"the port has a key of its own: host: {found[1] or found[2]}, port: {found[3]}"
        )
    bare = text.removeprefix("[").removesuffix("]") if found and found[1] else text
    if ":" in bare or (found and found[1]):
        try:
            ip_address(bare)
        except ValueError:
            raise ValueError from None
        return bare
    try:
        bare.encode("idna")  # no part is empty, or has over 63 characters
    except UnicodeError:
        raise ValueError("a part between dots is empty, or has over 63 characters") from None
    if not re.fullmatch(_HOST, bare) or len(bare) > _LONGEST_HOST:
        raise ValueError
    return bare


def _web_url(value: Value) -> str:
    """Return the URL of something that is reached over HTTP, without the slash at its end."""
    from urllib.parse import urlsplit  # few configurations have one

    text = _word(value)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("its host or its port is none") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("it begins with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("a login lies in a file: see `creds_file`")
    if parts.fragment or "#" in text:
        raise ValueError("it has no part that begins with #")
    if not text.isascii():
        raise ValueError("write other letters than ASCII's as a URL has them")
    return text.rstrip("/")


def _nameserver(value: Value) -> tuple[str, int]:
    parts = re.fullmatch(_ADDRESS, _word(value), re.ASCII)
    if parts is None:
        raise ValueError
    address, port = parts[1] or parts[2], int(parts[3] or 53)
    try:
        ip_address(address)
    except ValueError:
        raise ValueError("a name cannot be looked up without it") from None
    if not 1 <= port <= 65535:
        raise ValueError
    return address, port


def _srv_name(value: Value) -> str:
    text = _word(value)
    if not re.fullmatch(_SRV_NAME, text, re.ASCII):
        raise ValueError
    return text


def _zone(value: Value) -> str:
    text = _word(value)
    parts = re.fullmatch(_ZONE, text, re.ASCII)
    if text != "server" and parts is None:
        raise ValueError(
            "names of zones are the server's business: let it have one, and say server"
        )
    if parts and int(parts[2]) > 14:
        raise ValueError
    return text


def _schedule(value: Value) -> str:
    text = " ".join(scalar_text(value).split())
    wrong = cron.fault(text)
    if wrong:
        raise ValueError(wrong)
    return text


def section(of: str) -> Kind:
    """Return a mapping; `of` says what it maps to what."""
    return Kind(f"a mapping of {of}", _section)


TEXT = Kind("text", _text)
WORD = Kind("text without white space", _word)
PATH = Kind("a path", _path)
VALUES = Kind("a list of values, or a file that holds one", _values)
COMMAND = Kind("a command line, or a list of its words", _command, is_shown=False)
VARIABLE = Kind("the name of an environment variable", _variable, is_shown=False)
HOST = Kind("the name or the IP address of a host", _host)
WEB_URL = Kind("the URL of a service", _web_url, is_shown=False)
NAMESERVER = Kind("an IP address, with `:port` if that is not 53", _nameserver)
SRV_NAME = Kind("a DNS name with {section} in it", _srv_name)
ZONE = Kind("server, or an offset like +01:00", _zone)
SCHEDULE = Kind("a cron expression like '15 5 * * *'", _schedule)
TEXTS = texts()
SWITCH = Kind("true or false", _switch)
MOMENT = Kind(f"a date of the years {FIRST_YEAR} to {LAST_YEAR} like 2015-01-31", _moment)
