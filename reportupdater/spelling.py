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


_LOOPBACK = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def host(name: str) -> str:
    """Return the one spelling of a host: all names of this machine's own loopback are one host.

    Which other names lead to one host, only a resolver could say, and not for ever.

    >>> host("Graphite.Example.org."), host("localhost"), host("::1"), host("0:0::ff")
    ('graphite.example.org', '127.0.0.1', '127.0.0.1', '::ff')
    """
    plain = name.strip("[]").rstrip(".").lower() or name
    if plain in _LOOPBACK or plain.endswith(".localhost"):
        return "127.0.0.1"
    if ":" not in plain:
        return plain
    import ipaddress  # only addresses of version 6 have spellings

    try:
        address = ipaddress.IPv6Address(plain)
    except ValueError:
        return plain
    if address.is_loopback:
        return "127.0.0.1"
    return str(address.ipv4_mapped or address)
