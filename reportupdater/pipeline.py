"""A whole run: load, plan, execute, commit, checkpoint, deliver, tell. And sending once more."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic

from reportupdater.config.load import load_project
from reportupdater.engines import registry
from reportupdater.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError
from reportupdater.execution import begin
from reportupdater.execution.commit import Committer, utcnow
from reportupdater.execution.deliver import Deliverer
from reportupdater.execution.execute import Execution
from reportupdater.execution.points import points_of, stored_points
from reportupdater.execution.stock import due_tasks
from reportupdater.execution.stop import Stop
from reportupdater.observe.log import tell
from reportupdater.observe.progress import Progress, progress
from reportupdater.observe.summary import Summary
from reportupdater.planning.explode import Only, explode
from reportupdater.planning.plan import Clock
from reportupdater.store import ledger, marks, status
from reportupdater.store.locks import Locks
from reportupdater.store.state import State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run is asked for."""

    project: Path
    output: Path
    config_path: Path | None = None
    host_files: tuple[Path, ...] = ()
    """Host settings, each laid over the one before."""
    reports: tuple[str, ...] = ()
    """Names; empty means all."""
    only: Only = field(default_factory=dict)
    """The series that are wanted."""
    since: datetime | None = None
    until: datetime | None = None
    max_intervals: int | None = None
    """How many missing intervals of a series are taken; None leaves that to each report."""
    jobs: int = 2
    """Scripts at once."""
    now: datetime | None = None
    """A fixed clock, in UTC."""
    graphite: bool | None = None
    """Whether datapoints are sent; None leaves it to the settings, and to whether this is a terminal."""

    def clock(self) -> Clock:
        """The moment of the run, the part of time it looks at, and how much of it."""
        return Clock(self.now or utcnow(), self.since, self.until, self.max_intervals)


def run(request: Request) -> int:
    """Do all that is due; the exit code. Raises ReportupdaterError where nothing could begin."""
    clock = request.clock()
    project = load_project(
        request.project, request.config_path, jobs=request.jobs, host_files=request.host_files
    )
    summary = Summary()
    reports = begin.chosen(project, request.reports, summary, request.only)
    if not reports:
        log.error("%s: no report could be loaded", project.config_path)
        return EXIT_USAGE
    output = begin.made(request.output)
    sink = begin.sink(project, reports, request.graphite)
    with Stop() as stop, State(output) as state, Locks(state.locks) as locks:
        run_number = ledger.begin_run(state, str(project.config_path.absolute()), utcnow())
        committer = Committer(state, run_number, summary, sink.destination if sink else None)
        committer.merge_leftovers(locks)  # first: they are TSVs that somebody may own
        owned = begin.held(project, reports, state, locks, summary)
        mark_files, problems = marks.read_files(project.folder)
        tell(problems)
        tasks = [
            task
            for report in owned
            if not stop.requested
            for task in due_tasks(state, report, mark_files, clock, summary, request.only)
        ]
        committer.expect(tasks, owned)
        execution = Execution(tasks, registry.engine, partial(points_of, project.graphite, sink))
        with Deliverer(state, locks, sink, project.graphite) as deliverer:
            with execution, progress(len(tasks)) as bar:
                for batch in execution:
                    if stop.requested:
                        execution.stop()
                    committer.commit(batch)
                    deliverer.step()
                    _show(bar, execution, committer, summary)
            committer.finish()
            summary.waiting, summary.waiting_why = deliverer.drain(stop)
        summary.interrupted = stop.requested is not None
        exit_code = stop.exit_code or (EXIT_OK if summary.is_good else EXIT_FAILED)
        summary.log(f"{project.config_path} into {output}")
        ledger.end_run(state, run_number, utcnow(), exit_code, summary.as_dict())
        status.write(state)
    return exit_code


def resend(request: Request) -> int:
    """Make the datapoints of stored rows again and send them; the exit code.

    Raises ReportupdaterError where nothing could begin.
    """
    project = load_project(
        request.project, request.config_path, jobs=request.jobs, host_files=request.host_files
    )
    summary = Summary()
    reports = begin.chosen(project, request.reports, summary, request.only)
    sink = begin.sink(project, reports, asked=True)
    if sink is None or project.graphite is None:
        raise UsageError(
            f"{project.config_path}: there is nothing to send",
            hint="a report with a `graphite` part and a `graphite` part with a `host` are needed",
        )
    output = begin.made(request.output)
    with Stop() as stop, State(output) as state, Locks(state.locks) as locks:
        committer = Committer(state, 0, summary)
        committer.merge_leftovers(locks)
        for report in begin.held(project, reports, state, locks, summary):
            for series in explode(report, request.only) if report.graphite else ():
                if not stop.requested:
                    lookups = project.graphite.lookups
                    points = stored_points(output, series, lookups, request.since, request.until)
                    committer.owe(series, sink.destination, points)
        with Deliverer(state, locks, sink, project.graphite) as deliverer:
            summary.waiting, summary.waiting_why = deliverer.drain(stop)
        summary.interrupted = stop.requested is not None
        summary.log(f"{project.config_path} from {output}")
    if summary.skipped:  # what another run holds was not sent, and nobody will do it by himself
        return stop.exit_code or EXIT_FAILED
    return stop.exit_code or (EXIT_OK if summary.is_good else EXIT_FAILED)


def _show(bar: Progress, execution: Execution, committer: Committer, summary: Summary) -> None:
    now = monotonic()
    doing = sorted(execution.doing, key=lambda task_and_begin: task_and_begin[1])
    bar.show(
        ended=committer.ended,
        failed=len(summary.failed),
        doing=[f"{task.series} {task.start} {now - began:.0f} s" for task, began in doing],
    )
