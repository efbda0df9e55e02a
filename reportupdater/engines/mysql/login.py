"""Connections to MySQL and MariaDB servers: address, login and encryption."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any, NamedTuple

from reportupdater.connection import Line
from reportupdater.credentials import creds_file
from reportupdater.credentials.creds_file import Options
from reportupdater.engines.mysql import tls as mysql_tls
from reportupdater.engines.mysql.config import MysqlDatabase
from reportupdater.engines.mysql.tls import Mode
from reportupdater.errors import ConnectionFailed

DEFAULT_PORT = 3306


class Peer(NamedTuple):
    """The very address that a connection leads to, behind whatever name."""

    family: socket.AddressFamily
    address: Any


def log_in(
    entry: MysqlDatabase,
    line: Line,
    seconds: float,
    *,
    timeout: float | None = None,
    peer: Peer | None = None,
) -> tuple[Any, Peer]:
    """Return a connection of PyMySQL's that is logged in, and where it leads to.

    Connecting may take `seconds`; `timeout` is what PyMySQL waits for each answer. With a `peer`,
    no name is looked up. Raises ConnectionFailed for what the creds_file cannot do, and whatever
    PyMySQL raises.
    """
    from reportupdater.engines.mysql.driver import QuickConnection

    host = entry.host or "localhost"
    options = creds_file.options(entry.creds_file) if entry.creds_file else Options()
    tls = mysql_tls.demanded(options.tls)
    path = local_socket(entry, options)
    is_local = path is not None
    if is_local and tls.mode is Mode.PREFERRED:
        tls = tls._replace(mode=Mode.DISABLED)
    connection = QuickConnection(
        host,
        entry.port,
        options,
        encryption=mysql_tls.context(tls),
        must_encrypt=tls.mode not in (Mode.DISABLED, Mode.PREFERRED),
        timeout=timeout,
    )
    if peer is None and path is not None:
        peer = Peer(socket.AF_UNIX, path)
    try:
        sock = line.open_at(*peer, seconds) if peer else line.open(host, entry.port, seconds)
    except OSError as error:
        if path is None:
            raise
        raise _no_socket(path, error) from None
    peer = peer or Peer(sock.family, sock.getpeername())
    try:
        connection.connect_over(sock, is_local=is_local)
    except Exception as error:
        cause = getattr(error, "original_exception", error)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _CUT):
            raise _no_tls(entry, cause) from error
        raise
    return connection, peer


_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The line has gone, which is no matter of TLS."""


def local_socket(entry: MysqlDatabase, options: Options) -> bytes | None:
    """Return the path of the Unix socket that a connection goes through; None for TCP.

    It is the entry's own, or else that of the creds_file where the entry's host is `localhost`
    and its port the usual one: a client would not look at the port then, and ask another server
    than the tunnel that it leads to.
    """
    if entry.socket is not None:
        return os.fsencode(entry.socket)
    if entry.host != "localhost" or entry.port != DEFAULT_PORT or not options.socket:
        return None
    return None if (options.protocol or b"").lower() == b"tcp" else options.socket


def _no_socket(path: bytes, error: OSError) -> ConnectionFailed:
    return ConnectionFailed(
        f"cannot connect to {path.decode('utf-8', 'backslashreplace')}: {error.strerror or error}",
        hint="does a server run there? check `socket`",
    )


def _no_tls(entry: MysqlDatabase, error: ssl.SSLError) -> ConnectionFailed:
    return ConnectionFailed(
        f"no TLS with {address(entry)}: {mysql_tls.reason(error)}",
        hint=f"check the ssl- lines in {entry.creds_file}" if entry.creds_file else "",
        retry=False,
    )


def address(entry: MysqlDatabase) -> str:
    """Return what messages call the server: `host:port`, or the path of its socket."""
    return str(entry.socket) if entry.socket else f"{entry.host}:{entry.port}"
