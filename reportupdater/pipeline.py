"""A whole run: load, plan, execute, commit, checkpoint, tell."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from reportupdater.config.load import load_project
from reportupdater.engines import registry
from reportupdater.errors import (
    EXIT_FAILED,
    EXIT_OK,
    EXIT_USAGE,
    Severity,
    TsvError,
    UsageError,
    nearest,
)
from reportupdater.execution.commit import Committer, utcnow
from reportupdater.execution.execute import Execution
from reportupdater.execution.stock import due_tasks
from reportupdater.execution.stop import Stop
from reportupdater.model import Project, Report, Task
from reportupdater.observe.log import tell
from reportupdater.observe.progress import progress
from reportupdater.observe.summary import Summary
from reportupdater.planning.plan import Clock
from reportupdater.store import ledger, marks, owners, status
from reportupdater.store.locks import Locks
from reportupdater.store.owners import Owner
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
    since: datetime | None = None
    until: datetime | None = None
    jobs: int = 2
    """Scripts at once."""
    now: datetime | None = None
    """A fixed clock, in UTC."""


def run(request: Request) -> int:
    """Do all that is due; the exit code. Raises ReportupdaterError where nothing could begin."""
    clock = Clock(request.now or utcnow(), request.since, request.until)
    project = load_project(
        request.project, request.config_path, jobs=request.jobs, host_files=request.host_files
    )
    summary = Summary()
    reports = _chosen(project, request.reports, summary)
    if not reports:
        log.error("%s: no report could be loaded", project.config_path)
        return EXIT_USAGE
    output = _made(request.output)
    with Stop() as stop, State(output) as state, Locks(state.locks) as locks:
        run_number = ledger.begin_run(state, str(project.config_path.absolute()), utcnow())
        committer = Committer(state, run_number, summary)
        committer.merge_leftovers(locks)  # first: they are TSVs that somebody may own
        owned = _held(project, reports, state, locks, summary)
        mark_files, problems = marks.read_files(project.folder)
        tell(problems)
        tasks = [
            task
            for report in owned
            if not stop.requested
            for task in due_tasks(state, report, mark_files, clock, summary)
        ]
        committer.expect(tasks, owned)
        _execute(tasks, committer, stop, summary)
        committer.finish()
        summary.interrupted = stop.requested is not None
        exit_code = stop.exit_code or (EXIT_OK if summary.is_good else EXIT_FAILED)
        summary.log(f"{project.config_path} into {output}")
        ledger.end_run(state, run_number, utcnow(), exit_code, summary.as_dict())
        status.write(state)
    return exit_code


def _execute(tasks: Sequence[Task], committer: Committer, stop: Stop, summary: Summary) -> None:
    with Execution(tasks, registry.engine) as execution, progress(len(tasks)) as bar:
        for batch in execution:
            if stop.requested:
                execution.stop()
            committer.commit(batch)
            now = monotonic()
            doing = sorted(execution.doing, key=lambda task_and_begin: task_and_begin[1])
            bar.show(
                ended=committer.ended,
                failed=len(summary.failed),
                doing=[f"{task.series} {task.start} {now - began:.0f} s" for task, began in doing],
            )


def _chosen(project: Project, names: Sequence[str], summary: Summary) -> list[Report]:
    """The valid reports that are asked for; tells and counts what is wrong with the others."""
    for name in names:
        if name not in project.names:
            raise UsageError(
                f"{project.config_path} has no report {name!r}", hint=nearest(name, project.names)
            )
    problems = [
        problem
        for problem in project.problems
        if not names or problem.report is None or problem.report in names
    ]
    tell(problems)
    summary.invalid = sum(problem.severity is Severity.ERROR for problem in problems)
    return [report for report in project.reports if not names or report.name in names]


def _made(output: Path) -> Path:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{output} cannot be the output folder: {error.strerror}") from None
    return output


def _held(
    project: Project, reports: Sequence[Report], state: State, locks: Locks, summary: Summary
) -> dict[Report, Owner]:
    """The reports that this run may work on, each with what its TSVs will know about it."""
    held = {}
    for report in reports:
        if not locks.take(report.name, utcnow()):
            told = locks.tell_holder(report.name, utcnow())
            summary.skipped.add(report.name, told)
            continue
        owner = Owner.of(
            report.name,
            project.folder,
            project.config_path,
            report.granularity.value,
            [dimension.name for dimension in report.dimensions],
        )
        try:
            owners.check(state, owner, _still_has)
        except TsvError as error:
            summary.troubles.add(report.name, str(error))
            continue
        held[report] = owner
    return held


def _still_has(config: str, report: str) -> bool:
    """Whether a configuration has a report of that name, valid or not.

    One that is gone has given it up; of one that cannot be read, nobody knows.
    """
    path = Path(config)
    try:
        path.stat()
        names = load_project(path.parent, path).names
    except FileNotFoundError:
        return False
    except (OSError, UsageError):
        return True
    return report in names or not names
