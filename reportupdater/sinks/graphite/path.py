"""What a metric path may hold. Pure.

A path is nodes joined by dots. Graphite makes a folder of each node and a file of the last one, and
its render API reads brackets, braces and the like as wildcards and calls: what would be lost on the
way, or could never be asked for, has no place in a path.
"""

from __future__ import annotations

import re

from reportupdater import spelling
from reportupdater.errors import shown
from reportupdater.sinks.shared.naming import Style

MAX_NODE = 200
"""Bytes of UTF-8. A file system takes 255; carbon drops what it cannot make a file of in silence."""
MAX_PATH = 2000
"""Bytes of UTF-8. A line over 16 KB makes carbon close the connection, whatever else was on it."""

_REFUSED = re.compile(r"""[ '"/;*?\[\]{}()]""")


def refused(text: str) -> str:
    """Return the first character that a path cannot hold, or nothing.

    >>> refused("a.b c"), refused("größe.p50")
    (' ', '')
    """
    for character in text:
        if not character.isprintable() or _REFUSED.match(character):
            return character
    return ""


def cleaned(text: str) -> str:
    """Return a text with `_` for each character that a path cannot hold. Dots stay: they make levels.

    >>> cleaned("New York (NY)")
    'New_York__NY_'
    """
    if text.isprintable():  # a space is printable; any other white space is not
        return _REFUSED.sub("_", text)
    return _REFUSED.sub("_", "".join(c if c.isprintable() else "_" for c in text))


def fault(path: str) -> str:
    """Return what is wrong with the nodes of a path, in words that follow its name, or nothing.

    >>> fault("edits.daily"), fault("edits..daily")
    ('', 'has an empty node')
    """
    if not path or path[0] == "." or path[-1] == "." or ".." in path:
        return "has an empty node"
    size = len(path.encode())
    if size > MAX_PATH:
        return f"has {size:,} bytes, more than {MAX_PATH:,}"
    if size > MAX_NODE:
        longest = max(len(node.encode()) for node in path.split("."))
        if longest > MAX_NODE:
            return f"has a node of {longest:,} bytes, more than {MAX_NODE}"
    return ""


def url(host: str, port: int) -> str:
    """Return the URL of a receiver of lines: one, by whichever of its names it is called.

    >>> url("graphite.example.org.", 2003), url("localhost", 2003), url("fe80::0:1", 2003)
    ('graphite://graphite.example.org:2003', 'graphite://127.0.0.1:2003', 'graphite://[fe80::1]:2003')
    """
    host = spelling.host(host)
    return f"graphite://[{host}]:{port}" if ":" in host else f"graphite://{host}:{port}"


class PathStyle(Style):
    """Metric paths."""

    SECTION = "graphite"
    KEY = "path"
    NOUN = "metric path"
    SEPARATOR = "."
    VALUES_SPLIT = True

    def written(self, text: str) -> str:
        """Return a value with `_` for what a path cannot hold."""
        return cleaned(text)

    def notes(self, text: str) -> list[str]:
        """Return that a value is changed, and that it makes levels."""
        name = cleaned(text)
        notes = [f"is {shown(name)} in metric paths"] if name != text else []
        if "." in text:
            notes.append("makes a level of a metric path at each dot")
        return notes

    def fault(self, key: str) -> str:
        """Return what is wrong with the nodes of a path."""
        return fault(key)

    def repeated(self) -> str:
        """Return a hint for paths of two metrics that are one."""
        return "put a dot on either side of {_metric}"


STYLE = PathStyle()
