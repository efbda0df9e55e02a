"""Which intervals of a report have no result, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from reportupdater.execution.due import Stock, take_stock
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Granularity
from reportupdater.model import Project, Reason, Report, Series
from reportupdater.operations.report_status import ReportStatus
from reportupdater.operations.why import NOT_DUE
from reportupdater.planning.plan import Clock
from reportupdater.planning.rest import Why, rest
from reportupdater.publish.values import Stretch
from reportupdater.state import reruns
from reportupdater.state.overlay import Overlay
from reportupdater.state.survey import Survey

_MISSING = (Why.HELD, Why.FULL, Why.BACK_OFF, Why.BACKFILL, Why.SCHEDULE, Why.LAG)
"""Why an interval that is not due has no result, though its series should have one."""
_DUE = "it is due: the next run computes it"


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of the output folder that a report is in."""

    output: Overlay
    survey: Survey
    clock: Clock
    project: Project | None = None
    rerun_files: Sequence[reruns.RerunFile] = ()


def missing(
    around: Around, status: ReportStatus, report: Report, labels: Mapping[str, str]
) -> list[Stretch]:
    """Return the stretches of intervals without a result, the newest first; `labels` are by TSV."""
    if _is_complete(status, report):
        return []
    label = report.granularity.label
    start = report.granularity.start
    found = [
        Stretch(
            labels.get(stock.due.series.tsv, ""),
            label(start(first)),
            label(start(past - 1)),
            past - first,
            why,
        )
        for stock in take_stock(around.output, report, around.rerun_files, around.clock, Summary())
        for first, past, why in _stretches(stock, around, status)
    ]
    return sorted(found, key=lambda one: one.last, reverse=True)


def _is_complete(status: ReportStatus, report: Report) -> bool:
    """Return whether nothing is missing, nor will be before another interval is over."""
    is_done = all(one.missing == 0 and not one.damaged for one in status.series)
    return is_done and not (status.held or report.lag or report.schedule)


def _stretches(
    stock: Stock, around: Around, status: ReportStatus
) -> Iterator[tuple[int, int, str]]:
    done, due = stock
    if done is None:
        return
    known = _reasons(due.series, around.survey, status)
    for one in due.stretches:
        if one.reason is Reason.MISSING:
            yield from split(one.first, one.past, _DUE, known)
    for part in rest(due.series, done, due, around.clock):
        if part.why in _MISSING:
            for first, past in part.runs:
                yield from split(first, past, NOT_DUE[part.why], known)


def _reasons(series: Series, survey: Survey, status: ReportStatus) -> dict[int, str]:
    """Return why single intervals of a series are missing, as far as that is known."""
    unit = series.report.granularity
    found: dict[int, str] = {}
    for wait in survey.waits.get(series.tsv, ()):
        _note(found, unit, wait.start, f"it waits for its data: {wait.why}")
    for one in survey.failing.get(series.tsv, ()):
        times = f", {one.times} times" if one.times > 1 else ""
        _note(found, unit, one.start, f"it failed{times}: {one.error}")
    for held in status.held:
        if held.tsv == series.tsv:
            why = f"its result failed the check {held.check} and is held: {held.why}"
            _note(found, unit, held.start, why)
    return found


def split(
    first: int, past: int, why: str, known: Mapping[int, str]
) -> Iterator[tuple[int, int, str]]:
    """Yield the parts of a stretch; neighbours that are missing for one reason are together."""
    special = {number: known[number] for number in known if first <= number < past}
    bounds = sorted({first, past, *special, *(number + 1 for number in special)})
    begin = first
    for at, after in pairwise(bounds):
        reason = special.get(at, why)
        if after == past or special.get(after, why) != reason:
            yield begin, after, reason
            begin = after


def _note(found: dict[int, str], unit: Granularity, start: str, why: str) -> None:
    number = unit.labelled(start)
    if number is not None:
        found[number] = why
