"""Cancelling: how another thread stops the call that a session has in progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from reportupdater import background
from reportupdater.errors import ConnectionFailed


class Calls:
    """The calls of one session, one after the other; `with calls:` is one call.

    `stop` is given the number of a cancelled call, on a thread of its own, and does what it can
    until `ended` says that the call is over. `drop` gives up the session's connection; the
    session's own thread calls it when a call was cancelled, so that a stop that comes too late
    meets no later call.
    """

    def __init__(self, stop: Callable[[int], None], drop: Callable[[], None]) -> None:
        self._stop = stop
        self._drop = drop
        self._lock = threading.Lock()  # taken for every call: a condition takes eight times as long
        self._changed = threading.Condition(self._lock)
        self._number = 0
        self._running = False
        self._cancelled = False

    def __enter__(self) -> None:
        with self._lock:
            self._number += 1
            self._running = not self._cancelled
            self._cancelled = False
            running = self._running
        if not running:
            self._drop()
            raise _cancelled()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._running = False
            if not self._cancelled:
                return
            self._cancelled = False
            self._changed.notify_all()
        self._drop()
        raise _cancelled() from error

    def cancel(self) -> None:
        """Make the call in progress fail, or the next one when there is none; returns at once."""
        with self._changed:
            if self._cancelled:
                return
            self._cancelled = True
            if not self._running:
                return
            number = self._number
        if background.started(self._stop, number) is None:
            self._stop(number)  # which waits, but what it stops does not go on

    @property
    def cancelled(self) -> bool:
        """Whether the call in progress is to end: for calls that wait in steps."""
        return self._cancelled

    def ended(self, number: int, *, within: float) -> bool:
        """Return whether the call of that number is over, waiting for it up to `within` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._over(number), within)

    def during(self, number: int, action: Callable[[], object]) -> None:
        """Do something quick unless the call of that number is over; it cannot end meanwhile."""
        with self._changed:
            if not self._over(number):
                action()

    def _over(self, number: int) -> bool:
        return not self._running or self._number != number


def _cancelled() -> ConnectionFailed:
    return ConnectionFailed("cancelled")
