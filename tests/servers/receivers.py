"""Receivers that a sink may meet: one that behaves like carbon, and others that do not."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Behaviour = Callable[["Receiver", socket.socket], None]
"""What is done with a connection. When it returns, the connection is closed."""


class Receiver:
    """A server on a port of 127.0.0.1, a free one by default, with a thread for each connection.

    `connections` counts what it accepted; `lines` are those that it has read whole.
    """

    host = "127.0.0.1"

    def __init__(self, behave: Behaviour, port: int = 0) -> None:
        self.connections = 0
        self.over = threading.Event()
        self._behave = behave
        self._received: list[bytearray] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        # Little is read ahead: what a behaviour does not read, the sender can notice.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, port))
        self._listener.listen(64)
        self.port = int(self._listener.getsockname()[1])

    @property
    def lines(self) -> list[str]:
        """All whole lines, connection by connection."""
        whole = (bytes(received).rpartition(b"\n")[0] for received in self._received)
        return [line for text in whole if text for line in text.decode().split("\n")]

    def start(self) -> None:
        """Begin to accept."""
        self._start(self._accept)

    def stop(self) -> None:
        """End all connections, and wait for their threads."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def read(self, connection: socket.socket, most: int = 1 << 16) -> bool:
        """Read a little; whether there was anything left to read."""
        data = connection.recv(most)
        self._received[-1].extend(data)
        return bool(data)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._received.append(bytearray())
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            self._behave(self, connection)


@contextlib.contextmanager
def receiver(behave: Behaviour, port: int = 0) -> Iterator[Receiver]:
    """A receiver that runs as long as the block."""
    server = Receiver(behave, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def never_accepting() -> Iterator[int]:
    """The port of a server whose queue of connections is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        yield int(listener.getsockname()[1])


def reads_all(server: Receiver, connection: socket.socket) -> None:
    """As carbon does: read to the end, then close."""
    while server.read(connection):
        pass


def never_reads(server: Receiver, connection: socket.socket) -> None:
    """Accept, and hang."""
    server.over.wait()


def never_closes(server: Receiver, connection: socket.socket) -> None:
    """Read to the end, and then hang."""
    reads_all(server, connection)
    server.over.wait()


def closes_at_once(server: Receiver, connection: socket.socket) -> None:
    """Accept and close, as a receiver that has too many connections."""


def resets(server: Receiver, connection: socket.socket) -> None:
    """Read a part of the batch, then reset the connection."""
    server.read(connection, 1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closes_in_mid_batch(server: Receiver, connection: socket.socket) -> None:
    """Read a part of the batch, then close, as a process that is killed."""
    server.read(connection, 1000)


def reads_slowly(server: Receiver, connection: socket.socket) -> None:
    """Read 2 kB every 10 ms: always some progress."""
    while server.read(connection, 2000) and not server.over.wait(0.01):
        pass


def says_goodbye_then_reads(server: Receiver, connection: socket.socket) -> None:
    """End its half before the batch has ended, then read all of it."""
    connection.shutdown(socket.SHUT_WR)
    reads_all(server, connection)


def says_goodbye_and_never_reads(server: Receiver, connection: socket.socket) -> None:
    """End its half a moment after the batch has been sent, and read nothing."""
    server.over.wait(0.3)
    connection.shutdown(socket.SHUT_WR)
    server.over.wait()


def answers(server: Receiver, connection: socket.socket) -> None:
    """Answer, as the web server does that a wrong port leads to."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    reads_all(server, connection)


# Before another server


def relaying(
    port: int, *, limit: int | None = None, end: str = "close", pause: float = 0
) -> Behaviour:
    """Stand before a server of this host; a `pause` before each part of an answer.

    After `limit` bytes of answers the connection comes to an `end`: it is closed, reset, or hangs.
    """

    def behave(server: Receiver, connection: socket.socket) -> None:
        left = limit
        with socket.create_connection((server.host, port), 10) as upstream:
            while not server.over.is_set():
                for one in select.select([connection, upstream], [], [], 0.2)[0]:
                    data = one.recv(1 << 14)
                    if not data:
                        return
                    if one is connection:
                        upstream.sendall(data)
                        continue
                    server.over.wait(pause)
                    connection.sendall(data[:left])
                    if left is not None:
                        left -= len(data)
                        if left <= 0:
                            _end(server, connection, end)
                            return

    return behave


def _end(server: Receiver, connection: socket.socket, end: str) -> None:
    if end == "hang":
        server.over.wait()
    elif end == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
