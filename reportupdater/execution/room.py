"""Which workers have a connection, where a server may take fewer than there are workers."""

from __future__ import annotations

import logging
import threading
from time import monotonic

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Server

log = logging.getLogger(__name__)

_STEP = 0.25
"""Seconds between two looks at whether the run is to end."""


class NoRoomError(Exception):
    """The server takes no further connection; other workers have theirs and go on."""


class Room:
    """The workers of all servers that have a connection. Any thread may call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._connected: dict[Server, set[object]] = {}
        self._logged: set[Server] = set()

    def enter(self, server: Server, worker: object) -> None:
        """Note that a worker has a connection."""
        with self._changed:
            self._connected.setdefault(server, set()).add(worker)

    def leave(self, server: Server, worker: object) -> None:
        """Note that a worker has no connection, or none that is of use to others."""
        with self._changed:
            connected = self._connected.get(server)
            if connected and worker in connected:
                connected.remove(worker)
                self._changed.notify_all()

    def go_on(self, server: Server, error: ConnectionFailed) -> bool:
        """Return whether the workers that are connected do the work of one that met this error."""
        with self._changed:
            others = bool(self._connected.get(server))
            if others and server not in self._logged:
                self._logged.add(server)
                log.info("%s: %s; going on with the connections there are", server, error)
            return others

    def wait(self, server: Server, seconds: float, stopping: threading.Event) -> None:
        """Wait until a connection of the server is closed, the run is to end, or the time is over."""
        until = monotonic() + seconds
        with self._changed:
            before = len(self._connected.get(server, ()))
            while 0 < before <= len(self._connected.get(server, ())) and monotonic() < until:
                if stopping.is_set():
                    return
                self._changed.wait(_STEP)
