"""HTML as nested calls: whatever is text is escaped, so that no name or value can be markup."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape

_VOID = frozenset({"input", "link", "meta", "br"})
_NOT_IN_HTML = {number: "\ufffd" for number in range(32) if number not in (9, 10, 13)}


class Markup(str):
    """Text that is HTML already: only this module makes it."""

    __slots__ = ()


def element(name: str, /, *content: object, **attributes: object) -> Markup:
    """Return an element.

    An underscore in the name of an attribute is a hyphen; a last one keeps it from being a keyword of
    Python's. An attribute that is None or False is left out, one that is True has no value.

    >>> element("a", "<b> & c", href='"x"', class_="new", hidden=True, title=None)
    '<a href="&quot;x&quot;" class="new" hidden>&lt;b&gt; &amp; c</a>'
    """
    head = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = _attribute(key)
        head += f" {attribute}" if value is True else f' {attribute}="{text(str(value))}"'
    if name in _VOID:
        return Markup(f"<{head}>")
    inner = content[0] if len(content) == 1 and type(content[0]) is Markup else joined(content)
    return Markup(f"<{head}>{inner}</{name}>")


@cache
def _attribute(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def joined(content: Iterable[object]) -> Markup:
    """Return what is in an iterable, one after the other, iterables in it likewise."""
    parts: list[str] = []
    for part in content:
        if isinstance(part, Markup):
            parts.append(part)
        elif part is None:
            continue
        elif isinstance(part, str):
            parts.append(text(part))
        elif isinstance(part, Iterable):
            parts.append(joined(part))
        else:
            parts.append(text(str(part)))
    return Markup("".join(parts))


def text(value: str) -> Markup:
    """Return text as HTML, with what HTML cannot hold replaced."""
    if value.isalnum():  # as most cells are
        return Markup(value)
    return Markup(escape(value if value.isprintable() else value.translate(_NOT_IN_HTML)))


def name(value: str) -> Markup:
    """Return a name or value of someone's, which may be of any direction and changes none around it."""
    return element("bdi", value)
