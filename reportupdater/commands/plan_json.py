"""What a run would do as plain values, as docs/cli.md lists them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reportupdater.operations.plan import Plan, ReportPlan, labelled
from reportupdater.state import history


def as_dict(found: Plan) -> dict[str, Any]:
    """Return the plan as plain values, as docs/cli.md lists them."""
    return {
        "version": 1,
        "project": str(found.config_path),
        "output": str(found.output),
        "now": _moment(found.now),
        "errors_in_configuration": found.invalid,
        "due": found.intervals,
        "expected_seconds": _rounded(found.seconds),
        "reports": [_report_as_dict(report) for report in found.reports],
    }


def _report_as_dict(found: ReportPlan) -> dict[str, Any]:
    report = found.report
    ahead = found.next_due
    return {
        "report": report.name,
        "granularity": report.granularity.value,
        "schedule": report.schedule,
        "next_tick": _moment(found.next_tick),
        "next_interval": report.granularity.label(ahead.interval.start) if ahead else None,
        "next_due": _moment(ahead.due) if ahead else None,
        "held": found.held or None,
        "trouble": found.trouble or None,
        "due": found.intervals,
        "expected_seconds": _rounded(found.seconds),
        "older_query": found.older._asdict() if found.older else None,
        "series": [
            {
                "tsv": one.series.tsv,
                "dimensions": one.series.dimensions,
                "trouble": one.trouble or None,
                "due": [
                    {
                        "reason": s.reason.value,
                        "first": s.first,
                        "last": s.last,
                        "count": s.intervals,
                    }
                    for s in one.due
                ],
                "not_due": [
                    {"why": why.value, "first": first, "last": last, "count": count}
                    for why, runs in one.rest
                    for first, last, count in labelled(report, runs)
                ],
                "expected_seconds": _rounded(one.seconds),
            }
            | {
                "not_ready": [
                    {"start": wait.start, "since": wait.since, "at": wait.at, "why": wait.why}
                    for wait in found.waits
                    if wait.tsv == one.series.tsv
                ]
            }
            | history.last_error(one.failing)
            for one in found.series
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") + "Z" if moment else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
