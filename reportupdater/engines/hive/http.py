"""How messages come to a HiveServer2 that speaks HTTP, or to a gateway before it."""

from __future__ import annotations

import base64
import http.client
import io

from reportupdater.connection import Line
from reportupdater.credentials.creds_file import Login
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.socket import Closed, opened

ANY_PASSWORD = "x"
"""With auth NONE it does not matter what the password is, but it must be there."""

_MOST_COOKIES = 50

Cookies = dict[str, str]


class HttpError(OSError):
    """The server answered with an HTTP status that is no success: `HTTP 401 Unauthorized`."""


class Http:
    """Each message is a POST, and its answer the response's body; the connection is kept.

    So are cookies: they spare the server a check of the password with each message, and have a
    balancer lead all of a session to one server.
    """

    def __init__(
        self, entry: HiveDatabase, login: Login, line: Line, seconds: float, cookies: Cookies
    ) -> None:
        self._entry = entry
        self._login = login
        self._connection = _Connection(entry, line, seconds)
        self._path = "/" + entry.http_path.strip("/")
        self._out = io.BytesIO()
        self._in = io.BytesIO()
        self.cookies = cookies

    def limit(self, seconds: float) -> None:
        """Let whatever waits for the server fail after so many seconds without a byte."""
        self._connection.limit(seconds)

    def open(self) -> None:
        """Connect."""
        self._connection.connect()

    def isOpen(self) -> bool:  # noqa: N802
        """Return whether there is a connection."""
        return self._connection.sock is not None

    def close(self) -> None:
        """Give the connection up."""
        self._connection.close()

    def read(self, size: int) -> bytes:
        """Return the next bytes of the answer."""
        return self._in.read(size)

    def readAll(self, size: int) -> bytes:  # noqa: N802
        """Return so many bytes. Raises Closed where the answer has not so many."""
        data = self._in.read(size)
        if len(data) < size:
            raise Closed("the answer of the server is too short")
        return data

    def write(self, data: bytes) -> None:
        """Add to the message."""
        self._out.write(data)

    def flush(self) -> None:
        """Send the message, and take the answer in. Raises OSError, HTTPException."""
        body, self._out = self._out.getvalue(), io.BytesIO()
        headers = {"Content-Type": "application/x-thrift", "Authorization": self._authorization()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        self._keep(response.headers.get_all("Set-Cookie") or [])
        if response.status != http.client.OK:
            raise HttpError(f"HTTP {response.status} {response.reason}")
        self._in = io.BytesIO(answer)

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            pair, *attributes = (part.strip() for part in line.split(";"))
            name, _, text = pair.partition("=")
            if not (name and pair.isascii() and pair.isprintable()):
                continue
            self.cookies.pop(name, None)
            ended = any(one.lower().replace(" ", "") == "max-age=0" for one in attributes)
            if not ended and len(self.cookies) < _MOST_COOKIES:
                self.cookies[name] = text

    def _authorization(self) -> str:
        # A ticket's word for itself is good for one request only.
        if self._entry.auth == "KERBEROS":
            import kerberos

            host = self._entry.kerberos_host or self._entry.host
            _, context = kerberos.authGSSClientInit(f"{self._entry.kerberos_service_name}@{host}")
            kerberos.authGSSClientStep(context, "")
            return f"Negotiate {kerberos.authGSSClientResponse(context)}"
        login = f"{self._login.username}:{self._login.password or ANY_PASSWORD}"
        return f"Basic {base64.b64encode(login.encode()).decode()}"


class _Connection(http.client.HTTPConnection):
    def __init__(self, entry: HiveDatabase, line: Line, seconds: float) -> None:
        super().__init__(str(entry.host), entry.port)
        self._entry = entry
        self._line = line
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = opened(self._entry, self._line, self._seconds)

    def limit(self, seconds: float) -> None:
        self._seconds = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)
