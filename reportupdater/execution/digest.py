"""The digest of a report's query: whether what failed or was computed is what would run now."""

from __future__ import annotations

from reportupdater.model import Report

_MOST = 16 << 20
"""Bytes of a script that are looked at."""


def query_digest(report: Report) -> str:
    """Return the digest of a report's template or script, and of what shapes its results."""
    from hashlib import sha256  # of which a run with nothing due has no use

    dimensions = ",".join(dimension.name for dimension in report.dimensions)
    parts = (report.database.engine, report.granularity.value, dimensions)
    found = sha256("\0".join(parts).encode())
    if report.template is not None:
        found.update(report.template.text.encode())
    else:
        try:
            with open(report.execute, "rb") as script:
                found.update(script.read(_MOST))
        except OSError:  # which its tasks fail by
            pass
    return found.hexdigest()[:32]
