"""Calls that another thread watches: each has a deadline, and may be left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from reportupdater.engines.base import Session
from reportupdater.errors import Interrupted, QueryTimeout, ReportupdaterError
from reportupdater.execution.progress import Doing
from reportupdater.model import Task

T = TypeVar("T")

GRACE = 15.0
"""Seconds within which a call must have ended that was stopped; one that has not is left behind."""


class LeftBehind(BaseException):
    """Ends a thread whose call has ended after all, long after others have given it up."""


class _Call:
    """One call in progress."""

    def __init__(self, task: Task | None, session: Session | None, seconds: float) -> None:
        self.task = task
        self.session = session
        self.began = monotonic()
        self.deadline = self.began + seconds
        self.given_up = 0.0  # when it is left behind; known once it has been stopped
        self.cancelled: ReportupdaterError | None = None


class Watched:
    """The calls of one thread, one after the other."""

    def __init__(self, stopping: threading.Event) -> None:
        """`stopping` says that the run is to end."""
        self._stopping = stopping
        self._changing = threading.Lock()
        self._call: _Call | None = None
        self._left_behind = False
        self.stopped = False
        """Whether the last call was stopped, be it too late or not."""

    @property
    def doing(self) -> Doing | None:
        """The task in work."""
        call = self._call
        if call is None or call.task is None or self._left_behind:
            return None
        return Doing(call.task, call.began, call.session.progress if call.session else "")

    def make(
        self, call: Callable[[], T], seconds: float, task: Task | None, session: Session | None
    ) -> T:
        """Make a call that `look` can stop through its session; raise what it says if it did.

        Raises LeftBehind where no one waits for the call any more.
        """
        self._call = this = _Call(task, session, seconds)
        try:
            return call()
        except Exception:
            if this.cancelled is None:
                raise
            raise this.cancelled from None  # whatever the stopped call died of
        finally:
            with self._changing:
                self._call = None
                self.stopped = this.cancelled is not None
            if self._left_behind:
                raise LeftBehind

    def look(self, now: float) -> float | None:
        """Stop a call that is past its deadline, or whatever is in progress when the run is to end.

        Return how many seconds a call had that has not ended long after it was stopped: whatever it
        waits for, no one is to wait for it. Called by another thread, several times a second.
        """
        with self._changing:
            call = self._call
            if call is None or self._left_behind:
                return None
            if call.cancelled:
                if now < call.given_up or self._stopping.is_set():
                    return None
                self._left_behind = True
                return call.deadline - call.began
            if self._stopping.is_set():
                call.cancelled = Interrupted("the run was interrupted")
            elif now > call.deadline:
                # From now on, not from the deadline: the watcher may have been busy meanwhile.
                call.given_up = now + GRACE
                call.cancelled = QueryTimeout(
                    f"stopped after {call.deadline - call.began:.0f} s",
                    hint="the report's `timeout` says how long a query may take",
                )
            if call.cancelled and call.session:
                call.session.cancel()
            return None
