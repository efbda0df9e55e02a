"""A whole run: load, plan, execute, commit, checkpoint, deliver, report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reportupdater.errors import UsageError, exit_code
from reportupdater.execution import on_failure
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.clock import corrected_clock, utcnow
from reportupdater.execution.due import due_of
from reportupdater.execution.findings import findings
from reportupdater.execution.progress import ProgressOver, silent
from reportupdater.execution.result import RunResult
from reportupdater.execution.select import Source, made, select, sinks
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.execution.summary_text import log_result
from reportupdater.execution.unresolved import note_held, note_renamed, note_unsent
from reportupdater.model import Report
from reportupdater.planning.due import Due
from reportupdater.planning.plan import Clock
from reportupdater.state import history, outbox, reruns, status, upgrade
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.state.owners import Owner
from reportupdater.state.place import FAILED_STARTS, has
from reportupdater.terminal.log import log_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Source):
    """What a run is asked for."""

    output: Path
    since: datetime | None = None
    """Only intervals that start here or later, in UTC."""
    until: datetime | None = None
    """Only intervals that start before."""
    max_intervals: int | None = None
    """How many missing intervals of a series are taken; None leaves that to each report."""
    now: datetime | None = None
    """A fixed clock, in UTC."""
    ignore_schedule: bool = False
    """Whether reports are looked at now, though their schedules do not tick."""
    accept_clock: bool = False
    """Whether to go on though a run began later than this machine's clock shows."""
    send: bool | None = None
    """Whether datapoints are sent; None leaves it to the settings, and to whether this is a terminal."""
    sink: str | None = None
    """The one sink that is meant; None for all."""
    assume_new: bool = False
    """Whether a sink is taken to have no values of what it was never sent, and is not asked."""

    def __post_init__(self) -> None:
        Source.__post_init__(self)
        object.__setattr__(self, "output", Path(self.output))

    def clock(self) -> Clock:
        """Return the moment of the run, the part of time it looks at, and how much of it."""
        return Clock(
            self.now or utcnow(),
            self.since,
            self.until,
            self.max_intervals,
            retries_now=bool(self.reports or self.since or self.until or self.only),
            ignores_schedule=self.ignore_schedule,
        )

    def check_now(self) -> None:
        """Raise UsageError where the fixed clock is ahead: what is not over has no results yet."""
        if self.now and self.now > utcnow():
            raise UsageError(
                f"--now is {self.now:%Y-%m-%d %H:%M} UTC, which is still to come",
                hint="`plan` shows what is due then; --ignore-schedule does not wait for a tick",
            )

    def over_by(self, clock: Clock, latest: datetime) -> Clock:
        """Return the clock with the moment by which intervals are over: `latest`, or a fixed one before."""
        return clock._replace(latest=min(self.now, latest) if self.now else latest)

    @property
    def is_narrowed(self) -> bool:
        """Whether a part of what is due is left out."""
        return bool(self.since or self.until or self.only or self.max_intervals)


def run(request: Request, progress: ProgressOver = silent) -> RunResult:
    """Do all that is due, and run `on_failure` where that goes wrong.

    In the main thread a signal ends it, as it ends the command. Raises ReportupdaterError where
    nothing could begin.
    """
    began = utcnow()  # before the project is read: a rerun asked for now means what it is then
    summary = Summary()
    is_whole = not (request.reports or request.is_narrowed)
    with on_failure.watching(request, request.output, summary, is_whole=is_whole) as watch:
        watch.result = _run(request, summary, began, progress)
        return watch.result


def _run(request: Request, summary: Summary, began: datetime, progress: ProgressOver) -> RunResult:
    request.check_now()
    clock = request.clock()
    selected = select(request)
    selected.begin(summary)
    selected.check_any()
    project, reports = selected.project, selected.reports
    output = made(request.output)
    receivers = sinks(project, reports, request.send, request.sink)
    with Stop() as stop, State(output, stop.is_requested) as state, Locks(state.locks) as locks:
        clock = request.over_by(clock, corrected_clock(state, accept=request.accept_clock))
        number = history.begin_run(state, str(project.config_path.absolute()), began)
        merge_leftovers(state, locks, summary, stop, clock.latest)  # TSVs that we may own
        owned: Mapping[Report, Owner] = {}
        looked_at: dict[Report, Owner] = {}
        dues: list[Due] = []
        with stop.abandoning():  # it may read gigabytes
            owned = acquire(project, reports, state, locks, summary)
            files, problems = reruns.read_files(project.folder)
            log_problems(problems)
            for report in owned:
                dues += due_of(state, report, files, clock, summary, request.only)
                looked_at[report] = owned[report]
        if stop.requested:
            dues = []
        if dues or outbox.any_waiting(state, receivers.values()):
            # Not imported by a run with nothing to do.
            from reportupdater.engines import registry
            from reportupdater.execution.commit import Committer
            from reportupdater.execution.deliver import Deliverers, clients
            from reportupdater.execution.execute import Execution
            from reportupdater.execution.outcome import Handover
            from reportupdater.execution.readiness import ready

            over = clock.latest or clock.now
            committer = Committer(
                state,
                number,
                summary,
                project,
                receivers,
                stop,
                over,
                assumes_new=request.assume_new,
            )
            asked = ready(state, project, dues, registry.engine, stop, summary, over)
            committer.commit(Handover([], asked.failed, []))
            committer.expect(asked.dues, owned)
            execution = Execution(asked.dues, registry.engine)
            with Deliverers(state, locks, clients(receivers), summary) as deliverers:
                total = committer.ended + sum(due.intervals for due in asked.dues)
                with execution, progress(total) as bar:
                    for batch in execution:
                        if stop.requested:
                            execution.stop()
                        committer.commit(batch)
                        committer.leave(execution.leave(committer.full))
                        deliverers.step()
                        bar.show(committer.ended, len(summary.failed), execution.doing)
                committer.finish()
                summary.waiting, summary.waiting_why = deliverers.drain(stop)
        note_unsent(state, owned, receivers, summary)
        note_renamed(state, owned, summary)
        note_held(state, owned, summary)
        result = summary.result(project.config_path, output, stopped=stop.exit_code)
        log_result(result, f"{project.config_path} into {output}")
        whole = not (stop.requested or request.is_narrowed)
        found = findings(project, request.reports, reports, looked_at, summary, whole=whole)
        history.end_run(state, number, utcnow(), exit_code(result), result.as_dict(), found)
        if has(state.home, FAILED_STARTS):
            from reportupdater.state import starts

            starts.forget(state.home, project.config_path)
        status.write(state)
        upgrade.sum_up(state, utcnow(), lambda: stop.requested is not None)
    if project.site is not None and result.stopped is None:
        from reportupdater.operations.refresh import refresh  # where there is a site

        result = refresh(request, project, summary, result)
    return result
