"""`reportupdater rerun`: have a range computed again."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from reportupdater.commands import arguments
from reportupdater.commands.printing import Shown, put
from reportupdater.errors import Result, UsageError
from reportupdater.execution.due import LEFT
from reportupdater.operations import rerun
from reportupdater.operations.rerun import DecidedFile, RequestedOfReport
from reportupdater.operations.rerun_changed import ChangedReport, rerun_changed
from reportupdater.state.rerun_files import Fate
from reportupdater.state.reruns import RerunRequest
from reportupdater.terminal.wording import count

log = logging.getLogger(__name__)
EXAMPLES = """\
examples:
  reportupdater rerun queries/edits output/ --since 2025-03-01 --until 2025-04-01
  reportupdater rerun queries/edits output/ --report daily_edits --only wiki=enwiki --list
  reportupdater rerun queries/edits output/ --report daily_edits --changed

exit codes:
  0  what is done of the range is requested; with --list and --cancel always
  1  a report is invalid or its TSVs are another project's, or a TSV cannot be read
  2  called wrongly, or nothing of the range is done
"""
_MOST_NAMES = 3
_WHY_NOT = {
    "not_done": "not done yet, which the next run does anyway",
    "not_over": "not over yet",
    "before_starts": "before `starts`",
    "after_ends": "after `ends`",
    "too_old": "older than `max_data_points` keeps",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "rerun",
        help="have a range computed again by the next run",
        description="Requests what is done of a range. The next run computes it again, replaces the rows\n"
        "and sends the new values. An interval is requested if it starts in [since, until).",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    arguments.add_range(parser)
    arguments.add_only(parser)
    arguments.add_now(parser)
    parser.add_argument(
        "--allow-empty",
        action="store_true",
        help="let a result without values replace values, which else is held",
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--list", action="store_true", help="show the open requests instead")
    other.add_argument("--cancel", action="store_true", help="take the open requests back instead")
    other.add_argument(
        "--accept-files",
        action="store_true",
        help="request what files in .reruns/ ask for that are of before this state",
    )
    other.add_argument(
        "--ignore-files", action="store_true", help="or take them for answered, once and for all"
    )
    other.add_argument(
        "--changed",
        action="store_true",
        help="request what an older query gave, of the range or of all time",
    )
    parser.add_argument(
        "--dismiss",
        action="store_true",
        help="with --changed: take it for what the present query gives instead",
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    request = replace(arguments.request(given), now=given.now)
    if given.list:
        opened = rerun.listed(request)
        put(*_requests(opened.requests))
        put(*(_of_file(*file) for file in opened.files))
        return Shown()
    if given.accept_files or given.ignore_files:
        found = rerun.decide_files(request, accept=given.accept_files)
        what = "requested" if given.accept_files else "ignored"
        put(*(_decided(file, what) for file in found.files))
        if not found.files:
            put("no file in .reruns/ is of before this state")
        for trouble in found.troubles:
            log.error("%s", trouble)
        return found
    if given.dismiss and not given.changed:
        raise UsageError("--dismiss is for --changed")
    if given.changed:
        changed = rerun_changed(request, dismiss=given.dismiss, allow_empty=given.allow_empty)
        what = "taken as they are" if given.dismiss else "requested"
        put(*(_changed(report, what) for report in changed.reports))
        if not changed.reports:
            put("nothing was computed by an older query")
        for trouble in changed.troubles:
            log.error("%s", trouble)
        return changed
    if given.cancel:
        put(*_requests(rerun.cancel(request)))
        for path, name, _ in rerun.listed(request).files:
            log.warning("%s: %s still requests it; remove that file too", name, path)
        return Shown()
    asked = rerun.rerun(request, allow_empty=given.allow_empty)
    put(*(line for report in asked.reports for line in _lines(report)))
    for trouble in asked.troubles:
        log.error("%s", trouble)
    if asked.is_good and not any(report.intervals for report in asked.reports):
        raise UsageError("nothing is requested: nothing of the range is done")
    return asked


def _decided(file: DecidedFile, what: str) -> str:
    dropped = f"; {file.dropped:,} lie outside of what the report computes" if file.dropped else ""
    return f"{file.report}: {count(file.intervals, 'interval')} of {file.path} {what}{dropped}"


def _changed(found: ChangedReport, what: str) -> str:
    dropped = (
        f"; {found.dropped:,} lie outside of what the report computes" if found.dropped else ""
    )
    return (
        f"{found.report}: {count(found.intervals, 'interval')} of {found.series:,} series, which an older"
        f" query gave, {what}{dropped}"
    )


def _of_file(path: Path, report: str, fate: Fate) -> str:
    if fate is Fate.LEFT:
        return f"{report}: {path} is of before this state: {LEFT}"
    return f"{report}: the next run takes up {path}"


def _lines(report: RequestedOfReport) -> Iterator[str]:
    what = count(report.intervals, "interval")
    if report.intervals:
        what += f" of {report.series} series"
    yield f"{report.report}: {what} requested"
    if report.holder:
        yield (
            f"  {report.holder} is at work on the report, with its query as it was when that"
            " run began; it leaves these requests to the next run"
        )
    if report.undone:
        yield f"  among them {report.undone:,} that are not done yet, and that this run may still do"
    passed_over = report.passed_over._asdict()
    why_not = [
        f"{passed_over[why]:,} {reason}" for why, reason in _WHY_NOT.items() if passed_over[why]
    ]
    if why_not:
        yield "  not requested: " + "; ".join(why_not)
    if report.overlapping:
        yield (
            f"  not requested: the interval of {report.overlapping}, which begins before the range and"
            f" reaches into it; --since {report.overlapping} requests it too"
        )


def _requests(found: Iterable[RerunRequest]) -> Iterator[str]:
    """Yield a line for each report and range, with the series that have just these requests."""
    starts: dict[tuple[str, str], list[str]] = {}
    for one in found:
        starts.setdefault((one.report, one.tsv), []).append(one.start)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (report, tsv), of_series in starts.items():
        alike.setdefault((report, tuple(of_series)), []).append(tsv)
    for (report, asked), tsvs in alike.items():
        reach = asked[0] if len(asked) == 1 else f"{asked[0]} to {asked[-1]}"
        names = ", ".join(tsvs) if len(tsvs) <= _MOST_NAMES else f"{len(tsvs)} series"
        yield f"{report}: {count(len(asked), 'interval')}, {reach}, of {names}"
    if not alike:
        yield "no open requests"
