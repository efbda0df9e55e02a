"""What the runner asks of a sink, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reportupdater.model import Datapoint

BATCH_TIMEOUT = 30.0
"""Seconds within which a receiver must have read a batch to its end."""


class Sink(Protocol):
    """One receiver of datapoints. `send` is called by one thread at a time, `close` by any."""

    @property
    def destination(self) -> str:
        """What datapoints are owed to: `host:port`."""

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> None:
        """Return when the receiver has read all points, each once at least.

        It ends within `timeout` seconds whatever the receiver does. Raises ConnectionFailed: then
        nobody knows which of the points have arrived, and all are to be sent again.
        """

    def close(self) -> None:
        """Make the `send` in progress, and each later one, fail at once. Never raises."""
