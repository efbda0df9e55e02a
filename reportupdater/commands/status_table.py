"""The status of an output folder as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reportupdater.commands.held_text import lines as lines_of_held
from reportupdater.execution.due import AHEAD
from reportupdater.execution.older import CURE
from reportupdater.operations.report_status import ReportStatus, SeriesStatus
from reportupdater.operations.status import Status
from reportupdater.state.history import last_of
from reportupdater.terminal import wording
from reportupdater.terminal.table import Row, Screen, lines

_MOST_SERIES = 5
_MOST_NAMES = 3
_NEW = "new, and not tried by a run yet"


def text(status: Status, screen: Screen, *, by_series: bool) -> Iterator[str]:
    """Return the state of an output folder as lines, by report or by series."""
    for line in _head(status):
        yield from screen.broken(line)
    for trouble in status.troubles:
        yield from map(screen.red, screen.broken("! " + trouble))
    if not status.reports:
        return
    yield ""
    if by_series:
        for report in status.reports:
            yield from _series_table(report, screen)
            yield ""
    else:
        yield from _reports_table(status, screen)
    if status.others:
        yield ""
        others = ", ".join(status.others)
        yield from screen.broken(
            f"not of this project, and not looked at: {others} (`reportupdater forget` takes away what"
            " no project has)"
        )


def _head(status: Status) -> Iterator[str]:
    bad = sum(report.in_trouble for report in status.reports)
    count = wording.count(len(status.reports), "report")
    yield f"{status.output}: {count}, {bad or 'none'} in trouble"
    survey = status.survey
    if survey.source != "state":
        source = {
            "status.json": "what follows is what the last run has written into status.json",
            "tsv": "errors, datapoints and times of runs are not known",
        }[survey.source]
        yield source if survey.why else f"there is no state yet: {source}"
    for config, run in survey.runs.items():
        ended = datetime.fromisoformat(run["ended"].removesuffix("Z"))
        age = wording.span(status.at - ended)
        yield f"{config}: last run ended {age} ago, exit code {run['exit_code']}"
    for running in survey.running:
        yield f"{running.config}: process {running.pid} is at work since {_minute(running.started)}"
    for destination, points in survey.undelivered.items():
        yield f"{points:,} datapoints wait for {destination}"


def _reports_table(status: Status, screen: Screen) -> Iterator[str]:
    head = ["series", "done up to", "missing", "empty", "last run"]
    if status.project:
        head.append("next due")
    rows = []
    for report in status.reports:
        cells = [
            f"{len(report.series):,}",
            _hour(report.done_up_to),
            "-" if report.missing is None else f"{report.missing:,}",
            f"{sum(one.empty > 0 for one in report.series):,}",
            _last_run(report, status.at),
        ]
        if status.project:
            cells.append(_next_due(report, status.at))
        rows.append(Row(report.name, cells, list(_notes(report)), report.in_trouble))
    yield from lines(Row("report", head), rows, screen)


def _series_table(report: ReportStatus, screen: Screen) -> Iterator[str]:
    head = Row(report.name, ["done up to", "missing", "empty", "rerun"])
    for note in _of_report(report):
        yield from screen.broken(note)
    rows = [
        Row(
            _label(one),
            [
                _hour(one.done_up_to),
                "-" if one.missing is None else f"{one.missing:,}",
                f"{one.empty:,}",
                f"{one.requested:,}",
            ],
            [_trouble(one)] if one.in_trouble else [_NEW] if one.new else [],
            one.in_trouble,
        )
        for one in sorted(report.series, key=lambda one: not one.in_trouble)
    ]
    yield from lines(head, rows, screen)


def _notes(report: ReportStatus) -> Iterator[str]:
    yield from _of_report(report)
    said = (report.record.error if report.record else None) or ""
    bad = [one for one in report.series if one.in_trouble]
    bad = [one for one in bad if not (one.damaged and one.damaged in said)]
    if said and len(report.series) == 1:
        bad = [one for one in bad if one.damaged]
    groups: dict[str, list[SeriesStatus]] = {}
    for one in bad:
        groups.setdefault(_trouble(one), []).append(one)
    for trouble, of in list(groups.items())[:_MOST_SERIES]:
        yield f"{_labels(of)}: {trouble}"
    hidden = sum(len(of) for of in list(groups.values())[_MOST_SERIES:])
    if hidden:
        yield f"and {hidden:,} more series in trouble; `--series` lists them all"
    requested = sum(one.requested for one in report.series)
    if requested:
        yield f"to be computed again, as requested: {wording.count(requested, 'interval')}"
    waits: dict[str, list[str]] = {}
    for one in report.series:
        for wait in one.waits:
            waits.setdefault(wait.why, []).append(wait.start)
    for why, starts in list(waits.items())[:_MOST_SERIES]:
        yield f"{wording.count(len(starts), 'interval')} from {min(starts)} on not ready: {why}"
    if len(waits) > _MOST_SERIES:
        yield f"and {len(waits) - _MOST_SERIES:,} more conditions that do not hold"
    new = [_label(one) for one in report.series if one.new]
    if new:
        yield f"{_NEW}: {wording.some(new, _MOST_SERIES)}"
    behind = [one for one in report.behind if not one.in_trouble]
    if behind:
        shown = wording.some(
            [f"{_label(one)} ({_hour(one.done_up_to)})" for one in behind], _MOST_SERIES
        )
        yield f"{len(behind)} of {len(report.series)} series are behind: {shown}"


def _of_report(report: ReportStatus) -> Iterator[str]:
    record = report.record
    if report.invalid:
        yield report.invalid
    if record is not None and record.error and record.error != report.invalid:
        times = f"in {record.failures} runs in a row, " if record.failures > 1 else ""
        said = record.error.partition("\n")[0]  # the log of the run has the traceback behind it
        yield f"failed {times}last at {_minute(record.error_at or '')}: {said}"
    if report.in_trouble:
        contact = ", ".join(part for part in (report.owner, report.ticket) if part)
        if contact:
            yield f"contact: {contact}"
        if report.description:
            yield f"what it is: {report.description}"
    if report.held:
        yield from lines_of_held(report.held, "held")
        yield "`reportupdater held` shows them; `accept` publishes, `reject` drops them"
    for one in report.unsent:
        yield (
            f"values {one.which} were not sent to {one.sink}: `reportupdater resend` with"
            f" `--report {report.name}` sends them"
        )
    if report.emptied:
        starts = [one.start for one in report.emptied]
        many = len({(one.tsv, one.start) for one in report.emptied})
        yield (
            f"{wording.count(many, 'interval')}, {min(starts)} to {max(starts)}, of which the sinks still"
            f" have values that are no more: `reportupdater forget` with `--report {report.name} --emptied"
            " --dry-run` lists them, and without `--dry-run` forgets them, once they are deleted there"
        )
    if report.older:
        yield f"{report.older}: {CURE}"
    if report.renamed:
        columns = dict.fromkeys(name for one in report.renamed for name in one.columns)
        yield (
            f"in {wording.count(len(report.renamed), 'TSV')} only results of an older query have"
            f" {wording.some(list(columns), _MOST_NAMES)}"
        )
    if report.orphaned:
        yield (
            f"{wording.count(len(report.orphaned), 'TSV')} of no series that the report has"
            f" ({wording.some(list(report.orphaned), _MOST_NAMES)}): `reportupdater forget` takes"
            " them away"
        )
    yield from report.notices


def _trouble(one: SeriesStatus) -> str:
    if one.damaged:
        return one.damaged
    if one.ahead:
        return f"a row is dated {one.ahead}, which is not over by this machine's clock ({AHEAD})"
    if one.failing:
        last = last_of(one.failing)
        count = len(one.failing)
        what = f"{last.start} fails" if count == 1 else f"{count:,} intervals fail, {last.start}"
        times = f" {last.times} times in a row" if last.times > 1 else ""
        return f"{what}{times}, last at {_minute(last.at)}: {last.error}"
    if one.done_up_to is None:
        return "late: nothing is done yet"
    return f"late: {_hour(one.done_up_to)} is the last that is done"


def _labels(series: Sequence[SeriesStatus]) -> str:
    """Return series with the same lines."""
    if len(series) == 1:
        return _label(series[0])
    return f"{len(series):,} series ({wording.some([_label(one) for one in series], _MOST_NAMES)})"


def _label(one: SeriesStatus) -> str:
    return " ".join(f"{name}={value}" for name, value in one.dimensions.items()) or one.tsv


def _last_run(report: ReportStatus, now: datetime) -> str:
    if report.record is None:
        return "-"
    at = datetime.fromisoformat(report.record.last_run.removesuffix("Z"))
    return f"{wording.span(now - at)} ago"


def _next_due(report: ReportStatus, now: datetime) -> str:
    if report.next_due is None:
        return "-"
    return "now" if report.next_due <= now else f"in {wording.span(report.next_due - now)}"


def _hour(label: str | None) -> str:
    return "-" if label is None else label[:13]


def _minute(stamp: str) -> str:
    return stamp[:16].replace("T", " ") + " UTC"
