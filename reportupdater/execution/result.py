"""What a run has done, as frozen values: what callers, the history and notifications are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class Messages(NamedTuple):
    """Messages of one kind, equal ones as one line. `total` is of the messages, not of the lines."""

    total: int = 0
    lines: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.total > 0


class SeriesResult(NamedTuple):
    """How many intervals of a series were computed, those without rows apart, and how many failed."""

    tsv: str
    done: int
    empty: int
    failed: int


class ReportResult(NamedTuple):
    """What became of a report: `series` are those of which something was due."""

    name: str
    series: tuple[SeriesResult, ...]
    errors: tuple[str, ...]
    """What failed or was wrong, the first of equal ones."""
    skipped: tuple[str, ...]
    """Why it, or a part of it, was passed over."""


class RunResult(NamedTuple):
    """What a run has done, what failed, and what waits."""

    config_path: Path
    output: Path
    reports: tuple[ReportResult, ...] = ()
    """Those of which something was due or wrong."""
    configuration: tuple[str, ...] = ()
    """The errors in the configuration."""
    failed: Messages = Messages()
    troubles: Messages = Messages()
    """What is wrong apart from single tasks: a damaged TSV, datapoints that could not be made."""
    held: Messages = Messages()
    """Results that failed a check in this run."""
    open_held: int = 0
    """Results that are held until they are accepted or rejected, also those of earlier runs."""
    skipped: Messages = Messages()
    not_ready: Messages = Messages()
    """Intervals that wait for their data, which is no failure."""
    not_sent: Messages = Messages()
    """Values that cannot be datapoints, which is no failure."""
    warnings: Messages = Messages()
    """What needs attention, though the run did its work."""
    remarks: Messages = Messages()
    """What servers warned of that needs none."""
    enqueued: int = 0
    """Datapoints made again from stored rows."""
    waiting: int = 0
    """Datapoints that the run was allowed to send and that are still pending."""
    waiting_why: str = ""
    destinations: tuple[str, ...] = ()
    """The receivers that the configuration names."""
    stopped: int | None = None
    """The exit code that a signal asks for, if one came."""

    @property
    def done(self) -> int:
        """How many intervals were computed and have rows."""
        return sum(series.done for report in self.reports for series in report.series)

    @property
    def empty(self) -> int:
        """How many intervals were computed and have no rows."""
        return sum(series.empty for report in self.reports for series in report.series)

    @property
    def is_good(self) -> bool:
        """Whether nothing needs attention."""
        return not (self.has_news or self.open_held)

    @property
    def has_news(self) -> bool:
        """Whether something needs attention that each run reports: what is held is reported once."""
        return bool(self.failed or self.troubles or self.configuration or self.waiting or self.held)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for the history, status.json and `on_failure`."""
        return {
            "done": self.done,
            "empty": self.empty,
            "failed": self.failed.total,
            "errors_in_configuration": len(self.configuration),
            "configuration": list(self.configuration),
            "failures": list(self.failed.lines),
            "troubles": list(self.troubles.lines),
            "warnings": list(self.warnings.lines),
            "held": list(self.held.lines),
            "open_held": self.open_held,
            "skipped": list(self.skipped.lines),
            "not_ready": list(self.not_ready.lines),
            "not_sent": list(self.not_sent.lines),
            "datapoints_waiting": self.waiting,
            "destinations": list(self.destinations),
        }
