"""A request of remote write 1.0: a protobuf message, compressed by snappy. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from struct import pack

from reportupdater.errors import ConnectionFailed
from reportupdater.model import Datapoint
from reportupdater.sinks.prometheus.series import labels
from reportupdater.sinks.prometheus.times import written

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def request(points: Sequence[Datapoint]) -> bytes:
    """Return the message that writes datapoints, each of which has a revision. Raises ConnectionFailed.

    WriteRequest has TimeSeries as field 1; that has Labels as field 1, Samples as field 2.
    """
    series = []
    for key, group in groupby(sorted(points, key=itemgetter(0, 2)), key=itemgetter(0)):
        series.append(_field(1, _labels(key) + b"".join(map(_sample, group))))
    try:
        import cramjam  # not before something is sent
    except ImportError:
        raise ConnectionFailed(
            "prometheus needs the Python package cramjam, which is not installed",
            hint="pip install 'reportupdater[prometheus]'",
            retry=False,
        ) from None
    return bytes(cramjam.snappy.compress_raw(b"".join(series)))


def _sample(point: Datapoint) -> bytes:
    """Return a Sample: a double as field 1, a signed 64-bit integer as field 2.

    A time between 1971 and 2109 takes six bytes, which are put together at once: there are thousands.
    """
    assert point.revision is not None
    value, moment = pack("<d", float(point.value)), written(point.timestamp, point.revision)
    if not 1 << 35 <= moment < 1 << 42:
        return _field(2, b"\x09" + value + b"\x10" + _varint(moment))
    return (
        b"\x12\x10\x09"
        + value
        + bytes(
            (
                0x10,
                moment & 0x7F | 0x80,
                moment >> 7 & 0x7F | 0x80,
                moment >> 14 & 0x7F | 0x80,
                moment >> 21 & 0x7F | 0x80,
                moment >> 28 & 0x7F | 0x80,
                moment >> 35,
            )
        )
    )


@lru_cache(4096)
def _labels(key: str) -> bytes:
    """Return the Labels of a key, by name as the protocol wants them."""
    return b"".join(
        _field(1, _field(1, name.encode()) + _field(2, value.encode()))
        for name, value in labels(key)
    )


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a length and its content."""
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Return an integer in groups of seven bits, the lowest first; a negative one as of 64 bits."""
    number &= (1 << 64) - 1
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
