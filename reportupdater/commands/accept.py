"""`reportupdater accept`: publish results that failed a check."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.commands.held_text import lines
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.operations.accept import accept

EXAMPLES = """\
examples:
  reportupdater accept queries/edits output/ --report daily_edits --check vanished --dry-run
  reportupdater accept queries/edits output/ --since 2025-03-01 --until 2025-04-01

exit codes:
  0  they are in their TSVs, and what the sinks get of them has been read there
  1  one is refused, datapoints still wait, or a report is invalid or held by a run
  2  called wrongly
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "accept",
        help="publish results that failed a check",
        description="Stores held results in their TSVs and sends their datapoints, as if they had passed.\n"
        "Later held results of the same series are checked again, and published if they pass.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_held(parser)
    arguments.add_dry_run(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="also what lies outside of what the report keeps, or is of a query that was changed since",
    )
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    found = accept(arguments.held(given))
    would = "to be accepted" if given.dry_run else "accepted"
    put(*lines(found.accepted, would))
    if found.passed:
        put(*lines(found.passed, f"{would}, since it passes now"))
    for one in found.refused:
        put(f"{one.held.tsv} {one.held.start}: refused: {one.why}")
    return found
