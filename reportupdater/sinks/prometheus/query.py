"""Prometheus' query API, by which what a receiver has is read back, each sample with its time."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from time import time
from typing import Any
from urllib.parse import urlencode

from reportupdater.errors import ConnectionFailed
from reportupdater.sinks.base import Stored
from reportupdater.sinks.client import Presence, Present
from reportupdater.sinks.prometheus.answers import CREDENTIALS, shown_text
from reportupdater.sinks.prometheus.series import Labels, escaped, labels
from reportupdater.sinks.prometheus.times import read
from reportupdater.web.access import Access
from reportupdater.web.client import Answer, Client

TIMEOUT = 60.0
"""Seconds for one answer."""
AT_ONCE = 50
"""Series to a query: twenty years of days of them are 10 MB."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_DAY = 86_400
_URL = "`query_url` is what comes before /api/v1/query"


class QueryApi:
    """Reads samples as they are stored: a range selector in an instant query."""

    at_once = AT_ONCE

    def __init__(self, url: str, access: Access) -> None:
        """`url` is what comes before /api/v1/query."""
        self._client = Client(url, access, "the query API")
        self._url = url

    def read(
        self, keys: Iterable[str], first: int, last: int, step: int
    ) -> Iterator[tuple[str, Stored | None]]:
        """Yield what is there of each key from `first` to `last`, None where there is nothing.

        An emptied value is NaN. Raises ConnectionFailed.
        """
        for some in _groups(keys):
            found = self._samples(some, first, last)
            for key in some:
                values = {moment: one.value for moment, one in found.get(key, {}).items()}
                yield key, Stored(float("-inf"), 1, values) if values else None

    def present(self, since: Mapping[str, int]) -> Presence:
        """Return what is there of each key from a moment on. Raises ConnectionFailed."""
        found: dict[str, Mapping[int, Present]] = {}
        for some in _groups(since):
            first = min(since[key] for key in some)
            found |= self._samples(some, first, int(time()) + _DAY)
        return found

    def close(self) -> None:
        """Make the query in progress, and each later one, fail at once."""
        self._client.close()

    def _samples(self, keys: Sequence[str], first: int, last: int) -> dict[str, dict[int, Present]]:
        """Return the newest revision of each moment of keys."""
        form = {
            "query": f"{selector([labels(key) for key in keys])}[{last - first + 1}s]",
            "time": str(last),
            "nocache": "1",  # VictoriaMetrics would else answer from what it read before
        }
        answer = self._client.post(
            "/api/v1/query", urlencode(form).encode(), _FORM, timeout=TIMEOUT
        )
        wanted = {labels(key): key for key in keys}
        found: defaultdict[str, dict[int, Present]] = defaultdict(dict)
        try:
            for series in self._result(answer):
                key = wanted.get(tuple(sorted(series["metric"].items())))
                if key is None:
                    continue  # it has further labels, or another combination of values
                for at, value in series["values"]:
                    moment, revision = read(round(float(at) * 1000))
                    if first <= moment <= last:
                        there = found[key].get(moment)
                        if there is None or there.revision < revision:
                            found[key][moment] = Present(revision, float(value))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._failed("gave something else than samples in JSON") from None
        return found

    def _result(self, answer: Answer) -> list[Any]:
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = None
        if answer.status != 200 or not isinstance(content, dict):
            said = content.get("error") if isinstance(content, dict) else answer.text
            hint = CREDENTIALS if answer.status in (401, 403) else _URL
            raise self._failed(f"answered {answer.status}: {shown_text(str(said))}", hint)
        if content.get("isPartial") or content.get("warnings"):
            # What is not there would look like what could not be looked at.
            why = "; ".join(map(str, content.get("warnings") or ["a part of its storage is away"]))
            raise self._failed(f"answers in part: {shown_text(why)}")
        data = content["data"]
        if data["resultType"] != "matrix":
            raise ValueError
        result = data["result"]
        assert isinstance(result, list)
        return result

    def _failed(self, what: str, hint: str = _URL) -> ConnectionFailed:
        return ConnectionFailed(f"the query API at {self._url} {what}", hint=hint)


def selector(all_labels: Sequence[Labels]) -> str:
    r"""Return a selector that takes series with the same names of labels, and few others.

    >>> selector([labels('n{a="1",b="x.y"}'), labels('n{a="2",b="x.y"}')])
    '{__name__="n",a=~"1|2",b="x.y"}'
    """
    values: dict[str, dict[str, None]] = {name: {} for name, _ in all_labels[0]}
    for some in all_labels:
        for name, value in some:
            values[name][value] = None
    matchers = []
    for name, several in values.items():
        if len(several) == 1:
            matchers.append(f'{name}="{escaped(*several)}"')
        else:
            pattern = "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in several)
            matchers.append(f'{name}=~"{escaped(pattern)}"')
    return f"{{{','.join(matchers)}}}"


def _groups(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield keys that one selector takes, so many at once."""
    by_shape = sorted((_shape(key), key) for key in keys)
    for _, group in groupby(by_shape, key=lambda pair: pair[0]):
        some = iter([key for _, key in group])
        while chosen := list(islice(some, AT_ONCE)):
            yield chosen


def _shape(key: str) -> tuple[str, ...]:
    """Return the name of a series, and those of its labels."""
    pairs = dict(labels(key))
    return pairs.pop("__name__"), *pairs
