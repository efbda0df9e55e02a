"""JSON with an indent of two, as `json.dumps(value, indent=2, ensure_ascii=False)` gives it, but quicker.

The standard library's encoder in C knows no indent, and the one in Python takes a second for the series
of a wiki farm. Here all that is plain in a list or an object is encoded by the one in C.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any


def indented(value: Any, pad: str = "") -> str:
    """A value as JSON; `pad` is what its further lines begin with.

    >>> print(indented({"a": [1, {}], "b": "é"}))
    {
      "a": [
        1,
        {}
      ],
      "b": "é"
    }
    """
    if not value or not isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    inner = f"{pad}  "
    encode = _encoder(inner)
    parts: list[str] = []
    if isinstance(value, dict):
        plain: dict[Any, Any] = {}
        for key, one in value.items():
            if one and isinstance(one, dict | list | tuple):
                if plain:
                    parts.append(encode(plain)[1:-1])
                    plain = {}
                name = encode({key: 0})[1:-1].removesuffix("0")  # a key may be a number
                parts.append(name + indented(one, inner))
            else:
                plain[key] = one
        if plain:
            parts.append(encode(plain)[1:-1])
        begin, end = "{}"
    else:
        parts = [indented(one, inner) for one in value]
        begin, end = "[]"
    joined = f",\n{inner}".join(parts)
    return f"{begin}\n{inner}{joined}\n{pad}{end}"


@lru_cache
def _encoder(inner: str) -> Callable[[Any], str]:
    return json.JSONEncoder(ensure_ascii=False, separators=(f",\n{inner}", ": ")).encode
