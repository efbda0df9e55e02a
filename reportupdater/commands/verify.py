"""`reportupdater verify`: compare what the sinks have with the TSVs."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.operations.verify import VerifyRequest, verify

EXAMPLES = """\
examples:
  reportupdater verify queries/edits output/ --render-url http://graphite.example.org/render
  reportupdater verify queries/edits output/ --render-url http://graphite.example.org/render \\
      --report daily_edits --since 2025-03-01 --resend
  reportupdater verify queries/edits output/ --sink prometheus --resend

exit codes:
  0  every datapoint that can be compared is as in the TSVs
  1  some are missing or different, sent again or not; a sink cannot be read; a report is invalid
     or, with --resend, held by a run; or a TSV cannot be read
  2  called wrongly, or there is nothing to compare
  130, 143  interrupted while wrong ones were sent again
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "verify",
        help="compare what the sinks have with the TSVs",
        description="Reads all series back and compares every datapoint with the TSVs: from Prometheus by\n"
        "its `query_url`, from Graphite by the --render-url.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    arguments.add_range(parser)
    parser.add_argument(
        "--render-url",
        type=arguments.url,
        metavar="URL",
        help="Graphite's render API, for example http://graphite.example.org/render",
    )
    arguments.add_sink(parser, "compare")
    parser.add_argument(
        "--resend", action="store_true", help="send the missing and the different ones again"
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    verdict = verify(
        VerifyRequest(**arguments.fields(given), url=given.render_url, resend=given.resend)
    )
    put(*verdict.lines)
    return verdict
