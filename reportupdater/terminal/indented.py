"""JSON with an indent of two, as `json.dumps(value, indent=2, ensure_ascii=False)` gives it, but quicker.

The standard library's encoder in C knows no indent, and the one in Python takes a second for the series
of a wiki farm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else json.dumps(value)


_PLAIN: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: repr,
    float: _number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
"""How nearly all values are written; others are left to the standard library."""


def indented(value: Any, pad: str = "") -> str:
    """Return a value as JSON; `pad` is what its further lines begin with.

    >>> print(indented({"a": [1, {}], "b": "é"}))
    {
      "a": [
        1,
        {}
      ],
      "b": "é"
    }
    """
    plain = _PLAIN.get(type(value))
    if plain:
        return plain(value)
    inner = f"{pad}  "
    if isinstance(value, dict):
        begin, end = "{}"
        parts = [
            _name(key) + (plain(one) if (plain := _PLAIN.get(type(one))) else indented(one, inner))
            for key, one in value.items()
        ]
    elif isinstance(value, (list, tuple)):
        begin, end = "[]"
        parts = [indented(one, inner) for one in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    if not parts:
        return begin + end
    joined = f",\n{inner}".join(parts)
    return f"{begin}\n{inner}{joined}\n{pad}{end}"


@lru_cache(1024, typed=True)
def _name(key: Any) -> str:
    """Return a key and its colon; it may be a number."""
    return json.dumps({key: 0}, ensure_ascii=False)[1:-2]
