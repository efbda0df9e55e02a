"""Signals that ask a run to end."""

from __future__ import annotations

import signal
import threading
from time import monotonic
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_AT_ONCE = 0.001
"""Seconds; a timer of none at all is one that is switched off."""


class Abandoned(BaseException):
    """Ends a block that a stop does not wait for. Only `Stop` catches it."""


class Stop:
    """Remembers the first signal that asks the run to end.

    Signals come to the main thread alone: in another one it does nothing, and nothing is requested.
    A run looks at `requested` between its steps, so that nothing is torn in the middle. Further
    signals change nothing: it ends within ten seconds, and leaves no script behind.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._since = 0.0
        self._patience: float | None = None
        self._is_main = threading.current_thread() is threading.main_thread()
        self._before = {number: signal.getsignal(number) for number in (*_SIGNALS, signal.SIGALRM)}

    def __enter__(self) -> Stop:
        if not self._is_main:
            return self
        for number in _SIGNALS:
            # nohup and shells' background jobs ignore some of them: so do we then.
            if self._before[number] is not signal.SIG_IGN:
                signal.signal(number, self._take)
        signal.signal(signal.SIGALRM, self._ring)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._patience = None
        if not self._is_main:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is Abandoned:  # it came in the very moment in which its block ended
            raise SystemExit(self.exit_code)

    def abandoning(self, seconds: float = 0.0) -> _Abandoning:
        """Return a context whose block a stop leaves where it is, `seconds` after the signal.

        It is for what may take minutes and can be killed at any moment without a loss: reading
        TSVs, asking another program, merging results that stay in the journal until it is done.
        """
        return _Abandoning(self, seconds)

    def wait_for(self, seconds: float | None) -> float | None:
        """Let a block be abandoned so long after the signal, None for never; what held before."""
        before, self._patience = self._patience, seconds
        self._set_timer()
        return before

    def _set_timer(self) -> None:
        if not self._is_main:
            return
        left = 0.0
        if self.requested is not None and self._patience is not None:
            left = max(self._since + self._patience - monotonic(), _AT_ONCE)
        signal.setitimer(signal.ITIMER_REAL, left)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.requested is None:
            self.requested, self._since = number, monotonic()
            self._set_timer()

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._patience is not None:
            raise Abandoned

    def is_requested(self) -> bool:
        """Return whether a signal has come."""
        return self.requested is not None

    @property
    def exit_code(self) -> int | None:
        """What a shell expects of a process that a signal ended; None if none came."""
        return None if self.requested is None else 128 + self.requested


class _Abandoning:
    def __init__(self, stop: Stop, seconds: float) -> None:
        self._stop = stop
        self._seconds = seconds
        self._before: float | None = None

    def __enter__(self) -> None:
        self._before = self._stop.wait_for(self._seconds)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._stop.wait_for(self._before)
        return kind is Abandoned
