"""`reportupdater plan`: show what a run would do now, and why it would not do more."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json
from reportupdater.errors import Result
from reportupdater.operations.run import Request

EXAMPLES = """\
examples:
  reportupdater plan queries/demo output/
  reportupdater plan queries/demo output/ --report daily_edits --only wiki_db=enwiki --json

exit codes:
  0  the plan is shown, whether anything is due or not
  1  a report is invalid, or a TSV or the state cannot be read
  2  called wrongly, or nothing of the project could be loaded
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "plan",
        help="show what a run would do now",
        description="Shows what a run with the same arguments would do now: the intervals that\n"
        "are due, how long they may take, and why the rest is not due. Runs nothing and\n"
        "writes nothing.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    arguments.add_range(parser)
    arguments.add_only(parser)
    arguments.add_amount(parser)
    parser.add_argument("--json", action="store_true", help="every series, for programs")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    return show(arguments.request(given), as_json=given.json)


def show(request: Request, *, as_json: bool = False) -> Result:
    """Print what a run would do."""
    # A run that is no dry one has no need of them.
    from reportupdater.commands.plan_json import as_dict
    from reportupdater.commands.plan_text import lines
    from reportupdater.operations.plan import plan

    found = plan(request)
    if as_json:
        put_json(as_dict(found))
    else:
        put(*lines(found))
    return found
