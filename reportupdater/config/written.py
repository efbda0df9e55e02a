"""The effective configuration as YAML again, each value with where it comes from.

What is written is a `config.yaml` that means the same where the host settings are not there; only
what may be a secret is left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from enum import Enum
from typing import NamedTuple

from reportupdater.config.effective import Effective, path_from
from reportupdater.config.schema import ON_FAILURE_KEYS
from reportupdater.configfile.document import Items, Scalar, Section, Value
from reportupdater.configfile.keys import Key
from reportupdater.configfile.kinds import NAMESERVER, PATH
from reportupdater.configfile.sections import ALL, Given, Reading, read_keys
from reportupdater.redaction import HIDDEN, redacted, redacted_words

_BUILT_IN = "built-in default"
_COMMENTS_FROM, _COMMENTS_UP_TO = 28, 60  # columns
_PLAIN = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./~+ -]*(?<! )")
_OTHER_MEANING = re.compile(r"(?i)~|null|true|false|yes|no|on|off|[-+.0-9][-+.0-9_xoe]*")
_SECRET = re.compile(r"(?i)pass|pwd|secret|token|credential")


class Line(NamedTuple):
    """A line of YAML, and what its comment says."""

    depth: int
    text: str
    comment: str = ""


def lines(effective: Effective) -> Iterator[str]:
    """Yield the configuration, line by line."""
    for line in _lines(effective):
        text = "  " * line.depth + line.text
        if not line.comment:
            yield text
        elif not line.text:
            yield f"{text}# {line.comment}"
        else:
            column = max(_COMMENTS_FROM, min(len(text) // 4 * 4 + 4, _COMMENTS_UP_TO))
            yield f"{text:<{column - 1}} # {line.comment}"


def _lines(effective: Effective) -> Iterator[Line]:
    writer = _Writer(effective)
    for line in writer.keys(effective.others, 0):
        # Such keys are for host settings alone.
        yield line._replace(text=f"# {line.text}")
    for title, entries in (("databases", effective.databases), ("reports", effective.reports)):
        for name, keys in effective.sinks.items() if title == "reports" else ():
            if keys.given or keys.bad:
                yield Line(0, f"{name}:")
                yield from writer.keys(keys, 1)
        if entries:
            yield Line(0, f"{title}:")
        for name, entry in entries.items():
            yield Line(1, f"{_quoted(name)}:", str(entry.where))
            yield from writer.keys(entry.keys, 2)


class _Writer:
    def __init__(self, effective: Effective) -> None:
        self._effective = effective

    def keys(self, reading: Reading, depth: int) -> Iterator[Line]:
        """Yield the keys of a section that have a value, and the names of those that cannot be read."""
        if ALL in reading.bad:
            yield Line(depth, "", "cannot be used")
            return
        for name, key in reading.keys.items():
            given = reading.given.get(name)
            if given is not None and isinstance(key, Key):
                yield from self._given(key, given, depth)
            elif isinstance(key, Key) and key.default is not None and name not in reading.bad:
                yield Line(depth, f"{name}: {_text(key, key.default)}", _BUILT_IN)
        if reading.bad:
            yield Line(depth, "", f"cannot be used: {', '.join(sorted(reading.bad))}")

    def _given(self, key: Key, given: Given, depth: int) -> Iterator[Line]:
        source = _source(given)
        value = given.value
        if isinstance(value, Section):
            yield Line(depth, f"{key.name}:" + (" {}" if not value.entries else ""), source)
            if key.name == "on_failure":  # whose words may be secret
                yield from self.keys(read_keys(value, ON_FAILURE_KEYS, key.name)[0], depth + 1)
                return
            yield from self._section(value, depth + 1, key.name)
            return
        if key.kind is PATH and value is not None:
            value = path_from(self._effective.folders, given.where, value)
        yield Line(depth, f"{key.name}: {_text(key, value)}", source)

    def _section(self, section: Section, depth: int, of: str) -> Iterator[Line]:
        for name, entry in section.entries.items():
            value, where = entry.value, entry.value.where
            if isinstance(value, Section):
                yield Line(depth, f"{_quoted(name)}:", str(where))
                yield from self._section(value, depth + 1, name)
                continue
            text = HIDDEN if of == "settings" and _SECRET.search(name) else self._raw(value, of)
            yield Line(depth, f"{_quoted(name)}: {text}", str(where))

    def _raw(self, value: Value, of: str) -> str:
        """Return a value as it was written; a file of host settings with its whole path."""
        if isinstance(value, Items):
            return "[" + ", ".join(self._raw(item, "") for item in value.values) + "]"
        if not isinstance(value, Scalar):
            return "null"
        if value.is_null:
            return "null"
        text = value.text
        folders = self._effective.folders
        if of == "lookups" or (
            of == "explode_by" and os.path.isfile(folders.of(value.where) / text.strip())
        ):
            text = path_from(folders, value.where, text.strip())
        text = redacted(text)
        return text if value.plain and _PLAIN.fullmatch(text) else _in_quotes(text)


def _source(given: Given) -> str:
    """Return where a value stands, and in which section, unless it is the report's or database's own."""
    shared = given.owner == "defaults" or given.owner.endswith(" in engines")
    return f"{given.where}, {given.owner}" if shared else str(given.where)


def _text(key: Key, value: object) -> str:
    """Return a value that has been read, as YAML that is read as the same."""
    if key.kind is NAMESERVER and isinstance(value, tuple):
        address, port = value
        return f'"[{address}]:{port}"' if ":" in address else f'"{address}:{port}"'
    if isinstance(value, tuple):  # the words of a command
        return "[" + ", ".join(map(_quoted, redacted_words(value))) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else f"{value:f}".rstrip("0")
    if isinstance(value, Enum):
        value = value.value
    return _quoted(redacted(str(value)))


def _quoted(text: str) -> str:
    """Return a text in quotes, where it would mean something else without them."""
    plain = _PLAIN.fullmatch(text) and not _OTHER_MEANING.fullmatch(text)
    return text if plain else _in_quotes(text)


def _in_quotes(text: str) -> str:
    """Return a text in double quotes, whose escapes are those of YAML."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(part if part.isprintable() else f"\\U{ord(part):08x}" for part in quoted)
