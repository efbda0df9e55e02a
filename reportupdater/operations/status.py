"""How the reports of an output folder stand. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from reportupdater.config.load import load_project
from reportupdater.errors import Severity, TsvError, UsageError, error_text, nearest
from reportupdater.execution.select import no_report
from reportupdater.intervals import Coverage, Granularity
from reportupdater.model import Project, Report
from reportupdater.planning import missing as planning
from reportupdater.planning.explode import EVERY, Only, explode
from reportupdater.planning.plan import window
from reportupdater.planning.schedule import next_due
from reportupdater.spelling import normal
from reportupdater.state import findings as reports
from reportupdater.state import survey
from reportupdater.state.coverage import Memory
from reportupdater.state.findings import Record
from reportupdater.state.history import Failing
from reportupdater.state.reach import reach
from reportupdater.state.survey import Survey
from reportupdater.terminal.wording import count
from reportupdater.tsv import files, listing


@dataclass(slots=True)
class SeriesStanding:
    """How a series stands."""

    tsv: str
    dimensions: Mapping[str, str]
    done_up_to: str | None = None
    """The start of the newest interval that is done, as the TSV spells it."""
    missing: int | None = None
    """Intervals that are not done: of those due, or where that is not known, between others."""
    empty: int = 0
    """The newest intervals, so many in a row, had no rows."""
    marked: int = 0
    failing: list[Failing] = field(default_factory=list)
    late: bool = False
    damaged: str | None = None

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        return bool(self.failing or self.late or self.damaged)


@dataclass(slots=True)
class ReportStanding:
    """How a report stands. `record` is what the last run found out about it."""

    name: str
    series: list[SeriesStanding] = field(default_factory=list)
    record: Record | None = None
    invalid: str | None = None
    """What is wrong with its configuration now."""
    owner: str | None = None
    ticket: str | None = None
    description: str | None = None
    next_due: datetime | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        failed = self.record is not None and self.record.error is not None
        return failed or self.invalid is not None or any(one.in_trouble for one in self.series)

    @property
    def done_up_to(self) -> str | None:
        """How far the series is that is farthest."""
        return max((one.done_up_to for one in self.series if one.done_up_to), default=None)

    @property
    def behind(self) -> list[SeriesStanding]:
        """The series that are not as far as the one that is farthest."""
        newest = self.done_up_to
        return [one for one in self.series if one.done_up_to != newest]

    @property
    def missing(self) -> int | None:
        """The intervals of all series that are not done; None where that is not known."""
        known = [one.missing for one in self.series if one.missing is not None]
        return sum(known) if known else None


@dataclass(slots=True)
class Standing:
    """How an output folder stands: those of its reports that are asked for, the ones in trouble first."""

    output: Path
    at: datetime
    survey: Survey
    project: Path | None = None
    """The configuration, where it was given."""
    reports: list[ReportStanding] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What is wrong apart from single reports."""
    others: list[str] = field(default_factory=list)
    """Reports of the folder that the project does not have."""

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        return bool(self.troubles) or any(report.in_trouble for report in self.reports)


def stand(
    output: Path,
    project_folder: Path | None,
    now: datetime,
    *,
    config_path: Path | None = None,
    host_files: Sequence[Path] = (),
    names: Sequence[str] = (),
    only: Only = EVERY,
) -> Standing:
    """How the reports of an output folder stand. Raises UsageError."""
    listing.needed(output)
    try:
        stored = listing.reports(output)
    except OSError as error:
        raise UsageError(f"{output} cannot be read: {error.strerror}") from None
    known = survey.survey(output)
    result = Standing(output, now, known)
    project: Project | None = None
    if project_folder is not None:
        project = load_project(project_folder, config_path, host_files=host_files)
        result.project = project.config_path
        everything = list(project.names)
        result.others = sorted(set(stored).difference(everything))
        result.troubles += [
            str(problem)
            for problem in project.problems
            if problem.severity is Severity.ERROR and problem.report is None
        ]
        of = partial(_of_project, project, known=known, output=output, now=now)
    else:
        everything = sorted({*stored, *known.records, *known.reports})
        of = partial(_of_folder, known=known, output=output)
    for name in names:
        if name not in everything:
            if project is not None:
                raise no_report(project, name, everything)
            raise UsageError(f"{output} has no report {name!r}", hint=nearest(name, everything))

    @cache
    def standing_of(name: str) -> ReportStanding:
        return _narrowed(of(name), only)

    found = [standing_of(name) for name in everything if not names or name in names]
    result.reports = [
        report
        for report in sorted(found, key=lambda report: not report.in_trouble)
        if report.series or not only
    ]
    if only and not result.reports:
        wanted = ", ".join(f"{name}={value}" for name in only for value in sorted(only[name]))
        raise UsageError(f"{output}: no series has {wanted}")

    def in_trouble() -> bool:
        return any(standing_of(name).in_trouble for name in everything)

    result.troubles += _of_runs(known, in_trouble)
    result.troubles += [f"the state holds {line}" for line in known.ignored.lines()]
    return result


