"""A socket to a HiveServer2, with TLS where its entry says so."""

from __future__ import annotations

import contextlib
import socket
import ssl

from reportupdater.connection import Line
from reportupdater.engines.base import CONNECT_TIMEOUT
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.errors import ConnectionFailed


class Closed(OSError):
    """The server closed the connection instead of an answer."""


def opened(entry: HiveDatabase, line: Line, seconds: float) -> socket.socket:
    """Return a socket connected to the server of an entry, on which each step may take so many seconds.

    Raises OSError, of which ssl.SSLError is one, and ConnectionFailed for a `ca_file` that is no
    use.
    """
    context = _context(entry) if entry.ssl else None
    sock = line.open(str(entry.host), entry.port, min(seconds, CONNECT_TIMEOUT))
    if context is not None:
        try:
            sock.settimeout(min(seconds, CONNECT_TIMEOUT))
            sock = context.wrap_socket(sock, server_hostname=entry.host)
        except BaseException:
            sock.close()
            raise
    sock.settimeout(seconds)
    return sock


def speaks_tls(entry: HiveDatabase, line: Line, seconds: float) -> bool:
    """Return whether the server takes a connection with TLS, whatever its certificate is worth."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError), line.open(str(entry.host), entry.port, seconds) as sock:
        sock.settimeout(seconds)
        context.wrap_socket(sock, server_hostname=entry.host).close()
        return True
    return False


def _context(entry: HiveDatabase) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=entry.ca_file)
    except OSError as error:  # of which ssl.SSLError is one
        why = "it has no certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConnectionFailed(
            f"{entry.ca_file}: cannot be used as ca_file: {why}",
            hint="it has the certificates, as PEM, by which the server's own is judged",
            retry=False,
        ) from None
