"""Signals that ask a run to end."""

from __future__ import annotations

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Remembers the first signal that asks the run to end.

    A run looks at `requested` between its steps, so that nothing is torn in the middle. Further
    signals change nothing: it ends within ten seconds, and leaves no script behind.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}

    def __enter__(self) -> Stop:
        for number in _SIGNALS:
            # nohup and shells' background jobs ignore some of them: so do we then.
            if self._before[number] is not signal.SIG_IGN:
                signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.requested is None:
            self.requested = number

    @property
    def exit_code(self) -> int | None:
        """What a shell expects of a process that a signal ended; None if none came."""
        return None if self.requested is None else 128 + self.requested
