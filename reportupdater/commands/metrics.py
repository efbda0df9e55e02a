"""`reportupdater metrics`: list the metric paths that a project can make."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator

from reportupdater.commands import arguments
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.operations.metrics import Metrics, MetricsRequest, metrics

log = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  reportupdater metrics queries/edits output/
  reportupdater metrics queries/edits output/ | awk '$1 == "new" {print $2}'

exit codes:
  0  all of them are listed
  1  a report is invalid, its paths cannot be made, or a TSV cannot be read
  2  called wrongly, or there are no metrics
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "metrics",
        help="list the metric paths that a project can make",
        description="Lists every metric path that a project can make, those that Graphite has never"
        " got first,\nand says how many files it will have to create. Nothing is sent or written.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(
        parser,
        output_help="the folder of the TSVs: without it all metrics count as new, and those whose"
        " paths have columns are left out",
        needs_output=False,
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    arguments.check_order(given)
    found = metrics(MetricsRequest(**arguments.source(given), output=given.output))
    put(*_lines(found))
    _log(found)
    return found


def _lines(found: Metrics) -> Iterator[str]:
    for path in found.new:
        yield f"new  {path}"
    for path in found.sent:
        yield f"sent {path}"
    new = len(found.new)
    yield (
        f"{new + len(found.sent):,} metric paths, {new:,} of them new:"
        f" Graphite will have to create {new:,} files"
    )


def _log(found: Metrics) -> None:
    """Log what is wrong or worth knowing."""
    for name in found.unknown:
        log.warning("report %r: its paths have columns; give OUTPUT to have them listed", name)
    for trouble in found.troubles:
        log.error("%s", trouble)
    if len(found.new) > found.limit:
        log.warning(
            "%s new metrics are more than %s: carbon creates MAX_CREATES_PER_MINUTE files a minute"
            " (50 by default) and drops the points of all further new metrics silently; have it"
            " raised, or repeat `verify --resend` until nothing is missing",
            f"{len(found.new):,}",
            f"{found.limit:,}",
        )
