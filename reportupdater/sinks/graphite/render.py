"""Graphite's render API, by which series are read back."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from time import monotonic

from reportupdater.errors import NO_THREAD, NO_THREAD_HINT, ConnectionFailed
from reportupdater.sinks.base import Stored

TIMEOUT = 60.0
"""Seconds of silence after which an answer is given up."""
IN_ALL = 120.0
"""Seconds after which an answer that is still coming is given up."""
LARGEST = 2**28
"""Bytes of an answer: twenty years of hours of so many metrics."""
AT_ONCE = 50
"""Metrics to a request: twenty years of days of them are 10 MB."""
_HINT = "the URL is that of the render API, for example http://graphite.example.org/render"
_ESCAPED = re.compile(r"([,|\\])")

_Points = list[tuple[int, float | None]]


UNKNOWN = Stored(float("inf"), 1, {})
"""What is returned for a metric that has been kept too coarsely."""


class RenderApi:
    """Reads series at their finest."""

    at_once = AT_ONCE

    def __init__(self, url: str) -> None:
        """`url` begins with http:// or https://."""
        self._url = url

    def read(
        self, paths: Iterable[str], first: int, last: int, step: int
    ) -> Iterator[tuple[str, Stored | None]]:
        """Yield each of the metrics from `first` to `last`, None where Graphite has none of that path.

        `step` is how many seconds at most a point may cover. A graphite-web without
        UTF8_METRICS has no names with other letters than ASCII's. Raises ConnectionFailed.
        """
        for is_ascii, group in groupby(sorted(paths, key=str.isascii), key=str.isascii):
            chosen = list(group)
            # Where other letters than ASCII's are not allowed, one name spoils the whole request.
            most = AT_ONCE if is_ascii else 1
            for at in range(0, len(chosen), most):
                yield from self._read(chosen[at : at + most], first, last, step)

    def close(self) -> None:
        """Give up nothing: each request has a connection of its own."""

    def _read(
        self, paths: Sequence[str], first: int, last: int, step: int
    ) -> Iterator[tuple[str, Stored | None]]:
        found = self._asked(paths, first, last + step)
        coarse = [path for path, points in found.items() if _step(points) > step]
        if coarse:
            found |= {path: [] for path in coarse}
            for border, group in self._borders(coarse, first, last, step):
                found |= self._asked(group, border, last + step)
        for path in paths:
            yield path, _stored(found[path]) if path in found else None

    def _borders(
        self, paths: Sequence[str], coarse: int, fine: int, step: int
    ) -> Iterator[tuple[int, list[str]]]:
        """From when on metrics that are too coarse at `coarse` are fine enough, if at all.

        Graphite answers from the finest archive that reaches back to the beginning of the request.
        """
        if fine - coarse < step:
            found = self._asked(paths, fine, fine + 2 * step)
            answered = [path for path in paths if _step(found.get(path, [])) <= step]
            if answered:
                yield fine, answered
            return
        middle = (coarse + fine) // 2
        found = self._asked(paths, middle, middle + 2 * step)
        sooner = [path for path in paths if _step(found.get(path, [])) <= step]
        later = [path for path in paths if path not in set(sooner)]
        if sooner:
            yield from self._borders(sooner, coarse, middle, step)
        if later:
            yield from self._borders(later, middle, fine, step)

    def _asked(self, paths: Sequence[str], first: int, last: int) -> dict[str, _Points]:
        # Here, since they take 30 ms: a run with nothing due pays for no network.
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.parse import urlencode

        query = [("target", _ESCAPED.sub(r"\\\1", path)) for path in paths]
        # What stands at `from` is not part of the answer.
        query += [("from", str(first - 1)), ("until", str(last))]
        query += [("format", "json"), ("noCache", "1")]
        try:
            answer = json.loads(self._posted(urlencode(query).encode()))
            return {
                series["target"]: [(at, value) for value, at in series["datapoints"]]
                for series in answer
            }
        except HTTPError as error:
            if error.code in {400, 500} and not paths[0].isascii():
                return {}
            raise self._failed(f"answered {error.code} {error.reason}") from None
        except (ValueError, KeyError, TypeError):
            raise self._failed("gave something else than series in JSON") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise self._failed(f"said nothing for {TIMEOUT:.0f} s") from None
            why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise self._failed(f"cannot be read: {why}") from None

    def _posted(self, form: bytes) -> bytes:
        """Return the answer to a form: so many names can be too long for a URL.

        It is waited for on a thread of its own: a name that is looked up, or a server that sends a
        byte now and then, knows no deadline, and a signal could not interrupt it.
        """
        answers: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
        past = monotonic() + IN_ALL

        def wait() -> None:
            try:
                answers.put(self._read_answer(form, past))
            except Exception as error:
                answers.put(error)

        try:
            threading.Thread(target=wait, name="render", daemon=True).start()
        except RuntimeError:
            raise ConnectionFailed(NO_THREAD, hint=NO_THREAD_HINT) from None
        try:
            answer = answers.get(timeout=IN_ALL)
        except queue.Empty:
            raise self._failed(f"has not given its whole answer within {IN_ALL:.0f} s") from None
        try:
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            del answer  # an error that this frame holds would hold this frame, and its socket

    def _read_answer(self, form: bytes, past: float) -> bytes:
        from urllib.request import urlopen

        with urlopen(self._url, form, TIMEOUT) as answer:
            if answer.url != self._url:  # where it leads, it arrives without the form
                raise self._failed(f"leads on to {answer.url}: give that")
            content = bytearray()
            while (part := answer.read1()) and monotonic() < past:
                content += part
                if len(content) > LARGEST:
                    raise self._failed(f"gave an answer of more than {LARGEST:,} bytes")
            return bytes(content)

    def _failed(self, what: str) -> ConnectionFailed:
        return ConnectionFailed(f"{self._url} {what}", hint=_HINT)


def _step(points: _Points) -> float:
    """Return seconds from point to point.

    The answers asked for have two, unless they lie further apart.
    """
    return points[1][0] - points[0][0] if len(points) > 1 else float("inf")


def _stored(points: _Points) -> Stored:
    if len(points) < 2:
        return UNKNOWN
    values = {at: value for at, value in points if value is not None}
    return Stored(points[0][0], points[1][0] - points[0][0], values)
