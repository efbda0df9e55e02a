"""Where the revisions of a datapoint lie on the time axis. Pure.

A receiver that is given two values for one time keeps the old one, the larger one, or now this, now
that. So no time is ever written twice: the values of a moment lie a millisecond apart in the second
that ends with it, the newest last, which is what a query for the last value until then gives.
"""

from __future__ import annotations

LAST = 990
"""The highest revision that is sent: the second has room for 999, and more means that something is wrong."""


def written(moment: int, revision: int) -> int:
    """Return the milliseconds at which a revision of a moment, in seconds, is written.

    >>> written(1420070400, 0), written(1420070400, 1)
    (1420070399001, 1420070399002)
    """
    return moment * 1000 - 999 + revision


def read(milliseconds: int) -> tuple[int, int]:
    """Return the moment and the revision that are written at a time.

    >>> read(written(1420070400, 0)), read(written(1420070400, 990)), read(1420070400000)
    ((1420070400, 0), (1420070400, 990), (1420070400, 999))
    """
    moment = -(-milliseconds // 1000)
    return moment, milliseconds - (moment * 1000 - 999)
