"""The status of a report and of its series: from a project, or from what an output folder has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from reportupdater.errors import Severity, StateError, TsvError, error_text
from reportupdater.execution import older
from reportupdater.execution.clock import utcnow
from reportupdater.execution.older import Older
from reportupdater.intervals import Coverage, Granularity, over
from reportupdater.model import Project, Report
from reportupdater.planning.explode import explode
from reportupdater.planning.missing import LATE, ending, is_late, missing
from reportupdater.planning.plan import window
from reportupdater.planning.schedule import next_due
from reportupdater.state import survey
from reportupdater.state.connection import look as connection_of
from reportupdater.state.coverage import Memory
from reportupdater.state.emptied import Emptied
from reportupdater.state.findings import Record
from reportupdater.state.held import Held
from reportupdater.state.history import Failing
from reportupdater.state.reach import reach
from reportupdater.state.renamed import Renamed
from reportupdater.state.storable import storable
from reportupdater.state.survey import Survey
from reportupdater.state.unsent import Lacking, lacking
from reportupdater.state.waits import Wait
from reportupdater.tsv import files, listing


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatus:
    """The status of a series."""

    tsv: str
    dimensions: Mapping[str, str]
    done_up_to: str | None = None
    """The start of the newest interval that is done, as the TSV spells it."""
    missing: int | None = None
    """Intervals that are not done: of those due, or where that is not known, between others."""
    empty: int = 0
    """The newest intervals, so many in a row, had no rows."""
    requested: int = 0
    failing: tuple[Failing, ...] = ()
    waits: tuple[Wait, ...] = ()
    """Its intervals that wait for their data; for these it is not late."""
    late: bool = False
    new: bool = False
    """Nothing is done or has failed, and the last run, within a day, did not know of it yet."""
    damaged: str | None = None
    ahead: str | None = None
    """The start of the newest interval with rows, if it is not over yet."""

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        return bool(self.failing or self.late or self.damaged or self.ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """The status of a report. `record` is what the last run found out about it."""

    name: str
    series: tuple[SeriesStatus, ...] = ()
    record: Record | None = None
    invalid: str | None = None
    """What is wrong with its configuration now."""
    source: Report | Record | None = None
    """Where its owner, ticket and description are from."""
    next_due: datetime | None = None
    notices: tuple[str, ...] = ()
    unsent: tuple[Lacking, ...] = ()
    """What its sinks lack."""
    held: tuple[Held, ...] = ()
    """Its results that failed a check."""
    emptied: tuple[Emptied, ...] = ()
    """Its intervals of which the sinks have datapoints that its rows give no more."""
    renamed: tuple[Renamed, ...] = ()
    """Its series with columns that only older results have."""
    older: Older | None = None
    """Its results that an older query gave."""
    orphaned: tuple[str, ...] = ()
    """TSVs, stored or held, of series that the report has no more."""

    @property
    def owner(self) -> str | None:
        """Who answers for it."""
        return self.source.owner if self.source else None

    @property
    def ticket(self) -> str | None:
        """Where it is discussed."""
        return self.source.ticket if self.source else None

    @property
    def description(self) -> str | None:
        """What it is."""
        return self.source.description if self.source else None

    @property
    def in_trouble(self) -> bool:
        """Whether it needs attention."""
        failed = self.record is not None and self.record.error is not None
        wrong = failed or self.invalid is not None or bool(self.held)
        return wrong or any(one.in_trouble for one in self.series)

    @property
    def done_up_to(self) -> str | None:
        """How far the series is that is farthest."""
        return max((one.done_up_to for one in self.series if one.done_up_to), default=None)

    @property
    def behind(self) -> list[SeriesStatus]:
        """The series that are not as far as the one that is farthest; new ones are not behind."""
        newest = self.done_up_to
        return [one for one in self.series if one.done_up_to != newest and not one.new]

    @property
    def missing(self) -> int | None:
        """The intervals of all series that are not done; None where that is not known."""
        known = [one.missing for one in self.series if one.missing is not None]
        return sum(known) if known else None


def of_project(
    project: Project, name: str, *, known: Survey, output: Path, now: datetime
) -> ReportStatus:
    """Return the status of a report that a project has, valid or not."""
    record = known.records.get(name)
    report = next((report for report in project.reports if report.name == name), None)
    if report is None:
        return ReportStatus(
            name=name,
            record=record,
            source=record,
            invalid=_invalid(project, name),
            held=tuple(known.held.get(name, ())),
            emptied=tuple(known.emptied.get(name, ())),
            unsent=tuple(lacking(known.unsent.get(name, ()))),
        )
    last_run = _last_run(project, known)
    has_new = last_run is not None and now - last_run < LATE
    if record is not None:  # a run that knew of all, and did not come to one, leaves that late
        has_new = has_new and record.series < len(explode(report))
    look = _Look(known, output, report.name)
    series = tuple(_series_of_project(report, record, known, look, now, has_new=has_new))
    tsvs = {one.tsv for one in series}
    if sum(one.missing or 0 for one in series):
        due: datetime | None = now
    else:
        ahead = next_due(report, now)
        due = ahead.due if ahead else None
    ends = ending(report, now)
    withheld = {one.tsv for one in known.held.get(name, ())}
    return ReportStatus(
        name=name,
        series=series,
        record=record,
        source=report,
        next_due=due,
        notices=(ends,) if ends else (),
        orphaned=tuple(sorted({*listing.series(output, name), *withheld} - tsvs)),
        held=tuple(one for one in known.held.get(name, ()) if one.tsv in tsvs),
        emptied=tuple(known.emptied.get(name, ())),
        renamed=tuple(one for one in known.renamed.get(name, ()) if one.tsv in tsvs),
        older=_older(report, look, output),
        unsent=tuple(
            lacking(
                one
                for one in known.unsent.get(name, ())
                if one.sink in report.outputs and one.tsv in tsvs
            )
        ),
    )


def _older(report: Report, look: _Look, output: Path) -> Older | None:
    """Return the results that an older query gave, as far as the state can be read."""
    try:
        with connection_of(output) as connection:
            found = older.by_tsv(connection, report, look.done) if connection else {}
    except StateError:
        return None
    return older.summed(report, found)


def _last_run(project: Project, known: Survey) -> datetime | None:
    """Return when the last run of a project ended."""
    run = known.runs.get(storable(str(project.config_path.absolute())))
    return _moment(run["ended"]) if run else None


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.removesuffix("Z"))


def _invalid(project: Project, name: str) -> str:
    """Return what is wrong with the configuration of a report."""
    errors = [
        str(problem)
        for problem in project.problems
        if problem.report == name and problem.severity is Severity.ERROR
    ]
    more = f"; and {len(errors) - 1} more, which `check` lists" if len(errors) > 1 else ""
    return errors[0] + more if errors else "not valid"


def _series_of_project(
    report: Report,
    record: Record | None,
    known: Survey,
    look: _Look,
    now: datetime,
    *,
    has_new: bool,
) -> Iterator[SeriesStatus]:
    for series in explode(report):
        found = look.at(series.tsv, report.granularity)
        done = found.done
        if done is None:
            yield found.status(series.dimensions)
            continue
        failing = tuple(_failing(series.tsv, record, report.granularity, done, known))
        if failing:
            allowed = window(report, now, done)
            failing = tuple(
                one for one in failing if report.granularity.labelled(one.start) in allowed
            )
        waiting = tuple(_waiting(series.tsv, report, done, known))
        # Where no run has asked for a day, no one knows whether it still waits.
        asked = any(now - _moment(one.at) < LATE for one in waiting)
        late = is_late(report, done, now) and not asked
        new = late and has_new and not (done or known.failing.get(series.tsv))
        yield found.status(
            series.dimensions,
            missing=missing(report, done, now),
            late=late and not new,
            new=new,
            failing=failing,
            waits=waiting,
        )


def _waiting(tsv: str, report: Report, done: Coverage, known: Survey) -> Iterator[Wait]:
    """Yield the intervals that waited for their data when they were asked about last, and still do."""
    for one in known.waits.get(tsv, ()) if report.ready else ():
        number = report.granularity.labelled(one.start)
        if number is not None and number not in done:
            yield one


def of_folder(name: str, *, known: Survey, output: Path) -> ReportStatus:
    """Return the status of a report as far as its output folder shows it."""
    record = known.records.get(name)
    shape = known.shapes.get(name)
    tsvs = set(listing.series(output, name, len(shape.dimensions) if shape else None))
    if record is not None and record.error is not None:
        tsvs |= known.reports.get(name, set())
    else:
        tsvs |= {path for path in known.reports.get(name, ()) if path in known.pending}
    granularity = Granularity(shape.granularity) if shape else None
    look = _Look(known, output, name)
    series = []
    for path in sorted(tsvs):
        values = listing.values(path)
        names = shape.dimensions if shape else [f"dimension_{n + 1}" for n in range(len(values))]
        found = look.at(path, granularity)
        done = found.done
        between: int | None = None
        failing: tuple[Failing, ...] = ()
        if done is not None and granularity is not None and done.runs:
            reach_of = range(done.runs[0][0], done.runs[-1][1])
            between = len(reach_of) - done.count(reach_of)
        if done is not None and (granularity or not done.runs):
            failing = tuple(_failing(path, record, granularity or Granularity.DAYS, done, known))
        dimensions = dict(zip(names, values, strict=False))
        series.append(found.status(dimensions, missing=between, failing=failing))
    return ReportStatus(
        name=name,
        series=tuple(series),
        record=record,
        source=record,
        unsent=tuple(lacking(known.unsent.get(name, ()))),
        held=tuple(known.held.get(name, ())),
        emptied=tuple(known.emptied.get(name, ())),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What a TSV and the journal show of a series; `done` is None where the TSV cannot be read."""

    tsv: str
    requested: int
    done: Coverage | None = None
    done_up_to: str | None = None
    empty: int = 0
    damaged: str | None = None
    ahead: str | None = None

    def status(
        self,
        dimensions: Mapping[str, str],
        *,
        missing: int | None = None,
        late: bool = False,
        new: bool = False,
        failing: tuple[Failing, ...] = (),
        waits: tuple[Wait, ...] = (),
    ) -> SeriesStatus:
        return SeriesStatus(
            tsv=self.tsv,
            dimensions=dimensions,
            done_up_to=self.done_up_to,
            missing=missing,
            empty=self.empty,
            requested=self.requested,
            failing=failing,
            waits=waits,
            late=late,
            new=new,
            damaged=self.damaged,
            ahead=self.ahead,
        )


