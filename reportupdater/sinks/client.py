"""What the deliverer asks of a sink: a client for one receiver. Not imported where nothing is sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reportupdater.model import Datapoint

BATCH_TIMEOUT = 30.0
"""Seconds within which a receiver must have read a batch to its end."""


class Refused(NamedTuple):
    """A datapoint that a receiver will never take, and why: a sentence without its beginning."""

    point: Datapoint
    why: str
    hint: str = ""


class Sent(NamedTuple):
    """What became of datapoints that the receiver has not simply read."""

    refused: Sequence[Refused] = ()
    taken: Sequence[Datapoint] = ()
    """Those under whose revision the receiver has another value: they need a higher one."""
    left: Sequence[Datapoint] = ()
    """Those to be sent again as they are: there was no time for them."""


class Present(NamedTuple):
    """What a receiver has of a datapoint: its newest revision, and its value (NaN where it is emptied)."""

    revision: int
    value: float


Presence = Mapping[str, Mapping[int, Present]]
"""Series key → timestamp → what the receiver has there."""


class Sink(ABC):
    """A client for one receiver. `send` and `present` are called by one thread at a time, `close` by any."""

    destination: str
    """The receiver, as a URL."""

    @abstractmethod
    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> Sent:
        """Return when the receiver has read all points, each once at least.

        It ends within `timeout` seconds whatever the receiver does. Raises ConnectionFailed: then
        it is not known which of the points have arrived, and all are to be sent again.
        """

    def takes(self, key: str) -> bool:
        """Return whether a text can be a series key: else a pending one is damaged."""
        return key.isprintable() and " " not in key

    def present(self, points: Sequence[Datapoint]) -> Presence:
        """Return what the receiver has of the keys of points, from the earliest moment of each key on.

        Only sinks that number revisions are asked. Raises ConnectionFailed.
        """
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Make the `send` in progress, and each later one, fail at once. Never raises."""
