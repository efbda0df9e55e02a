"""`reportupdater why`: the life of one interval of one series."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json, put_text
from reportupdater.errors import Result
from reportupdater.execution.clock import utcnow
from reportupdater.operations.why import Life, Point, WhyRequest, why
from reportupdater.state.revisions import Revision
from reportupdater.terminal.wording import count
from reportupdater.tsv.changes import changes

EXAMPLES = """\
examples:
  reportupdater why queries/edits output/ daily_edits --only wiki=enwiki
  reportupdater why queries/edits output/ daily_edits --date 2025-03-01 --query

exit codes:
  0  it is shown
  2  called wrongly, or there is no such report, series or interval
"""
_MOST_ROWS = 5
_MOST_CHANGES = 5
_MOST_ATTEMPTS = 5
_MOST_POINTS = 10


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "why",
        help="show the life of an interval: why it is as it is, and what to do next",
        description="Shows all that is known of an interval of a series: whether it is due and by which"
        " rule,\nattempts, errors, checks, rows and every former value, what the sinks have of it, and the"
        "\none next thing to do. Nothing is written, and no database is asked.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "project", type=arguments.path, help="the folder with config.yaml and query files"
    )
    parser.add_argument("output", type=arguments.path, help="the folder of the TSVs")
    parser.add_argument("report", help="the report")
    arguments.add_files(parser)
    parser.add_argument(
        "--date",
        type=arguments.moment,
        metavar="DATE",
        help="the interval around this date (default: the first that is missing, and the newest)",
    )
    arguments.add_only(parser)
    arguments.add_now(parser)
    parser.add_argument("--query", action="store_true", help="show its query too")
    parser.add_argument("--json", action="store_true", help="as JSON, see docs/cli.md")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    arguments.check_order(given)
    found = why(
        WhyRequest(
            **arguments.source(given),
            reports=(given.report,),
            output=given.output,
            report=given.report,
            date=given.date,
            now=given.now or utcnow(),
            query=given.query,
        )
    )
    if given.json:
        put_json({"version": 1, "intervals": [_json(one) for one in found.lives]})
        return found
    for at, one in enumerate(found.lives):
        if at:
            put("")
        put(*_lines(one))
        if one.query is not None:
            put("query:")
            put_text(one.query)
    return found


def _lines(one: Life) -> Iterator[str]:
    yield f"{one.series} [{one.start}, {one.end})"
    yield f"due: {one.due}" if one.due else f"not due: {one.rest}"
    if one.trouble:
        yield f"trouble: {one.trouble}"
    if one.held:
        yield f"held since {_minute(one.held.at)}: {one.held.check}: {one.held.why}"
    if one.wait:
        asked = f"asked {_minute(one.wait.at)}, first {_minute(one.wait.since)}"
        yield f"not ready: it waits for {one.wait.why} ({asked})"
    if one.retry:
        again = f", tried again from {_minute(one.retry.retry_at)} on" if one.retry.retry_at else ""
        yield f"failed last at {_minute(one.retry.at)}{again}: {_first_line(one.retry.error)}"
    for tried in one.attempts[-_MOST_ATTEMPTS:]:
        result = _first_line(tried.error) if tried.error else count(tried.rows or 0, "row")
        yield (
            f"tried {_minute(tried.at)}, run {tried.run}, {tried.reason}, {tried.seconds:.2f} s:"
            f" {result}"
        )
    yield from _stored(one)
    for check in one.checks:
        yield f"check {check.check} {check.subject}: {check.verdict}".replace(" :", ":") + (
            f": {check.why}" if check.why else ""
        )
    yield from _former(one)
    yield from _points(one.points)
    yield f"next: {one.next}" if one.next else "next: nothing, all is well"


def _stored(one: Life) -> Iterator[str]:
    if not one.stored.rows:
        yield "stored: nothing"
        return
    by = "by an older query" if one.is_older else "by the present query"
    of = f", {by}" if one.digest else ""
    what = count(len(one.stored.rows), "row") if one.stored.has_values else "no values"
    yield f"stored: {what}{of}"
    yield "  " + "  ".join(one.stored.header)
    yield from _rows(one.stored.rows)


def _rows(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in rows[:_MOST_ROWS]:
        yield "  " + "  ".join(cell or "-" for cell in row)
    if len(rows) > _MOST_ROWS:
        yield f"  and {len(rows) - _MOST_ROWS:,} more"


def _former(one: Life) -> Iterator[str]:
    """Yield each revision with the values that it changed."""
    for at, revision in enumerate(one.revisions):
        run = f", run {revision.run}" if revision.run is not None else ""
        yield f"revision {revision.number}, {_minute(revision.at)}, {revision.reason}{run}"
        after = one.revisions[at + 1] if at + 1 < len(one.revisions) else None
        yield from _changes(revision, after, one)


def _changes(revision: Revision, after: Revision | None, one: Life) -> Iterator[str]:
    if revision.header is None:
        yield "  its former rows are kept no longer"
        return
    header, rows = (after.header or (), after.rows) if after else one.stored
    found = changes(revision.header, revision.rows, header, rows)
    if found is None:
        yield f"  {count(len(revision.rows), 'row')} → {count(len(rows), 'row')}"
        return
    for change in found[:_MOST_CHANGES]:
        yield f"  {change}"
    if len(found) > _MOST_CHANGES:
        yield f"  and {len(found) - _MOST_CHANGES:,} more values"


def _points(points: Sequence[Point]) -> Iterator[str]:
    for point in points[:_MOST_POINTS]:
        yield f"{point.sink} {point.key} {point.value}: {point.state}, {point.destination}"
    if len(points) > _MOST_POINTS:
        yield f"and {len(points) - _MOST_POINTS:,} more datapoints"


def _json(one: Life) -> dict[str, Any]:
    return {
        "report": one.series.report.name,
        "tsv": one.series.tsv,
        "dimensions": one.series.dimensions,
        "start": one.start,
        "end": one.end,
        "due": one.due or None,
        "not_due": one.rest or None,
        "trouble": one.trouble or None,
        "attempts": [tried._asdict() for tried in one.attempts],
        "retry": one.retry._asdict() if one.retry else None,
        "not_ready": one.wait._asdict() if one.wait else None,
        "held": one.held._asdict() if one.held else None,
        "header": list(one.stored.header),
        "rows": [list(row) for row in one.stored.rows],
        "digest": one.digest or None,
        "is_older": one.is_older,
        "checks": [check._asdict() for check in one.checks],
        "revisions": [
            {**revision._asdict(), "header": revision.header and list(revision.header)}
            for revision in one.revisions
        ],
        "datapoints": [
            {**point._asdict(), "date": f"{datetime.fromtimestamp(point.timestamp, UTC):%FT%H:%MZ}"}
            for point in one.points
        ],
        "next": one.next or None,
        "query": one.query,
    }


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _minute(stamp: str) -> str:
    return stamp[:16].replace("T", " ") + " UTC"
