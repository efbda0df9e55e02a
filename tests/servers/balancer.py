"""A balancer of TCP connections: each new one goes to the next of several servers."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence

__all__ = ["balanced"]


@contextlib.contextmanager
def balanced(ports: Sequence[int]) -> Iterator[int]:
    """The port of 127.0.0.1 that leads to each of these ports in turn."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        open_ones: list[socket.socket] = []

        def accept() -> None:
            for port in itertools.cycle(ports):
                try:
                    front, _ = listening.accept()
                except OSError:  # it has been closed
                    return
                back = socket.create_connection(("127.0.0.1", port))
                open_ones.extend((front, back))
                for ends in ((front, back), (back, front)):
                    threading.Thread(target=_copy, args=ends, daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for end in open_ones:
                end.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
