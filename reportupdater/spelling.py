"""One text for all the ways in which Unicode spells it. Pure."""

from __future__ import annotations


def normal(text: str) -> str:
    r"""Return a text by which names and values are compared: in NFC, as all new files are named.

    >>> normal("Sa\u0303o") == "S\xe3o"
    True
    """
    if text.isascii():
        return text
    import unicodedata  # which nearly no run needs

    return unicodedata.normalize("NFC", text)
