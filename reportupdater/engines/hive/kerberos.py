"""A look at this process's Kerberos ticket, through the system's GSSAPI library.

The library finds the ticket wherever the environment says (KRB5CCNAME, KRB5_CONFIG), and gets a new
one by itself where KRB5_CLIENT_KTNAME names a keytab; the program `klist` does not do the latter,
and writes its times as the locale likes them.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

_LIBRARY = "libgssapi_krb5.so.2"
_INITIATE = 1  # the ticket of a client
_MAJOR, _MINOR = 1, 2  # whose words: the interface's, the mechanism's
_ERRORS = 0xFFFF0000  # the other bits of a status only inform
_EXPIRED = 11 << 16


class _Oid(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint32), ("elements", ctypes.c_char_p))


class _OidSet(ctypes.Structure):
    _fields_ = (("count", ctypes.c_size_t), ("elements", ctypes.POINTER(_Oid)))


class _Buffer(ctypes.Structure):
    _fields_ = (("length", ctypes.c_size_t), ("value", ctypes.c_void_p))


_KERBEROS = _Oid(9, b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")  # 1.2.840.113554.1.2.2


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose it is (`reports@EXAMPLE.ORG`), and the seconds for which it is still good."""

    principal: str
    seconds: float


class NoTicket(Exception):
    """There is no ticket that is good; the library's own words."""


def ticket() -> Ticket:
    """Return the ticket that new connections will use.

    Raises NoTicket; OSError where this host has no MIT Kerberos library.
    """
    library = ctypes.CDLL(_LIBRARY)
    minor, left = ctypes.c_uint32(), ctypes.c_uint32()
    credential, name = ctypes.c_void_p(), ctypes.c_void_p()
    wanted = _OidSet(1, ctypes.pointer(_KERBEROS))
    try:
        major = library.gss_acquire_cred(
            *(ctypes.byref(minor), None, 0, ctypes.byref(wanted), _INITIATE),
            *(ctypes.byref(credential), None, ctypes.byref(left)),
        )
        _check(library, major, minor)
        major = library.gss_inquire_cred(
            *(ctypes.byref(minor), credential, ctypes.byref(name), ctypes.byref(left)),
            *(None, None),
        )
        _check(library, major, minor)
        said = _Buffer()
        library.gss_display_name(ctypes.byref(minor), name, ctypes.byref(said), None)
        return Ticket(_taken(library, said), left.value)
    finally:
        library.gss_release_name(ctypes.byref(minor), ctypes.byref(name))
        library.gss_release_cred(ctypes.byref(minor), ctypes.byref(credential))


def _check(library: ctypes.CDLL, major: int, minor: ctypes.c_uint32) -> None:
    if not major & _ERRORS:
        return
    if major & _ERRORS == _EXPIRED:
        raise NoTicket("it has ended")
    code, kind = (minor.value, _MINOR) if minor.value else (major & 0xFFFFFFFF, _MAJOR)
    unused, more, said = ctypes.c_uint32(), ctypes.c_uint32(), _Buffer()
    library.gss_display_status(
        *(ctypes.byref(unused), ctypes.c_uint32(code), kind, ctypes.byref(_KERBEROS)),
        *(ctypes.byref(more), ctypes.byref(said)),
    )
    raise NoTicket(_taken(library, said))


def _taken(library: ctypes.CDLL, buffer: _Buffer) -> str:
    """Return the text in a buffer of the library, which is given back."""
    value: Any = buffer.value
    text = ctypes.string_at(value, buffer.length).decode("utf-8", "replace") if value else ""
    unused = ctypes.c_uint32()
    library.gss_release_buffer(ctypes.byref(unused), ctypes.byref(buffer))
    return text