class _Look:
    """A look at the series of one report."""

    def __init__(self, known: Survey, output: Path, report: str) -> None:
        self._known = known
        self._memory: Callable[[Granularity], Memory] = cache(
            partial(survey.memory, output, report)
        )
        self._walk = files.Walk(files.opened(output))
        self.done: dict[str, Coverage | None] = {}
        """TSV → what is done of it, as far as it has been looked at."""

    def at(self, tsv: str, granularity: Granularity | None) -> _Found:
        """Return what is done of a series, in its TSV or the journal."""
        requested = len(self._known.requested.get(tsv, ()))
        try:
            place = self._walk.place(tsv)
            if granularity is None:
                granularity = listing.granularity(place)
            known_of_it = self._memory(granularity).get(tsv)
            pending = self._known.pending.get(tsv, {})
            done, empty = reach(place, granularity, known_of_it, pending)
        except (TsvError, OSError) as error:
            return _Found(tsv, requested, damaged=error_text(error))
        self.done[tsv] = done
        not_over = over(granularity, utcnow())

        def label(number: int | None) -> str | None:
            return None if number is None else granularity.label(granularity.start(number))

        ahead = done.newest if done.newest is not None and done.newest >= not_over else None
        newest = done.newest_before(not_over)
        return _Found(tsv, requested, done, label(newest), empty, ahead=label(ahead))


def _failing(
    tsv: str, record: Record | None, granularity: Granularity, done: Coverage, known: Survey
) -> Iterator[Failing]:
    """Yield the intervals that fail: the last whole run met an error, and they are still due."""
    if record is None or record.error is None:
        return
    requested = known.requested.get(tsv, ())
    for failing in known.failing.get(tsv, ()):
        number = granularity.labelled(failing.start)
        if number is not None and (failing.start in requested or number not in done):
            yield failing
