"""`reportupdater metrics`: list the series keys that a project can make."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from dataclasses import asdict

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json
from reportupdater.errors import Result
from reportupdater.operations.metrics import Metrics, MetricsRequest, SinkMetrics, metrics

log = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  reportupdater metrics queries/edits output/
  reportupdater metrics queries/edits output/ --sink graphite | awk '$1 == "new" {print $2}'

exit codes:
  0  all of them are listed
  1  a report is invalid, its keys cannot be made, or a TSV cannot be read
  2  called wrongly, or there are no metrics
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "metrics",
        help="list the series that a project can make in the sinks",
        description="Lists every series key that a project can make in each sink (for Graphite the metric"
        " paths),\nthose first that it has never got, and last those that it got once and the"
        " configuration no\nlonger makes. Nothing is sent or written.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(
        parser,
        output_help="the folder of the TSVs: without it all metrics count as new, and those whose"
        " keys have columns are left out",
        needs_output=False,
    )
    arguments.add_sink(parser, "list")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    arguments.check_order(given)
    found = metrics(MetricsRequest(**arguments.source(given), output=given.output, sink=given.sink))
    if given.json:
        put_json([asdict(one) for one in found.sinks])
    else:
        for one in found.sinks:
            put(*_lines(one, title=len(found.sinks) > 1))
    _log(found)
    return found


def _lines(found: SinkMetrics, *, title: bool) -> Iterator[str]:
    if title:
        yield f"{found.sink}:"
    for key in found.new:
        yield f"new  {key}"
    for key in found.sent:
        yield f"sent {key}"
    for key in found.gone:
        yield f"gone {key}"
    new = len(found.new)
    cost = f": {found.cost}" if found.cost else ""
    gone = f", and {len(found.gone):,} that nothing makes any more" if found.gone else ""
    yield f"{new + len(found.sent):,} series, {new:,} of them new{cost}{gone}"


def _log(found: Metrics) -> None:
    """Log what is wrong or worth knowing."""
    for one in found.sinks:
        for name in one.unknown:
            log.warning("report %r: its keys have columns; give OUTPUT to have them listed", name)
        if one.warning:
            log.warning("%s", one.warning)
    for trouble in found.troubles:
        log.error("%s", trouble)
