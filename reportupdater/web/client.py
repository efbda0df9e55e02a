"""A client for one HTTP server, which another thread can stop and which ends in time whatever happens.

No proxy, login or certificate of the environment is used, and no redirection is followed.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import NamedTuple
from urllib.parse import urlsplit

from reportupdater.connection import Line
from reportupdater.errors import ConnectionFailed, shown
from reportupdater.web.access import Access

CONNECT_TIMEOUT = 10.0
"""Seconds within which the server must have taken a connection."""
_LARGEST = 1 << 28
"""Bytes of an answer."""


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes

    @property
    def text(self) -> str:
        """The beginning of the body on one line, for messages."""
        return " ".join(self.body[:500].decode("utf-8", "backslashreplace").split())[:200]


class Client:
    """Requests to one server, one at a time, over a connection that is kept.

    `who` is what messages call the server.
    """

    def __init__(self, url: str, access: Access, who: str) -> None:
        self._parts = urlsplit(url)
        self._access = access
        self._place = f"{who} at {self._parts.scheme}://{self._parts.netloc}"
        self._line = Line()
        self._kept: _Connection | None = None
        self._closed = False
        self._asking = threading.Lock()
        self._headers: dict[str, str] | None = None
        self._tls: ssl.SSLContext | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, timeout: float) -> Answer:
        """Return the answer to a body. Raises ConnectionFailed, within `timeout` seconds in any case.

        `path` follows that of the client's URL.
        """
        began = monotonic()
        deadline = began + timeout
        if self._closed:
            raise self._stopped()
        if timeout <= 0:
            raise ConnectionFailed(f"{self._place} was given no time to answer", hint=_LOOK)
        every = self._every_time() | {**headers}
        target = self._parts.path.rstrip("/") + path or "/"
        if self._parts.query:
            target += f"?{self._parts.query}"
        alarm = threading.Timer(max(0.0, timeout), self._line.cut)
        alarm.daemon = True
        with suppress(RuntimeError):  # no further thread can be had: each step has its own limit
            alarm.start()
        try:
            with self._asking:
                return self._answer(target, body, every, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop()
            if self._closed:
                raise self._stopped() from None
            if monotonic() >= deadline or isinstance(error, TimeoutError):
                what = f"did not answer within {monotonic() - began:.0f} s"
                raise ConnectionFailed(f"{self._place} {what}", hint=_LOOK) from None
            raise self._failed(error) from None
        finally:
            alarm.cancel()
            if self._closed:
                self._drop()

    def close(self) -> None:
        """Make the request in progress, and each later one, fail at once. For other threads."""
        self._closed = True
        self._line.cut()
        if self._asking.acquire(blocking=False):  # else the request drops the connection
            self._drop()
            self._asking.release()

    def _answer(
        self, target: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> Answer:
        kept = self._kept
        if kept is not None:
            try:
                return self._ask(kept, target, body, headers, deadline)
            except (OSError, http.client.HTTPException):
                self._drop()
                if self._closed or monotonic() >= deadline:
                    raise
            # The server may have ended the connection while nothing was asked.
        kept = _Connection(
            self._parts.hostname or "", self._parts.port, self._line, self._context()
        )
        kept.limit = min(CONNECT_TIMEOUT, max(0.001, deadline - monotonic()))
        self._kept = kept
        kept.connect()
        return self._ask(kept, target, body, headers, deadline)

    def _ask(
        self,
        kept: _Connection,
        target: str,
        body: bytes,
        headers: Mapping[str, str],
        deadline: float,
    ) -> Answer:
        kept.sock.settimeout(max(0.001, deadline - monotonic()))
        kept.request("POST", target, body, dict(headers))
        response = kept.getresponse()
        data = response.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError(f"the answer is larger than {_LARGEST >> 20} MiB")
        if response.will_close:
            self._drop()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, data)

    def _every_time(self) -> dict[str, str]:
        if self._headers is None:
            from reportupdater.credentials import creds_file, token_file  # few need one

            headers = {**self._access.headers, "Accept-Encoding": "identity"}
            if self._access.bearer_file is not None:
                headers["Authorization"] = f"Bearer {token_file.read(self._access.bearer_file)}"
            if self._access.creds_file is not None:
                login = creds_file.read(self._access.creds_file)
                pair = f"{login.username or ''}:{login.password or ''}".encode()
                headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
            self._headers = headers
        return dict(self._headers)

    def _context(self) -> ssl.SSLContext | None:
        if self._parts.scheme == "https" and self._tls is None:
            access = self._access
            name = "ca_file"
            try:
                context = ssl.create_default_context(
                    cafile=None if access.ca_file is None else str(access.ca_file)
                )
                if access.cert_file is not None:
                    name = "cert_file"
                    # A password would be asked for on the terminal.
                    context.load_cert_chain(access.cert_file, access.key_file, lambda: b"")
            except OSError as error:  # SSLError is one
                why = error.strerror or "it is not what it should be"
                raise ConnectionFailed(
                    f"{self._place} cannot be asked: `{name}` cannot be used: {why}",
                    hint="certificates and keys are files in PEM, a key without a password",
                    retry=False,
                ) from None
            self._tls = context
        return self._tls

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        self._line.close()
        if kept is not None:
            kept.close()

    def _stopped(self) -> ConnectionFailed:
        return ConnectionFailed(f"{self._place} was not waited for: the run is ending")

    def _failed(self, error: Exception) -> ConnectionFailed:
        hint = _LOOK
        if isinstance(error, ssl.SSLCertVerificationError):
            what = f"has a certificate that cannot be trusted: {error.verify_message}"
            hint = "`ca_file` names the certificates that vouch for it"
        elif isinstance(error, ssl.SSLError):
            what = f"does not speak TLS as wanted: {(error.reason or str(error)).lower()}"
            hint = "does the URL begin rightly, and does it want a `cert_file`?"
        elif isinstance(error, socket.gaierror):
            what, hint = f"has no known address: {error.strerror}", "is the host spelt right?"
        elif isinstance(error, ConnectionRefusedError):
            what = "refused the connection"
        elif isinstance(error, ConnectionError):
            what = "ended the connection before it had answered"
        elif isinstance(error, http.client.HTTPException):
            what = f"answered what is no HTTP: {shown(str(error) or type(error).__name__)}"
            hint = "is it the right port, and does it speak TLS?"
        else:
            what = f"cannot be reached: {getattr(error, 'strerror', None) or error}"
        return ConnectionFailed(f"{self._place} {what}", hint=hint)


_LOOK = "see whether it runs there, and what its log says"


class _Connection(http.client.HTTPConnection):
    """A connection of http.client's over a line that can be cut."""

    def __init__(
        self, host: str, port: int | None, line: Line, context: ssl.SSLContext | None
    ) -> None:
        super().__init__(host, port or (80 if context is None else 443))
        self.limit = CONNECT_TIMEOUT
        self._line = line
        self._context = context
        self.auto_open = 0

    def connect(self) -> None:
        """Connect, and speak TLS where that is wanted."""
        self.sock = self._line.open(self.host, self.port, self.limit)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
