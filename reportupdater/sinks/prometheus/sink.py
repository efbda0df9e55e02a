"""The client of a receiver of remote write."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import inf
from operator import attrgetter
from time import monotonic, time

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.client import BATCH_TIMEOUT, Presence, Refused, Sent, Sink
from reportupdater.sinks.prometheus.answers import Meaning, meaning
from reportupdater.sinks.prometheus.message import HEADERS, request
from reportupdater.sinks.prometheus.query import QueryApi
from reportupdater.sinks.prometheus.series import labels
from reportupdater.web.access import Access
from reportupdater.web.client import Client

WHO = "the receiver"
_HOUR = 3600
_SURELY_OLD = 2 * 86_400
"""Seconds. What is refused as too old is so for all series then; nor can it lie in the future."""
_MOST_UNKNOWN = 20
"""Datapoints refused for no known reason, with none taken: then it is the request that is refused."""


class Receiver(Sink):
    """Writes batches, and looks for what is refused in those that are."""

    def __init__(
        self, url: str, access: Access, destination: str, query_api: QueryApi | None
    ) -> None:
        self.destination = destination
        self._client = Client(url, access, WHO)
        self._url = url
        self._query_api = query_api

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> Sent:
        """Write datapoints, see `Sink`.

        A receiver that refuses one of a batch stores none of it, or does not say which: the batch is
        halved until it is known. Most are refused for their age: so newer halves come first, and what
        is older than one that is too old is not tried.
        """
        deadline = monotonic() + timeout
        refused: list[Refused] = []
        taken: list[Datapoint] = []
        left: Sequence[Datapoint] = ()
        to_send = [sorted(points, key=attrgetter("timestamp"))] if points else []
        found = Meaning()
        is_any_good = False
        unknown = 0
        too_old, old = -inf, Meaning()
        while to_send:
            some = to_send.pop()
            if some[0].timestamp <= too_old:
                refused += [Refused(p, old.why, old.hint) for p in some if p.timestamp <= too_old]
                some = [point for point in some if point.timestamp > too_old]
                if not some:
                    continue
            try:
                found = self._write(some, deadline)
            except ConnectionFailed:
                if not (refused or taken):
                    raise
                # What is known already shall not be found out again.
                left = [*some, *chain.from_iterable(to_send)]
                break
            if found.is_good:
                is_any_good = True
                continue
            if len(some) > 1:
                half = len(some) // 2
                to_send += [some[:half], some[half:]]
            elif found.is_taken:
                taken += some
            else:
                unknown += not found.is_known
                if unknown >= _MOST_UNKNOWN and not is_any_good:
                    raise self._failed(found)
                refused.append(Refused(some[0], found.why, found.hint))
                # Within the last days the bound may be another for each series.
                if found.is_old and some[0].timestamp < time() - _SURELY_OLD:
                    too_old, old = some[0].timestamp - _HOUR, found
        if unknown and not is_any_good and len(points) > 1:
            raise self._failed(found)
        return Sent(refused, taken, left)

    def takes(self, key: str) -> bool:
        """Return whether a text is a series key."""
        try:
            labels(key)
        except ValueError:
            return False
        return True

    def present(self, points: Sequence[Datapoint]) -> Presence:
        """Return what the receiver has of the keys of points."""
        assert self._query_api is not None
        since: dict[str, int] = {}
        for point in points:
            since[point.key] = min(point.timestamp, since.get(point.key, point.timestamp))
        return self._query_api.present(since)

    def close(self) -> None:
        """Make the request in progress, and each later one, fail at once."""
        self._client.close()
        if self._query_api is not None:
            self._query_api.close()

    def _write(self, points: Sequence[Datapoint], deadline: float) -> Meaning:
        answer = self._client.post("", request(points), HEADERS, timeout=deadline - monotonic())
        found = meaning(answer.status, answer.headers, answer.text)
        if not (found.is_good or found.is_refused or found.is_taken):
            raise self._failed(found)
        return found

    def _failed(self, found: Meaning) -> ConnectionFailed:
        return ConnectionFailed(
            f"{WHO} at {self._url} {found.why}",
            hint=found.hint,
            retry=found.retry,
            wait=found.wait,
        )
