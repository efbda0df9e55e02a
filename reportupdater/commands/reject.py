"""`reportupdater reject`: drop results that failed a check."""

from __future__ import annotations

import argparse
import logging

from reportupdater.commands import arguments
from reportupdater.commands.held_text import lines
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.operations.reject import reject

log = logging.getLogger(__name__)
EXAMPLES = """\
examples:
  reportupdater reject queries/edits output/ --report daily_edits --dry-run
  reportupdater reject queries/edits output/ --check columns

exit codes:
  0  they are dropped
  1  a report is invalid or held by a run
  2  called wrongly
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "reject",
        help="drop results that failed a check",
        description="Drops held results. What is stored of their intervals stays; intervals of which\n"
        "nothing is stored are computed again by the next run.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_held(parser)
    arguments.add_dry_run(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    found = reject(arguments.held(given))
    put(*lines(found.results, "to be rejected" if given.dry_run else "rejected"))
    for message in (*found.troubles.lines, *found.skipped.lines):
        log.error("%s", message)
    return found
