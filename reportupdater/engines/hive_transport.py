"""How bytes come to a HiveServer2: over a line that can be cut, plainly, with SASL, or by HTTP.

The ends here are transports as Thrift defines them, names included. Its own ones look a host up
without a deadline, obey the proxies of the environment, and cannot be stopped by another thread.
"""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.client
import io
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

from reportupdater.engines import creds_file
from reportupdater.engines.base import CONNECT_TIMEOUT
from reportupdater.engines.creds_file import Login
from reportupdater.engines.line import Line
from reportupdater.errors import ConnectionFailed
from reportupdater.model import HiveDatabase

_HTTP_PATH = "/cliservice"
"""The default of hive.server2.thrift.http.path."""

_ANY_PASSWORD = "x"
"""With auth NONE it does not matter what the password is, but it must be there."""

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


class Closed(OSError):
    """The server closed the connection instead of an answer."""


class HttpError(OSError):
    """The server answered with an HTTP status that is no success: `HTTP 401 Unauthorized`."""


def login(entry: HiveDatabase) -> Login:
    """Who logs in. Raises ConnectionFailed for a creds_file or a password that is not there."""
    stored = creds_file.read(entry.creds_file) if entry.creds_file else Login()
    password = stored.password
    if entry.password_env is not None:
        password = os.environ.get(entry.password_env)
        if password is None:
            raise ConnectionFailed(
                f"the environment variable {entry.password_env} is not set",
                hint="`password_env` says that it holds the password",
                retry=False,
            )
    if password is None and entry.auth in ("LDAP", "CUSTOM"):
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
        self, entry: HiveDatabase, login: Login, line: Line, seconds: float, opening: float
    ) -> None:
        """Each step of connecting and logging in may take `seconds`, those behind it `opening`."""
        self.thrift: Any
        self._entry = entry
        self._line = line
        self.is_open = False
        """Whether the server has taken the connection, and the login as far as SASL has one."""
        self._end: _Tcp | _Http
        if entry.transport == "http":
            self.thrift = self._end = _Http(entry, login, line, seconds)
        else:
            self._end = _Tcp(entry, line, seconds)
            self.thrift = self._framed(entry, login)
        open_it = self.thrift.open

        def opened() -> None:
            # Whoever is given it, PyHive say, opens it and goes on to the session by itself.
            open_it()
            self.is_open = True
            self.limit(opening)

        self.thrift.open = opened

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
        """How the server speaks, as far as it gives an answer within so many seconds."""
        for kind, question in _QUESTIONS.items():
            if kind == self.speaks:
                continue
            with contextlib.suppress(OSError):
                sock = _opened(self._entry, self._line, seconds)
                with contextlib.closing(sock):
                    sock.sendall(question)
                    answer = sock.recv(16)
                if answer.startswith(b"HTTP/"):
                    return "http"
                if answer.startswith(_THRIFT):
                    return "plain"
                if len(answer) >= _SASL_HEAD and 1 <= answer[0] <= _SASL_STATES and not answer[1]:
                    return "sasl"
        return None

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """The bare client of HiveServer2's interface, without a session of its own."""
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
        self._socket = _opened(self._entry, self._line, self._seconds)

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


class _Http:
    """Each message is a POST, and its answer the response's body; the connection is kept."""

    def __init__(self, entry: HiveDatabase, login: Login, line: Line, seconds: float) -> None:
        self._entry = entry
        self._login = login
        self._connection = _HttpConnection(entry, line, seconds)
        self._out = io.BytesIO()
        self._in = io.BytesIO()

    def limit(self, seconds: float) -> None:
        self._connection.limit(seconds)

    def open(self) -> None:
        self._connection.connect()

    def isOpen(self) -> bool:  # noqa: N802
        return self._connection.sock is not None

    def close(self) -> None:
        self._connection.close()

    def read(self, size: int) -> bytes:
        return self._in.read(size)

    def readAll(self, size: int) -> bytes:  # noqa: N802
        data = self._in.read(size)
        if len(data) < size:
            raise Closed("the answer of the server is too short")
        return data

    def write(self, data: bytes) -> None:
        self._out.write(data)

    def flush(self) -> None:
        body, self._out = self._out.getvalue(), io.BytesIO()
        headers = {"Content-Type": "application/x-thrift", "Authorization": self._authorization()}
        self._connection.request("POST", _HTTP_PATH, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != http.client.OK:
            raise HttpError(f"HTTP {response.status} {response.reason}")
        self._in = io.BytesIO(answer)

    def _authorization(self) -> str:
        # A ticket's word for itself is good for one request only.
        if self._entry.auth == "KERBEROS":
            import kerberos

            service = f"{self._entry.kerberos_service_name}@{self._entry.host}"
            _, context = kerberos.authGSSClientInit(service)
            kerberos.authGSSClientStep(context, "")
            return f"Negotiate {kerberos.authGSSClientResponse(context)}"
        login = f"{self._login.username}:{self._login.password or _ANY_PASSWORD}"
        return f"Basic {base64.b64encode(login.encode()).decode()}"


class _HttpConnection(http.client.HTTPConnection):
    def __init__(self, entry: HiveDatabase, line: Line, seconds: float) -> None:
        super().__init__(str(entry.host), entry.port)
        self._entry = entry
        self._line = line
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = _opened(self._entry, self._line, self._seconds)

    def limit(self, seconds: float) -> None:
        self._seconds = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)


def _opened(entry: HiveDatabase, line: Line, seconds: float) -> socket.socket:
    opened = line.open(str(entry.host), entry.port, min(seconds, CONNECT_TIMEOUT))
    opened.settimeout(seconds)
    return opened


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
            else {"username": login.username, "password": login.password or _ANY_PASSWORD}
        )
        self._client = SASLClient(entry.host, **keys)

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
