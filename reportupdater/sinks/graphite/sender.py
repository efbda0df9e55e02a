"""A sender of graphyte's that returns only when the receiver has read all that was sent.

graphyte's own closes the connection as soon as the system has taken the bytes: a receiver that hangs,
closes or resets goes unnoticed. This one ends its half of the connection and waits for the receiver
to end the other, as carbon does when it has read everything.

This module is imported when the first batch is sent: graphyte takes 13 ms.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import threading
from contextlib import suppress
from time import monotonic

import graphyte  # type: ignore[import-untyped]  # noqa: TID253

from reportupdater.connection import Lookup

CONNECT_TIMEOUT = 10.0
"""Seconds within which one address of the receiver must have taken a connection."""


class Sender(graphyte.Sender):  # type: ignore[misc]  # graphyte has no types
    """Sends messages to one host and port; `timeout` is for a whole message, in seconds.

    For `patience` seconds, before it ends its half of the connection, it waits whether the
    receiver leaves by itself, as carbon's receiver of pickles does when it is sent lines.
    """

    def __init__(self, host: str, port: int, *, timeout: float, patience: float = 0.0) -> None:
        super().__init__(host, port, timeout=timeout, raise_send_errors=True)
        self._patience = patience
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cancelled = False
        self.stage = "be found"
        """What the receiver has yet to do."""
        self._lookup = Lookup()

    def send_message(self, message: bytes) -> None:
        """Return when the receiver has read the message and closed. Raises OSError for all else."""
        deadline = monotonic() + self.timeout
        connection = self._connected(deadline)
        try:
            self.stage = "read the batch to its end"
            self._wait(connection, deadline)
            connection.sendall(message)  # its time-out is for all of it, not for each part
            self._check()
            _end(connection, self._patience)
            self._wait(connection, deadline)
            said = connection.recv(1024)
            self._check()
            if said:
                raise _answered(said)
            _check_read(connection)
        except OSError:
            # What the system has not sent yet must not arrive later, after newer values.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._check()  # whatever the connection died of
            raise
        finally:
            with self._lock:
                self._socket = None
            connection.close()

    def cancel(self) -> None:
        """Make the sending in progress, or the next, fail at once. For other threads."""
        with self._lock:
            self._cancelled = True
            self._lookup.end(_cancelled())
            if self._socket is not None:
                _shut(self._socket)

    def _check(self) -> None:
        if self._cancelled:
            raise _cancelled()

    def _wait(self, connection: socket.socket, deadline: float) -> None:
        """Let the next call on a connection take what is left of the time."""
        self._check()
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)

    def _connected(self, deadline: float) -> socket.socket:
        """Return a connection to the first address that takes one, in the order of the resolver."""
        refused: OSError = ConnectionError("the host has no address")
        self._check()
        addresses = self._lookup.addresses(self.host, self.port, deadline - monotonic())
        self.stage = "take the connection"
        for family, kind, protocol, _, address in addresses:
            connection = socket.socket(family, kind, protocol)
            try:
                with self._lock:
                    self._socket = connection
                self._wait(connection, min(deadline, monotonic() + CONNECT_TIMEOUT))
                connection.connect(address)
                self._check()
            except OSError as error:
                with self._lock:
                    self._socket = None
                connection.close()
                self._check()
                refused = error
            else:
                return connection
        raise refused


def _end(connection: socket.socket, patience: float) -> None:
    """End our half, unless the receiver has ended its own: then it is leaving, not done."""
    connection.settimeout(patience)
    try:
        said = connection.recv(1024)
    except (BlockingIOError, TimeoutError):
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:  # reset just now
            raise ConnectionResetError("it left early") from None
    else:
        raise _answered(said) if said else ConnectionResetError("it left early")


def _check_read(connection: socket.socket) -> None:
    """Raise OSError where the receiver left while the message was on its way.

    It has ended its half then, too; but its system has not confirmed all bytes, as that of one has
    which read to the end.
    """
    try:
        answer = fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return  # not every system knows
    if struct.unpack("i", answer)[0]:
        raise ConnectionResetError("it left early")


class Answered(ConnectionError):
    """The receiver said something, which a receiver of lines never does."""


def _answered(said: bytes) -> Answered:
    return Answered(said.decode("utf-8", "backslashreplace").split("\n")[0].strip())


def _cancelled() -> OSError:
    return ConnectionAbortedError("cancelled")


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # it may not be connected any more
        connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it
