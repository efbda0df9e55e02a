"""`reportupdater held`: show the results that failed a check."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from reportupdater.commands import arguments
from reportupdater.commands.held_text import lines
from reportupdater.commands.printing import put, put_json
from reportupdater.errors import Result
from reportupdater.operations import held
from reportupdater.operations.held import Shown

EXAMPLES = """\
examples:
  reportupdater held queries/edits output/
  reportupdater held queries/edits output/ --report daily_edits --check vanished --rows

exit codes:
  0  they are shown, or nothing is held
  2  called wrongly
"""
_MOST_ROWS = 5


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "held",
        help="show the results that failed a check",
        description="Shows the results that failed a check: they are kept, and neither in their TSV nor\n"
        "sent until they are accepted or rejected, or computed again. Nothing is written.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_held(parser)
    parser.add_argument(
        "--rows", action="store_true", help="show the rows of each, beside those that are stored"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, see docs/cli.md")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    request = arguments.held(given)
    found = held.listed(request)
    if given.json:
        put_json({"version": 1, "held": [one._asdict() for one in found.results]})
    elif given.rows:
        for one in held.shown(request, found.results):
            put(*_with_rows(one))
    else:
        put(*lines(found.results, "held"))
    return found


def _with_rows(one: Shown) -> Iterator[str]:
    yield f"{one.held.tsv} {one.held.start}: {one.held.check}: {one.held.why}"
    yield from _rows("held", one.header, one.rows)
    yield from _rows("stored", one.stored_header, one.stored)


def _rows(what: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"  {what}: {len(rows):,} of {', '.join(header) or 'nothing'}"
    for row in rows[:_MOST_ROWS]:
        yield "    " + "  ".join(cell or "-" for cell in row)
    if len(rows) > _MOST_ROWS:
        yield f"    and {len(rows) - _MOST_ROWS:,} more"
