"""`reportupdater export`: write the datapoints of the TSVs into a file for a store's backfill."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.operations.export import ExportRequest, export
from reportupdater.terminal.wording import count

EXAMPLES = """\
examples:
  reportupdater export --openmetrics queries/edits output/ edits.om
  reportupdater export --openmetrics --until 2025-01-01 queries/edits output/ edits.om
  promtool tsdb create-blocks-from openmetrics -q --max-block-duration=744h edits.om blocks/

exit codes:
  0  the file is written
  1  a report is invalid or held by a run, or a TSV or the store cannot be read
  2  called wrongly, or there is nothing to export
  130, 143  interrupted: the file is as it was
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "export",
        help="write datapoints into a file for the backfill of Prometheus",
        description="Writes the datapoints of the TSVs for `prometheus`, at the times at which they are"
        " sent, so that\nlater corrections win: for a history that is older than the store's window.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    parser.add_argument("file", type=arguments.path, metavar="FILE", help="the file to write")
    parser.add_argument(
        "--openmetrics",
        action="store_true",
        required=True,
        help="in the format OpenMetrics, which is the only one",
    )
    arguments.add_range(parser)
    arguments.add_only(parser)
    arguments.add_sink(parser, "for")
    arguments.add_assume_new(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    found = export(ExportRequest(**arguments.fields(given), file=given.file))
    if not found.stopped:
        put(f"{given.file}: {count(found.points, 'datapoint')} of {found.series:,} series")
    return found
