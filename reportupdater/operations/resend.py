"""Making the datapoints of stored rows again, and sending them."""

from __future__ import annotations

from collections.abc import Iterable

from reportupdater.config.load import load_project
from reportupdater.errors import EXIT_FAILED, EXIT_OK, UsageError
from reportupdater.execution import select
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.deliver import Deliverers, clients
from reportupdater.execution.points import enqueue, stored_points
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.model import Report
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.tsv import listing


def resend(request: Request) -> int:
    """Make the datapoints of stored rows again and send them; the exit code.

    Raises ReportupdaterError where nothing could begin.
    """
    project = load_project(
        request.project, request.config_path, jobs=request.jobs, host_files=request.host_files
    )
    summary = Summary()
    chosen = select.chosen(project, request.reports, summary, request.only)
    reports = [report for report in chosen if report.outputs]
    sinks = select.sinks(project, reports, asked=True) if reports else {}
    if not sinks:
        raise UsageError(
            f"{project.config_path}: there is nothing to send",
            hint="a report with a `graphite` part and a `graphite` part with a `host` are needed",
        )
    output = request.output
    listing.needed(output)
    with Stop() as stop, State(output, stop.is_requested) as state, Locks(state.locks) as locks:
        merge_leftovers(state, locks, summary, stop)
        mine: Iterable[Report] = ()
        with stop.abandoning():
            mine = select.held(project, reports, state, locks, summary)
        for report in mine:
            for series in explode(report, request.only):
                for name, settings in sinks.items():
                    if stop.requested or name not in report.outputs:
                        continue
                    points = stored_points(
                        output, series, name, settings, request.since, request.until
                    )
                    with stop.abandoning():
                        enqueue(state, series, str(settings.destination), points, summary)
        with Deliverers(state, locks, clients(sinks)) as deliverers:
            summary.waiting, summary.waiting_why = deliverers.drain(stop)
        summary.interrupted = stop.requested is not None
        summary.log(f"{project.config_path} from {output}")
    if summary.skipped:  # what another run holds was not sent, and no later run will do it
        return stop.exit_code or EXIT_FAILED
    return stop.exit_code or (EXIT_OK if summary.is_good else EXIT_FAILED)
