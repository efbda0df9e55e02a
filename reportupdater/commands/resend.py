"""`reportupdater resend`: send the datapoints of stored rows again."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.errors import Result
from reportupdater.operations.resend import resend

EXAMPLES = """\
examples:
  reportupdater resend queries/edits output/ --report daily_edits
  reportupdater resend queries/edits output/ --since 2025-03-01 --until 2025-04-01
  reportupdater resend queries/edits output/ --sink prometheus

exit codes:
  0  all of them have been read by the sinks
  1  some still wait, a report is invalid or held by a run, or a TSV cannot be read
  2  called wrongly, or there is nothing to send
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "resend",
        help="send the datapoints of stored rows to the sinks again",
        description="Makes datapoints from the TSVs again and sends them: for a new metric over old"
        " data, a path that was renamed, a Graphite that lost its disk, or a run from a terminal."
        " Of Prometheus is read back what it has, and only what differs is sent.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    arguments.add_range(parser)
    arguments.add_only(parser)
    arguments.add_sink(parser, "send to")
    arguments.add_assume_new(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    return resend(arguments.request(given))
