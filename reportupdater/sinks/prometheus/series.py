"""The keys of series: a name and labels, written as in Prometheus' own text formats. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from reportupdater.sinks.shared.naming import METRIC, Style
from reportupdater.template import Placeholder, Template

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
MAX_VALUE = 1024
"""Bytes of UTF-8 of a label's value. Receivers cut or refuse longer ones, each at its own limit."""
MAX_LABELS = 29
"""Labels beside the name: 30 in all is the usual limit."""

_KEY = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})?", re.DOTALL)
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?!$)|$)', re.DOTALL)
_ESCAPED = re.compile(r'[\\"\n]')
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n"}
_MEANT = {escape: character for character, escape in _ESCAPES.items()}

Labels = tuple[tuple[str, str], ...]
"""Names and values, by name; the name of the series is `__name__`."""


def escaped(text: str) -> str:
    r"""Return a value as keys have it between quotes.

    >>> escaped('5-99 "edits"')
    '5-99 \\"edits\\"'
    """
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text)


@lru_cache(65_536)
def labels(key: str) -> Labels:
    r"""Return the labels of a key. Raises ValueError for what is none.

    >>> labels('edits{bucket="5 \\"or\\" 6",wiki="enwiki"}')
    (('__name__', 'edits'), ('bucket', '5 "or" 6'), ('wiki', 'enwiki'))
    >>> labels("edits")
    (('__name__', 'edits'),)
    """
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError(f"{key!r} is no series key")
    pairs = [("__name__", found[1])]
    at, text = 0, found[2] or ""
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise ValueError(f"{key!r} is no series key")
        pairs.append((pair[1], re.sub(r'\\["\\n]', lambda one: _MEANT[one[0]], pair[2])))
        at = pair.end()
    return tuple(sorted(pairs))


def key_of(labels: Iterable[tuple[str, str]]) -> str:
    """Return the key of labels, among which `__name__` is the name.

    >>> key_of([("wiki", "enwiki"), ("__name__", "edits")])
    'edits{wiki="enwiki"}'
    """
    pairs = dict(labels)
    name = pairs.pop("__name__", "")
    inner = ",".join(f'{label}="{escaped(value)}"' for label, value in sorted(pairs.items()))
    return f"{name}{{{inner}}}" if inner else name


def template(labels: Mapping[str, Template]) -> Template:
    """Return the template of a report's keys, given those of its labels."""
    parts: list[str | Placeholder] = [Placeholder(METRIC, "", 0)]
    texts = []
    for name, value in sorted(labels.items()):
        parts.append(f'{"," if len(parts) > 1 else "{"}{name}="')
        parts += [escaped(part) if isinstance(part, str) else part for part in value.parts]
        parts.append('"')
        texts.append(f'{name}="{value.text}"')
    if labels:
        parts.append("}")
    text = f"{{{METRIC}}}" + (f"{{{{{','.join(texts)}}}}}" if texts else "")
    return Template(text, tuple(parts))


class SeriesStyle(Style):
    """Names with labels."""

    SECTION = "prometheus"
    KEY = "labels"
    NOUN = "series"
    SEPARATOR = '"'

    def written(self, text: str) -> str:
        """Return a value as keys have it between quotes."""
        return escaped(text)

    def fault(self, key: str) -> str:
        """Return that a value is too long for the receivers."""
        if len(key) > MAX_VALUE // 4:
            longest = max(len(value.encode()) for _, value in labels(key))
            if longest > MAX_VALUE:
                return f"has a label of {longest:,} bytes, more than {MAX_VALUE:,}"
        return ""

    def repeated(self) -> str:
        """Return a hint for keys of two metrics that are one."""
        return "let the two metrics have two names"


STYLE = SeriesStyle()
