"""What the answers of receivers of remote write mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import time
from typing import NamedTuple

from reportupdater.errors import shown

_NEVER = re.compile(
    r"too old sample|out of bounds|too far in the future|out of order|too-old|too-far-in-future",
    re.IGNORECASE,
)
"""Prometheus before 2.50 answers the first of them with 500, as if it were its own fault."""
_OLD = re.compile(r"too old sample|out of bounds|too-old", re.IGNORECASE)
_TAKEN = re.compile(r"duplicate sample|new-value-for-timestamp", re.IGNORECASE)
_TOO_OLD = (
    "widen its window (out_of_order_time_window) for some days, or write older values by `export`"
)
CREDENTIALS = "`creds_file` or `bearer_file` gives the credentials; `headers` may name a tenant"
_LONGEST_WAIT = 3600.0


class Meaning(NamedTuple):
    """What an answer means for the datapoints that it is about.

    Where none of the three is true, the request has failed as a whole.
    """

    is_good: bool = False
    is_refused: bool = False
    """One of them at least will never be taken."""
    is_old: bool = False
    """It is refused for its age."""
    is_taken: bool = False
    """One of them at least has another value there already."""
    is_known: bool = True
    """Whether what is said of a datapoint is understood; else it may be said of the request."""
    why: str = ""
    hint: str = ""
    wait: float = 0.0
    """Seconds that the receiver wants to be left alone."""
    retry: bool = True


def meaning(status: int, headers: Mapping[str, str], text: str) -> Meaning:
    """Return what an answer means."""
    if 200 <= status < 300:
        return Meaning(is_good=True)
    said = f"answered {status}" + (f": {shown_text(text)}" if text else "")
    if status in (400, 409, 413, 422, 500):
        if _TAKEN.search(text):
            return Meaning(is_taken=True, why=said)
        if _NEVER.search(text):
            is_old = bool(_OLD.search(text))
            return Meaning(is_refused=True, is_old=is_old, why=said, hint=_TOO_OLD)
        if status == 413:
            return Meaning(is_refused=True, why=said, hint="it takes no message of that size")
        if status != 500:
            return Meaning(is_refused=True, is_known=False, why=said, hint="its log may say more")
    if status in (401, 403):
        return Meaning(why=said, hint=CREDENTIALS, retry=False)
    if status in (404, 405) or 300 <= status < 400:
        hint = "does `url` end like /api/v1/write, and does it take remote write?"
        return Meaning(why=said, hint=hint, retry=False)
    hint = "its log may say more"
    return Meaning(why=said, hint=hint, wait=_wait(headers.get("retry-after", "")))


def shown_text(text: str) -> str:
    """Return what a receiver said, as messages show it."""
    return text if len(text) <= 120 and text.isprintable() else shown(text)


def _wait(text: str) -> float:
    """Return the seconds of a Retry-After, which may be a date."""
    if not text:
        return 0.0
    from email.utils import parsedate_to_datetime

    try:
        seconds = (
            float(text) if text.isdigit() else parsedate_to_datetime(text).timestamp() - time()
        )
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)
