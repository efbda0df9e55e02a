"""`reportupdater forget`: take away a report, some of its series, or a destination."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from reportupdater.commands import arguments
from reportupdater.commands.printing import put
from reportupdater.errors import Result, UsageError
from reportupdater.operations.forget import ForgetRequest, forget
from reportupdater.terminal.wording import count

EXAMPLES = """\
examples:
  reportupdater forget output/ --report old_edits --to /srv/reports/archive --dry-run
  reportupdater forget output/ --report daily_edits --only wiki=closedwiki --delete
  reportupdater forget output/ --destination graphite://graphite1.example.org:2003

exit codes:
  0  it is forgotten
  1  a TSV cannot be moved, or has results that cannot be written into it
  2  called wrongly, it is not there, or a configuration still has it
"""
_MOST_KEYS = 1_000


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "forget",
        help="take away a report, a series or a destination that is no more",
        description="Moves or deletes the TSVs of a report that has left its configuration, or of series\n"
        "that it has no more, with their history, held results and pending datapoints; or drops what\n"
        "is pending for a destination. Lists what the sinks still have: nothing is deleted there.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument("output", type=arguments.path, help="the folder of the TSVs")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--report", metavar="NAME", default="", help="the report")
    what.add_argument(
        "--destination", metavar="URL", default="", help="the destination, as `status` names it"
    )
    arguments.add_only(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", type=arguments.path, metavar="FOLDER", help="move its TSVs there")
    where.add_argument("--delete", action="store_true", help="delete its TSVs")
    where.add_argument(
        "--emptied",
        action="store_true",
        help="only that sinks have values which are no more: they were deleted there",
    )
    arguments.add_dry_run(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    if given.emptied and (given.destination or given.only or given.to or given.delete):
        raise UsageError("--emptied is of a report as a whole, and leaves its TSVs alone")
    if given.report and not (given.to or given.delete or given.dry_run or given.emptied):
        raise UsageError("what shall become of the TSVs?", hint="--to FOLDER, or --delete")
    if given.destination and (given.only or given.to or given.delete):
        raise UsageError("--only, --to and --delete are of a report, and not of a destination")
    found = forget(
        ForgetRequest(
            output=given.output,
            report=given.report,
            only=arguments.only(given),
            emptied=given.emptied,
            destination=given.destination,
            to=given.to,
            dry_run=given.dry_run,
        )
    )
    would = "to be forgotten" if given.dry_run else "forgotten"
    if given.destination:
        put(f"{given.destination}: {would}, {count(found.pending, 'datapoint')} pending")
        return found
    what = count(len(found.tsvs), "emptied interval") if given.emptied else _series(found.tsvs)
    put(f"{given.report}: {what} {would}")
    put(*(f"  {tsv}" for tsv in found.tsvs))
    if found.pending:
        put(f"  {count(found.pending, 'datapoint')} of theirs will not be sent")
    if found.keys:
        put("the sinks may still have:")
        put(*(f"  {one.destination} {one.key}" for one in found.keys[:_MOST_KEYS]))
        if len(found.keys) > _MOST_KEYS:
            put(f"  and {len(found.keys) - _MOST_KEYS:,} more")
    if found.commands:
        put(
            "these delete them, with the server's address as $URL and its administration API allowed:"
        )
        put(*(f"  {command}" for command in found.commands[:_MOST_KEYS]))
    return found


def _series(tsvs: Sequence[str]) -> str:
    return f"{len(tsvs):,} series"