def _of_project(
    project: Project, name: str, *, known: Survey, output: Path, now: datetime
) -> ReportStanding:
    standing = ReportStanding(name, record=known.records.get(name))
    report = next((report for report in project.reports if report.name == name), None)
    if report is None:
        errors = [
            str(problem)
            for problem in project.problems
            if problem.report == name and problem.severity is Severity.ERROR
        ]
        more = f"; and {len(errors) - 1} more, which `check` lists" if len(errors) > 1 else ""
        standing.invalid = errors[0] + more if errors else "not valid"
        _name(standing, standing.record)
        return standing
    _name(standing, report)
    memory = cache(partial(survey.memory, output, name))
    walk = files.Walk(files.opened(output))
    for series in explode(report):
        one = SeriesStanding(series.tsv, series.dimensions)
        done = _done(one, walk, report.granularity, known, memory)
        if done is not None:
            one.missing = planning.missing(report, done, now)
            one.late = planning.is_late(report, done, now)
            _failing(one, standing.record, report.granularity, done, known)
            if one.failing:
                allowed = window(report, now, done.newest)
                one.failing = [
                    failing
                    for failing in one.failing
                    if report.granularity.labelled(failing.start) in allowed
                ]
        standing.series.append(one)
    if standing.missing:
        standing.next_due = now
    else:
        ahead = next_due(report, now)
        standing.next_due = ahead.due if ahead else None
    ending = planning.ending(report, now)
    if ending:
        standing.notices.append(ending)
    return standing


def _of_folder(name: str, *, known: Survey, output: Path) -> ReportStanding:
    standing = ReportStanding(name, record=known.records.get(name))
    _name(standing, standing.record)
    shape = known.shapes.get(name)
    tsvs = set(listing.series(output, name, len(shape.dimensions) if shape else None))
    if standing.record is not None and standing.record.error is not None:
        tsvs |= known.reports.get(name, set())
    else:
        tsvs |= {path for path in known.reports.get(name, ()) if path in known.pending}
    granularity = Granularity(shape.granularity) if shape else None
    memory = cache(partial(survey.memory, output, name))
    walk = files.Walk(files.opened(output))
    for path in sorted(tsvs):
        values = listing.values(path)
        names = shape.dimensions if shape else [f"dimension_{n + 1}" for n in range(len(values))]
        one = SeriesStanding(path, dict(zip(names, values, strict=False)))
        done = _done(one, walk, granularity, known, memory)
        if done is not None and granularity is not None and done.runs:
            reach = range(done.runs[0][0], done.runs[-1][1])
            one.missing = len(reach) - done.count(reach)
        if done is not None and (granularity or not done.runs):
            _failing(one, standing.record, granularity or Granularity.DAYS, done, known)
        standing.series.append(one)
    return standing


def _name(standing: ReportStanding, source: Report | Record | None) -> None:
    if source is not None:
        standing.owner = source.owner
        standing.ticket = source.ticket
        standing.description = source.description


def _done(
    one: SeriesStanding,
    walk: files.Walk,
    granularity: Granularity | None,
    known: Survey,
    memory: Callable[[Granularity], Memory],
) -> Coverage | None:
    """What is done of a series, in its TSV or the journal; None where the TSV cannot be read."""
    one.marked = len(known.marked.get(one.tsv, ()))
    try:
        place = walk.place(one.tsv)
        if granularity is None:
            granularity = listing.granularity(place)
        known_of_it = memory(granularity).get(one.tsv)
        pending = known.pending.get(one.tsv, {})
        done, one.empty = reach(place, granularity, known_of_it, pending)
    except (TsvError, OSError) as error:
        one.damaged = error_text(error)
        return None
    if done.newest is not None:
        one.done_up_to = granularity.label(granularity.start(done.newest))
    return done


def _failing(
    one: SeriesStanding,
    record: Record | None,
    granularity: Granularity,
    done: Coverage,
    known: Survey,
) -> None:
    """Take in the intervals that fail: the last whole run met an error, and they are still due."""
    if record is None or record.error is None:
        return
    marked = known.marked.get(one.tsv, ())
    one.failing = [
        failing
        for failing in known.failing.get(one.tsv, ())
        if (number := granularity.labelled(failing.start)) is not None
        and (failing.start in marked or number not in done)
    ]


def _narrowed(report: ReportStanding, only: Only) -> ReportStanding:
    if only:
        report.series = [
            one
            for one in report.series
            if all(normal(one.dimensions.get(name, "")) in values for name, values in only.items())
        ]
    return report


def _of_runs(known: Survey, in_trouble: Callable[[], bool]) -> list[str]:
    """What the last runs met that belongs to no report."""
    troubles = []
    for config, run in known.runs.items():
        waiting = run.get("datapoints_waiting")
        if waiting and known.undelivered:
            troubles.append(f"{config}: its last run could not send {waiting:,} datapoints")
        if reports.is_gone(config):
            continue
        errors = run.get("errors_in_configuration")
        if errors and not in_trouble():
            met = count(errors, "error")
            troubles.append(f"{config}: its last run met {met} in the configuration")
        # What it may not work on is noted for another configuration, or not at all.
        said = [*run.get("failures", ()), *run.get("troubles", ())]
        if said and not any(one.error and one.config == config for one in known.records.values()):
            troubles.append(f"{config}: its last run met: {said[0]}")
    return troubles
