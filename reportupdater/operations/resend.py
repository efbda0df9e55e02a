"""Making the datapoints of stored rows again, and sending them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reportupdater.errors import UsageError
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.deliver import Deliverers, clients
from reportupdater.execution.keys import Keys
from reportupdater.execution.points import enqueue, stored_points
from reportupdater.execution.result import RunResult
from reportupdater.execution.revisions import Manner
from reportupdater.execution.select import select, sinks
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary_text import log_result
from reportupdater.model import Report
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.sinks.registry import NAMES
from reportupdater.state import journal
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.tsv import listing


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of the datapoints."""

    result: RunResult

    @property
    def is_good(self) -> bool:
        """Whether all were sent: what another run holds was not, and no later run will send it."""
        return self.result.is_good and not self.result.skipped

    @property
    def stopped(self) -> int | None:
        """The exit code that a signal asks for, if one came."""
        return self.result.stopped


def resend(request: Request) -> Resent:
    """Make the datapoints of stored rows again and send them.

    Raises ReportupdaterError where nothing could begin.
    """
    selected = select(request)
    project, summary = selected.project, selected.summary()
    reports = [report for report in selected.reports if report.outputs]
    receivers = sinks(project, reports, True, request.sink) if reports else {}
    if not receivers:
        raise UsageError(
            f"{project.config_path}: there is nothing to send",
            hint=f"needed are a report with a part for a sink, and the project's part for it: {NAMES}",
        )
    output = request.output
    listing.needed(output)
    with Stop() as stop, State(output, stop.is_requested) as state, Locks(state.locks) as locks:
        merge_leftovers(state, locks, summary, stop)
        mine: Iterable[Report] = ()
        with stop.abandoning():
            mine = acquire(project, reports, state, locks, summary)
        keys = Keys(state, project, Manner(request.now, request.assume_new, asks=True))
        for report in mine:
            unmerged = journal.waiting(state, report.name)  # a TSV that cannot be written, say
            for series in explode(report, request.only):
                late = journal.entries(state, series.tsv) if series.tsv in unmerged else []
                for name, settings in receivers.items():
                    if stop.requested or name not in report.outputs:
                        continue
                    points = stored_points(
                        output, series, name, settings, request.since, request.until, late
                    )
                    with stop.abandoning():
                        enqueue(
                            state,
                            series,
                            str(settings.destination),
                            points,
                            summary,
                            sink=name,
                            keys=keys,
                            are_all=True,
                            since=request.since,
                            until=request.until,
                        )
        with Deliverers(state, locks, clients(receivers), summary) as deliverers:
            summary.waiting, summary.waiting_why = deliverers.drain(stop)
        result = summary.result(project.config_path, output, stopped=stop.exit_code)
        log_result(result, f"{project.config_path} from {output}")
    return Resent(result)
