"""What the runner asks of an engine, and nothing more."""

from __future__ import annotations

from typing import Protocol

from reportupdater.model import Query, Server, Table, Task

CONNECT_TIMEOUT = 10.0
"""Seconds within which a server must have taken a connection and answered a login."""


class Session(Protocol):
    """One connection of one worker thread. Everything but `cancel` is called by that thread alone.

    The worker connects whenever `connected` is false. Deadlines are the caller's: it calls
    `cancel`, and the call in progress must end soon, with an error.
    """

    @property
    def connected(self) -> bool:
        """Whether `run` may be called: false at first, and after what left the connection in doubt."""

    @property
    def connect_timeout(self) -> float:
        """Seconds within which `connect` must have ended: mostly CONNECT_TIMEOUT."""

    @property
    def progress(self) -> str:
        """How far the call in progress is, in words; empty where the server does not say."""

    def connect(self) -> None:
        """Log in, anew if need be. Raises ConnectionFailed."""

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """The query's table, with values as `values.text` writes them.

        The deadline is the caller's; `timeout`, in seconds, is only what a server that can end a
        query by itself is told, for the case that the caller is no longer there.

        Raises QueryError for the query's own error (QueryTimeout if the server ended it),
        ConnectionFailed when the server went away, ResultError for a result that has more than
        `max_rows` rows or is no table.
        """

    def cancel(self) -> None:
        """Stop the call in progress, on the server too, and drop the connection.

        Called from another thread at any moment, and returns at once. The call ends with
        ConnectionFailed within about two seconds; where none is in progress, the next one does.
        """

    def close(self) -> None:
        """Leave nothing behind: no connection, no process. Never raises."""


class Engine(Protocol):
    """One kind of database, or scripts. An instance serves one run."""

    def server(self, task: Task) -> Server:
        """The server that the task's query runs on, the same for all tasks of a series.

        Raises ReportupdaterError where it cannot be found.
        """

    def query(self, task: Task) -> Query:
        """The task's rendered query."""

    def session(self, task: Task) -> Session:
        """A new session, not connected, that can run this task and all with an equal `access`."""

    def access(self, task: Task) -> object:
        """Equal for tasks that one session can run one after the other. It is hashable.

        The same for all tasks of a series.
        """

    def has_side_effects(self, task: Task) -> bool:
        """Whether the query may do more than read: such queries of one report run one at a time."""
