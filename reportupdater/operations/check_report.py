"""What can be found wrong with one report without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from reportupdater.config.effective import Effective
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import reason
from reportupdater.errors import Problem, Severity, TsvError, Where
from reportupdater.intervals import Granularity
from reportupdater.model import (
    Project,
    Report,
    Series,
    SinkSettings,
)
from reportupdater.planning.explode import explode
from reportupdater.planning.schedule import is_delayed
from reportupdater.sinks.base import Definition
from reportupdater.sinks.registry import SINKS, definition
from reportupdater.terminal import wording
from reportupdater.tsv import files, rows

SOON = timedelta(days=30)
"""An `ends` that is nearer than this is worth a notice."""


_FAR = timedelta(days=366)
"""A `starts` that is farther away than this looks like a slip of the pen."""


_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Places:
    """Where the keys of a report stand, for what is said of them."""

    effective: Effective
    report: Report

    def key(self, name: str) -> Where:
        """Return the place of a key."""
        entered = self.effective.reports.get(self.report.name)
        return entered.keys.where(name, self.report.where) if entered else self.report.where

    def dimension(self, name: str) -> Where:
        """Return the place of a dimension."""
        entered = self.effective.reports.get(self.report.name)
        explode_by = entered.keys["explode_by"] if entered else None
        entry = explode_by.entries.get(name) if isinstance(explode_by, Section) else None
        return entry.key.where if entry else self.report.where

    def problem(self, severity: Severity, what: str, where: Where, hint: str = "") -> Problem:
        """Return a problem of the report."""
        return Problem(what, where, hint, severity, self.report.name)


def _dates(report: Report, places: Places, now: datetime) -> Iterator[Problem]:
    starts, ends = report.starts, report.ends
    if starts > now:
        slip = starts - now > _FAR
        severity = Severity.WARNING if slip else Severity.NOTICE
        what = f"'starts' of report {report.name!r} lies in the future: nothing is computed yet"
        hint = "is the year meant?" if slip else ""
        yield places.problem(severity, what, places.key("starts"), hint)
    if ends is not None and ends < now + SOON:
        what = f"'ends' of report {report.name!r} "
        days = (ends - now).days + 1
        what += "has passed" if ends <= now else f"is in {wording.count(days, 'day')}"
        hint = "no interval from then on is computed"
        yield places.problem(Severity.NOTICE, what, places.key("ends"), hint)


def _delaying_schedule(report: Report, places: Places, now: datetime) -> Iterator[Problem]:
    """Yield a warning where `lag` makes each interval miss the tick that it was meant for."""
    if is_delayed(report, now):
        what = (
            f"'schedule' of report {report.name!r} delays each interval until the next one is over too:"
            f" its `lag` of {wording.span(report.lag)} ends after the tick"
        )
        hint = "let the schedule tick later, or make `lag` shorter"
        yield places.problem(Severity.WARNING, what, places.key("schedule"), hint)


def _unused_dimensions(report: Report, places: Places) -> Iterator[Problem]:
    """Yield a warning for each dimension with several values that make no difference to the query."""
    if report.template is None:
        return  # scripts get them all
    used = {placeholder.name for placeholder in report.template.placeholders}
    if report.database.needed_dimension:
        used.add(report.database.needed_dimension)
    for dimension in report.dimensions:
        if dimension.name not in used and len(dimension.values) > 1:
            what = (
                f"the query of report {report.name!r} does not use the dimension"
                f" {dimension.name!r}: its {len(dimension.values)} values get the same rows"
            )
            hint = f"the query is {report.execute}; put {{{dimension.name}}} into it"
            yield places.problem(Severity.WARNING, what, places.dimension(dimension.name), hint)


def _names_in_lookups(report: Report, project: Project, places: Places) -> Iterator[Problem]:
    """Yield a notice for each dimension of a metric path of which a lookup has some values and not all."""
    for name, settings in project.sinks.items():
        if name not in report.outputs or name not in SINKS:
            continue
        for dimension, lacking in definition(name).partly_named(report, settings).items():
            what = (
                f"the lookup of the dimension {dimension!r} has no name for"
                f" {_listed(lacking)}, which are used in metric paths unchanged"
            )
            yield Problem(what, places.dimension(dimension), "", Severity.NOTICE)


_LENGTHS = {
    Granularity.HOURS: timedelta(hours=1),
    Granularity.DAYS: timedelta(days=1),
    Granularity.MONTHS: timedelta(days=31),
}
"""How long an interval is at most; all others are weeks."""


def _too_old_at_birth(report: Report, project: Project, places: Places) -> Iterator[Problem]:
    """Yield a warning for each sink that does not get all that a run makes or corrects."""
    length = _LENGTHS.get(report.granularity, timedelta(days=7))
    oldest = length * (1 + report.lookback) + report.lag
    for name, settings in project.sinks.items():
        if name in report.outputs and settings.max_age is not None and settings.max_age < oldest:
            what = f"`max_age` of {name} is shorter than the age of what a run of report {report.name!r}"
            what += " gives: the interval, its lag and its lookback"
            hint = f"make it {oldest.total_seconds() / 86_400:.3g}d at least, and the window of the store"
            yield places.problem(Severity.WARNING, what, definition(name).where(report), hint)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(map(repr, names[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")


def _headers(
    report: Report, output: Path | None
) -> tuple[dict[Series, Sequence[str]], list[Problem]]:
    """Return the header of each series that has a TSV, and what is wrong with their files."""
    headers: dict[Series, Sequence[str]] = {}
    problems: list[Problem] = []
    if output is None:
        return headers, problems
    for series in explode(report):
        try:
            place = files.place(files.opened(output), series.tsv)
            content = rows.read(place, report.granularity)
        except TsvError as error:
            problems.append(
                Problem(error.what, error.where, error.hint, Severity.ERROR, report.name)
            )
        except OSError as error:
            where = Where(str(output / series.tsv))
            what = f"cannot be read: {reason(error)}"
            problems.append(Problem(what, where, "", Severity.ERROR, report.name))
        else:
            if content.header:
                headers[series] = content.header
    return headers, problems


def _columns(
    report: Report,
    sink: Definition,
    settings: SinkSettings,
    headers: dict[Series, Sequence[str]],
) -> Iterator[Problem]:
    """Yield a warning for each column that is wanted, and missing as far as headers or the query show.

    The series of a report have one query, so each column is reported once.
    """
    if not headers:
        yield from sink.missing_columns(explode(report)[0], settings, None)
        return
    found: dict[str, Problem] = {}
    for series, header in headers.items():
        for problem in sink.missing_columns(series, settings, header):
            found.setdefault(problem.what, problem)
    yield from found.values()
