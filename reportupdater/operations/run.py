"""A whole run: load, plan, execute, commit, checkpoint, deliver, report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from reportupdater.config.load import CONFIG_NAME, load_project
from reportupdater.errors import EXIT_FAILED, EXIT_OK, UsageError, Where
from reportupdater.execution import on_failure, select
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.clock import utcnow
from reportupdater.execution.due import due_of
from reportupdater.execution.findings import findings
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.model import Report
from reportupdater.planning.due import Due
from reportupdater.planning.explode import Only
from reportupdater.planning.plan import Clock
from reportupdater.state import history, outbox, reruns, status, upgrade
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.state.owners import Owner
from reportupdater.terminal.log import log_problems
from reportupdater.terminal.progress import progress


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
    send: bool | None = None
    """Whether datapoints are sent; None leaves it to the settings, and to whether this is a terminal."""

    def clock(self) -> Clock:
        """The moment of the run, the part of time it looks at, and how much of it."""
        return Clock(self.now or utcnow(), self.since, self.until, self.max_intervals)


def run(request: Request) -> int:
    """Do all that is due, and run `on_failure` where it goes wrong; return the exit code."""
    began = utcnow()  # before the project is read: what is marked from now on means what it is then
    summary = Summary()
    config = request.config_path or request.project / CONFIG_NAME
    watch = on_failure.Watch(config, request.output, request.host_files, summary)
    return watch.over(partial(_run, request, summary, began))


def _run(request: Request, summary: Summary, began: datetime) -> int:
    clock = request.clock()
    project = load_project(
        request.project, request.config_path, jobs=request.jobs, host_files=request.host_files
    )
    reports = select.chosen(project, request.reports, summary, request.only)
    if not reports:
        raise UsageError("no report could be loaded", where=Where(str(project.config_path)))
    output = select.made(request.output)
    sinks = select.sinks(project, reports, request.send)
    with Stop() as stop, State(output, stop.is_requested) as state, Locks(state.locks) as locks:
        run_number = history.begin_run(state, str(project.config_path.absolute()), began)
        merge_leftovers(state, locks, summary, stop)  # first: they are TSVs that a project may own
        owned: Mapping[Report, Owner] = {}
        dues: list[Due] = []
        with stop.abandoning():  # it may read gigabytes
            owned = select.held(project, reports, state, locks, summary)
            mark_files, problems = reruns.read_files(project.folder)
            log_problems(problems)
            for report in owned:
                dues += due_of(state, report, mark_files, clock, summary, request.only)
        if stop.requested:
            dues = []
        if dues or outbox.any_waiting(state, sinks.values()):
            # Not imported by a run with nothing to do.
            from reportupdater.engines import registry
            from reportupdater.execution.commit import Committer
            from reportupdater.execution.deliver import Deliverers, clients
            from reportupdater.execution.execute import Execution

            committer = Committer(state, run_number, summary, sinks, stop)
            committer.expect(dues, owned)
            execution = Execution(dues, registry.engine)
            with Deliverers(state, locks, clients(sinks)) as deliverers:
                with execution, progress(sum(due.intervals for due in dues)) as bar:
                    for batch in execution:
                        if stop.requested:
                            execution.stop()
                        committer.commit(batch)
                        deliverers.step()
                        bar.show(committer.ended, len(summary.failed), execution.doing)
                committer.finish()
                summary.waiting, summary.waiting_why = deliverers.drain(stop)
        summary.interrupted = stop.requested is not None
        exit_code = stop.exit_code or (EXIT_OK if summary.is_good else EXIT_FAILED)
        summary.log(f"{project.config_path} into {output}")
        narrowed = request.since or request.until or request.only or request.max_intervals
        whole = not (summary.interrupted or narrowed)
        found = findings(project, request.reports, reports, owned, summary, whole=whole)
        history.end_run(state, run_number, utcnow(), exit_code, summary.as_dict(), found)
        status.write(state)
        upgrade.sum_up(state, utcnow(), lambda: stop.requested is not None)
    return exit_code
