"""What stands before any work: which reports are meant, which of them are ours, where points go."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reportupdater.config.load import load_project
from reportupdater.errors import Severity, TsvError, UsageError, Where, nearest
from reportupdater.execution.clock import utcnow
from reportupdater.execution.summary import Summary
from reportupdater.model import Project, Report, SinkSettings
from reportupdater.planning.explode import EVERY, Only, explode
from reportupdater.spelling import normal
from reportupdater.state import coverage, owners
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.state.owners import Owner
from reportupdater.state.storable import on_disk
from reportupdater.terminal.log import log_problems
from reportupdater.terminal.wording import count
from reportupdater.tsv import files, folder

log = logging.getLogger(__name__)

_MOST_READ = 20
"""Series of a report that are read to see of what granularity they are, where no run is known."""


def chosen(
    project: Project, names: Sequence[str], summary: Summary, only: Only = EVERY
) -> list[Report]:
    """The valid reports that are asked for; reports and counts what is wrong with the others.

    With `only`, those that have such series. Raises UsageError for the name of a report, of a
    dimension, or a value that the project does not have.
    """
    for name in names:
        if name not in project.names:
            raise no_report(project, name, project.names)
    problems = [
        problem
        for problem in project.problems
        if not names or problem.report is None or problem.report in names
    ]
    log_problems(problems)
    summary.configuration = [
        str(problem) for problem in problems if problem.severity is Severity.ERROR
    ]
    summary.contacts = {report.name: report.contact for report in project.reports}
    reports = [report for report in project.reports if not names or report.name in names]
    if not only or not reports:
        return reports
    _check_only(project, reports, only)
    return [report for report in reports if explode(report, only)]


def no_report(project: Project, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a report that a project does not have, and log what may be why.

    Of a configuration that cannot be read no report is known.
    """
    log_problems(
        problem
        for problem in project.problems
        if problem.report is None and problem.severity is not Severity.NOTICE
    )
    return UsageError(f"{project.config_path} has no report {name!r}", hint=nearest(name, known))


def _check_only(project: Project, reports: Sequence[Report], only: Only) -> None:
    values: dict[str, set[str]] = {}
    for report in reports:
        for dimension in report.dimensions:
            values.setdefault(dimension.name, set()).update(map(normal, dimension.values))
    for name, wanted in only.items():
        if name not in values:
            what = f"{project.config_path}: no report has a dimension {name!r}"
            raise UsageError(what, hint=nearest(name, values))
        for value in sorted(wanted - values[name]):
            what = f"{project.config_path}: dimension {name!r} has no value {value!r}"
            raise UsageError(what, hint=nearest(value, values[name]))


def made(output: Path) -> Path:
    """The output folder, made if it is missing. Raises UsageError."""
    try:
        folder.make(str(output))
    except OSError as error:
        raise UsageError(
            f"this cannot be the output folder: {error.strerror}",
            where=Where(str(output)),
            hint=files.remedy(error),
        ) from None
    return output


def held(
    project: Project, reports: Sequence[Report], state: State, locks: Locks, summary: Summary
) -> Mapping[Report, Owner]:
    """The reports that this run may work on, each with what its TSVs will know about it."""
    mine = {}
    locks.make_room(len(reports))
    taken = locks.take_all([report.name for report in reports], utcnow())
    for report in reports:
        if report.name in locks.broken:
            summary.troubles.add(report.name, str(locks.broken[report.name]))
            continue
        if report.name not in taken:
            summary.skipped.add(report.name, locks.log_holder(report.name, utcnow()))
            continue
        owner = ours(project, report, state, summary)
        if owner:
            _drop_marks(state, owner)
            mine[report] = owner
    return mine


def _drop_marks(state: State, owner: Owner) -> None:
    marks = owners.begin_anew(state, owner)
    if marks:
        log.warning(
            "%s: dropped %s: they are of another `granularity` or `explode_by`, and what they ask for"
            " is computed anew",
            owner.report,
            count(marks, "open mark"),
        )


def ours(project: Project, report: Report, state: State, summary: Summary) -> Owner | None:
    """What a report's TSVs will know about it; None, which is reported, if they belong to another."""
    owner = Owner.of(
        report.name,
        project.folder,
        project.config_path,
        report.granularity.value,
        [dimension.name for dimension in report.dimensions],
    )
    try:
        if not owners.check(state, owner, _still_has):
            _check_rows(state, report)
    except TsvError as error:
        summary.troubles.add(report.name, str(error))
        return None
    return owner


def _check_rows(state: State, report: Report) -> None:
    """Raise TsvError where rows are of another granularity than a report of which no run is known."""
    from reportupdater.tsv import granularity

    memory = coverage.recall(state, report.name, report.granularity)
    walk = files.Walk(state.root)
    for series in explode(report)[:_MOST_READ]:
        path = state.output / series.tsv
        try:
            place = walk.place(series.tsv)
            known = memory.get(series.tsv)
            if known and known[0] == coverage.identity(place):
                continue  # an earlier run has looked at it
            other = granularity.granularity(place, report.granularity)
        except (OSError, TsvError):
            continue  # which is reported where it is read
        if other is not None:
            raise TsvError(
                f"its rows are of granularity {other.value}, the report is of"
                f" {report.granularity.value}",
                where=Where(str(path)),
                hint=f"move {path} away, set `granularity: {other.value}` again, or, if this is what"
                " they are, put an empty row between them",
            )


def _still_has(config: str, report: str) -> bool:
    """Whether a configuration has a report of that name, valid or not.

    One that is gone has given it up; of one that cannot be read, it is not known.
    """
    path = Path(on_disk(config))
    try:
        path.stat()
        names = load_project(path.parent, path).names
    except FileNotFoundError:
        return False
    except (OSError, UsageError):
        return True
    return report in names or not names


def sinks(
    project: Project, reports: Sequence[Report], asked: bool | None
) -> dict[str, SinkSettings]:
    """Return the sinks that a run enqueues datapoints for and sends to, each with a destination.

    `asked` is what the command line says. A terminal means that someone is trying something, so
    nothing is sent from there unless the command line or the host's settings say so. Where no
    report makes datapoints, pending ones of earlier runs are sent: their report may be gone.
    """
    if asked is False:
        return {}
    return {
        name: settings
        for name, settings in project.sinks.items()
        if _is_used(project, name, settings, any(name in r.outputs for r in reports), asked)
    }


def _is_used(
    project: Project, name: str, settings: SinkSettings, wanted: bool, asked: bool | None
) -> bool:
    if settings.destination is None:
        if wanted:
            log.warning(
                "%s: `%s` has no `host`: datapoints are neither sent nor kept for later;"
                " `reportupdater resend` sends them once it has one",
                project.config_path,
                name,
            )
        return False
    if settings.enabled is False:
        log.info("no datapoints are sent from this host: its settings say `enabled: false`")
        return False
    if not asked and not settings.enabled and sys.stdin is not None and sys.stdin.isatty():
        if wanted:
            log.warning(
                "no datapoints are sent from a terminal unless --send is given;"
                " `reportupdater resend` sends them later"
            )
        return False
    return True
