"""A connection that another thread can cut at any moment, even while it is being made."""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import threading
import time
from collections.abc import Sequence
from typing import Any

from reportupdater import background

Addresses = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]
"""What a name was resolved to."""

# A peer that has vanished is noticed after about two minutes, not only at the query's timeout.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)

_AT_ONCE = struct.pack("ii", 1, 0)


class Lookup:
    """The resolving of a name: the system's resolver knows neither a deadline nor a way to stop it.

    So it runs on a thread of its own, which is left behind where it hangs.
    """

    def __init__(self) -> None:
        self._answers: queue.SimpleQueue[Addresses | OSError] = queue.SimpleQueue()

    def addresses(self, host: str, port: int, seconds: float) -> Addresses:
        """Return the addresses of a host. Raises OSError, also TimeoutError, and what `end` was given."""

        def resolve() -> None:
            try:
                self._answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except OSError as error:
                self._answers.put(error)
            except UnicodeError:  # a part of it is empty, or has over 63 characters
                self._answers.put(socket.gaierror(socket.EAI_NONAME, "it is no name of a host"))

        if background.started(resolve) is None:
            resolve()
        try:
            answer = self._answers.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise TimeoutError("the name could not be resolved in time") from None
        if isinstance(answer, OSError):
            raise answer
        return answer

    def end(self, error: OSError) -> None:
        """Make the resolving in progress, or the next, fail at once. For other threads."""
        self._answers.put(error)


class Line:
    """A socket for a driver, and a second handle on it with which the line is cut.

    Drivers wrap and replace the sockets they are given (for TLS), and one that is closed by one
    thread must not be touched by another; the second handle is ours alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handle: socket.socket | None = None
        self._lookup: Lookup | None = None

    def open(self, host: str, port: int, seconds: float) -> socket.socket:
        """Return a socket connected to the first address of `host` that takes it.

        Raises OSError.
        """
        self.close()
        deadline = time.monotonic() + seconds
        failure: OSError = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in self._resolved(host, port, seconds):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            try:
                return self._connected(socket.socket(family, kind, protocol), address, left)
            except OSError as error:
                failure = error
        raise failure

    def open_at(self, family: socket.AddressFamily, address: Any, seconds: float) -> socket.socket:
        """Return a socket connected to one very address, such as that of a Unix socket.

        Raises OSError.
        """
        self.close()
        return self._connected(socket.socket(family, socket.SOCK_STREAM), address, seconds)

    def cut(self) -> None:
        """Make whatever waits on the line fail now. Does nothing where there is no line."""
        with self._lock:
            if self._lookup is not None:
                self._lookup.end(ConnectionAbortedError("cut"))
            if self._handle is not None:
                with contextlib.suppress(OSError):
                    # Closing it will reset the connection: a server that is still sending would
                    # else wait for us until its own timeout.
                    self._handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                    self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give up the second handle; the socket itself is the driver's to close."""
        self._hold(None)

    def _hold(self, handle: socket.socket | None) -> None:
        with self._lock:
            handle, self._handle = self._handle, handle
        if handle is not None:
            handle.close()

    def _resolved(self, host: str, port: int, seconds: float) -> Addresses:
        with self._lock:
            self._lookup = lookup = Lookup()
        try:
            return lookup.addresses(host, port, seconds)
        finally:
            with self._lock:
                self._lookup = None

    def _connected(self, sock: socket.socket, address: Any, seconds: float) -> socket.socket:
        try:
            self._hold(sock.dup())
            sock.settimeout(seconds)
            sock.connect(address)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for option in _KEEPALIVE:
                    sock.setsockopt(*option)
        except BaseException:
            self.close()
            sock.close()
            raise
        return sock
