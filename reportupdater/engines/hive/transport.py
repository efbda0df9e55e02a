"""How bytes come to a HiveServer2: over a line that can be cut, plainly, with SASL, or by HTTP.

The ends here are transports as Thrift defines them, names included. Its own ones look a host up
without a deadline, obey the proxies of the environment, and cannot be stopped by another thread.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from reportupdater.connection import Line
from reportupdater.credentials import creds_file
from reportupdater.credentials.creds_file import Login
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.http import ANY_PASSWORD, Cookies, Http
from reportupdater.engines.hive.socket import Closed, opened, speaks_tls
from reportupdater.errors import ConnectionFailed

_QUESTIONS = {
    "sasl": b"\x01\0\0\0\x01x",
    "plain": b"\x80\x01\0\x01\0\0\0\x01x\0\0\0\0\0",
    "http": b"GET / HTTP/1.0\r\n\r\n",
}
"""What a server of each kind answers and changes nothing: a login by `x`, a call of Thrift's method `x`."""
_THRIFT = b"\x80\x01\0"
_SASL_HEAD, _SASL_STATES = 5, 5
"""A state of SASL's, and the length of what follows, in five bytes."""

_READ = 65_536
"""Bytes read at once."""


def login(entry: HiveDatabase) -> Login:
    """Return who logs in.

    Raises ConnectionFailed for a creds_file or a password that is not there.
    """
    stored = creds_file.read(entry.creds_file) if entry.creds_file else Login()
    password = stored.password
    if entry.password_env is not None:
        password = os.environ.get(entry.password_env)
        if not password:
            what = "is not set" if password is None else "is empty"
            raise ConnectionFailed(
                f"the environment variable {entry.password_env} {what}",
                hint="`password_env` says that it holds the password",
                retry=False,
            )
    needed = entry.auth in ("LDAP", "CUSTOM")
    if needed and password and not password.isascii() and entry.transport == "binary":
        raise ConnectionFailed(
            f"auth: {entry.auth} takes no password with other characters than ASCII's",
            hint="a server with `transport: binary` reads each byte as a character: let it have"
            " another password, or use `transport: http`",
            retry=False,
        )
    if needed and not password:
        raise ConnectionFailed(
            f"auth: {entry.auth} needs a password",
            hint="give the database a `creds_file` or a `password_env`",
            retry=False,
        )
    return Login(entry.username or stored.username or _me(), password)


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        raise ConnectionFailed(
            "the user that runs the reports has no name",
            hint="give the database a `username`",
            retry=False,
        ) from None


class Transport:
    """A way to the server of a databases entry; `thrift` is what Thrift and PyHive are given."""

    def __init__(
        self,
        entry: HiveDatabase,
        login: Login,
        line: Line,
        seconds: float,
        opening: float,
        cookies: Cookies | None = None,
    ) -> None:
        """Each step of connecting and logging in may take `seconds`, those behind it `opening`.

        `cookies` are those of another connection, to the server of which this one shall lead.
        """
        self.cookies: Cookies = {} if cookies is None else cookies
        self.thrift: Any
        self._entry = entry
        self._line = line
        self.is_open = False
        """Whether the server has taken the connection, and the login as far as SASL has one."""
        self._end: _Tcp | Http
        if entry.transport == "http":
            self.thrift = self._end = Http(entry, login, line, seconds, self.cookies)
        else:
            self._end = _Tcp(entry, line, seconds)
            self.thrift = self._framed(entry, login)
        open_it = self.thrift.open

        def open_both() -> None:
            # Its receiver, such as PyHive, opens it and goes on to the session by itself.
            open_it()
            self.is_open = True
            self.limit(opening)

        self.thrift.open = open_both

    def _framed(self, entry: HiveDatabase, login: Login) -> Any:
        if entry.auth == "NOSASL":
            from thrift.transport.TTransport import TBufferedTransport

            return TBufferedTransport(self._end)
        from thrift_sasl import TSaslClientTransport

        mechanism = "GSSAPI" if entry.auth == "KERBEROS" else "PLAIN"
        return TSaslClientTransport(lambda: _Sasl(entry, login), mechanism, self._end)

    def limit(self, seconds: float) -> None:
        """Let whatever waits for the server fail after so many seconds without a byte."""
        self._end.limit(seconds)

    @property
    def speaks(self) -> str:
        """How the server is spoken to: `http`, `sasl` or `plain`."""
        if self._entry.transport == "http":
            return "http"
        return "plain" if self._entry.auth == "NOSASL" else "sasl"

    def spoken(self, seconds: float) -> str | None:
        """Return how the server speaks, as far as it gives an answer within so many seconds."""
        for kind, question in _QUESTIONS.items():
            if kind == self.speaks:
                continue
            with contextlib.suppress(OSError):
                sock = opened(self._entry, self._line, seconds)
                with contextlib.closing(sock):
                    sock.sendall(question)
                    answer = sock.recv(16)
                if answer.startswith(b"HTTP/"):
                    return "http"
                if answer.startswith(_THRIFT):
                    return "plain"
                if len(answer) >= _SASL_HEAD and 1 <= answer[0] <= _SASL_STATES and not answer[1]:
                    return "sasl"
        return (
            "tls" if not self._entry.ssl and speaks_tls(self._entry, self._line, seconds) else None
        )

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """Give the bare client of HiveServer2's interface, without a session of its own."""
        from TCLIService.TCLIService import Client
        from thrift.protocol.TBinaryProtocol import TBinaryProtocol

        try:
            self.thrift.open()
            yield Client(TBinaryProtocol(self.thrift))
        finally:
            self.thrift.close()


class _Tcp:
    """A TCP connection over a `Line`."""

    def __init__(self, entry: HiveDatabase, line: Line, seconds: float) -> None:
        self._entry = entry
        self._line = line
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def limit(self, seconds: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def open(self) -> None:
        self._socket = opened(self._entry, self._line, self._seconds)

    def isOpen(self) -> bool:  # noqa: N802
        return self._socket is not None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def read(self, size: int) -> bytes:
        data = self._open_socket.recv(min(size, _READ))
        if not data:
            raise Closed("the server closed the connection")
        return data

    def readAll(self, size: int) -> bytes:  # noqa: N802
        data = bytearray()
        while len(data) < size:
            data += self.read(size - len(data))
        return bytes(data)

    def write(self, data: bytes) -> None:
        self._open_socket.sendall(data)

    def flush(self) -> None:
        pass

    @property
    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise Closed("the connection is closed")
        return self._socket


class _Sasl:
    """pure-sasl's client as thrift-sasl wants to have it.

    PyHive's adapter takes one direction for the other, and so cannot speak with a server whose
    hive.server2.thrift.sasl.qop is not `auth`.
    """

    def __init__(self, entry: HiveDatabase, login: Login) -> None:
        from puresasl.client import SASLClient

        keys = (
            {"service": entry.kerberos_service_name}
            if entry.auth == "KERBEROS"
            else {"username": login.username, "password": login.password or ANY_PASSWORD}
        )
        self._client = SASLClient(entry.kerberos_host or entry.host, **keys)

    def start(self, mechanism: str) -> tuple[bool, str, bytes]:
        self._client.choose_mechanism([mechanism])
        return True, mechanism, self._client.process()

    def step(self, challenge: bytes) -> tuple[bool, bytes]:
        return True, self._client.process(challenge)

    def encode(self, data: bytes) -> tuple[bool, bytes]:
        wrapped = self._client.wrap(data)
        return True, struct.pack(">I", len(wrapped)) + wrapped

    def decode(self, data: bytes) -> tuple[bool, bytes]:
        return True, self._client.unwrap(data[4:])
