"""The line receiver of Graphite: carbon, or a relay before it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.client import BATCH_TIMEOUT, Sent, Sink
from reportupdater.sinks.graphite.path import url

if TYPE_CHECKING:
    from reportupdater.sinks.graphite.sender import Sender

_WRONG_PORT = "is `port` that of the receiver of lines? carbon's default is 2003"
_LOOK = "see whether carbon runs there, and what its log says"
_PATIENCE = 0.2
"""Seconds, once a run: time for the answer of one that gets lines and expects something else."""


class Graphite(Sink):
    """Sends all points of a batch as lines over one connection.

    That the receiver has read them does not mean that it has stored them: carbon keeps them in
    memory for a moment, and drops what its own limits forbid. Only reading back shows that.
    """

    def __init__(self, host: str, port: int) -> None:
        self.destination = url(host, port)
        self._place = f"{host}:{port}"
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._sender: Sender | None = None
        self._closed = False
        self._trusted = False

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> Sent:
        """Send a batch, see `Sink`."""
        from reportupdater.sinks.graphite.sender import Sender

        if not points:
            return Sent()
        message = "".join([f"{p.key} {p.value} {p.timestamp}\n" for p in points])
        patience = 0.0 if self._trusted else _PATIENCE
        sender = Sender(self._host, self._port, timeout=timeout, patience=patience)
        with self._lock:
            if self._closed:
                sender.cancel()
            self._sender = sender
        began = monotonic()
        self._trusted = False
        try:
            sender.send_message(message.encode())
            self._trusted = True
        except TimeoutError:
            what = f"took longer than {monotonic() - began:.0f} s to {sender.stage}"
            raise ConnectionFailed(f"Graphite at {self._place} {what}", hint=_LOOK) from None
        except OSError as error:
            raise self._failed(error) from None
        finally:
            with self._lock:
                self._sender = None
        return Sent()

    def close(self) -> None:
        """Make the `send` in progress, and each later one, fail at once."""
        with self._lock:
            self._closed = True
            if self._sender is not None:
                self._sender.cancel()

    def _failed(self, error: OSError) -> ConnectionFailed:
        from reportupdater.sinks.graphite.sender import Answered

        hint = _LOOK
        if isinstance(error, Answered):
            what, hint = (
                f"answered {str(error)[:60]!r}, which no receiver of lines does",
                _WRONG_PORT,
            )
        elif isinstance(error, socket.gaierror):
            what, hint = f"has no known address: {error.strerror}", "is `host` spelt right?"
        elif isinstance(error, ConnectionAbortedError):
            what, hint = "was not waited for: the run is ending", ""
        elif isinstance(error, ConnectionRefusedError):
            what, hint = "refused the connection", f"{_LOOK}; {_WRONG_PORT}"
        elif isinstance(error, ConnectionResetError | BrokenPipeError):
            what, hint = "left before it had read the whole batch", f"{_LOOK}; {_WRONG_PORT}"
        else:
            what = f"cannot be reached: {error.strerror or error}"
        return ConnectionFailed(f"Graphite at {self._place} {what}", hint=hint)
