"""`reportupdater run`: do all that is due."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from reportupdater.commands import arguments, plan
from reportupdater.commands.printing import put
from reportupdater.errors import Result
from reportupdater.execution.result import RunResult
from reportupdater.execution.summary_text import lines
from reportupdater.operations.run import run

if TYPE_CHECKING:
    from reportupdater.execution.progress import Progress

log = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  reportupdater run queries/demo output/
  reportupdater run -l info --report daily_edits --since 2025-03-01 queries/demo output/

exit codes:
  0  all that was due is done, nothing was due, or another run holds it
  1  a task failed, a report is invalid, a TSV cannot be read or written, or datapoints wait
  2  called wrongly, or nothing of the project could be loaded
  130, 143  interrupted; what had been computed is kept
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "run",
        help="do all that is due",
        description="Computes what is due of a project's reports and keeps their TSVs up to date.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs; made if it is missing")
    arguments.add_range(parser)
    arguments.add_only(parser)
    arguments.add_amount(parser)
    parser.add_argument(
        "--jobs",
        type=arguments.positive,
        default=2,
        metavar="N",
        help="scripts at once (default: 2)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be done, as `plan` does; run nothing",
    )
    parser.add_argument(
        "--ignore-schedule",
        action="store_true",
        help="look at every report now, also at those that wait for a tick of their schedule",
    )
    parser.add_argument(
        "--accept-clock",
        action="store_true",
        help="go on though a run began more than a day after what this machine's clock shows",
    )
    sending = parser.add_mutually_exclusive_group()
    sending.add_argument(
        "--send",
        "--graphite",
        action="store_true",
        default=None,
        help="send datapoints, from a terminal too",
    )
    sending.add_argument(
        "--no-send",
        "--no-graphite",
        action="store_false",
        dest="send",
        help="neither send nor keep datapoints in this run; `resend` sends them later",
    )
    arguments.add_sink(parser, "send to")
    arguments.add_assume_new(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    request = replace(
        arguments.request(given),
        jobs=given.jobs,
        send=given.send,
        ignore_schedule=given.ignore_schedule,
        accept_clock=given.accept_clock,
    )
    if given.dry_run:
        return plan.show(request)
    result = run(request, _progress)
    # On a terminal silence would be puzzling; a bad run, and a run that logs more, have said it.
    if result.is_good and sys.stdout.isatty() and not log.isEnabledFor(logging.INFO):
        _show_end(result)
    return result


def _progress(total: int) -> AbstractContextManager[Progress]:
    from reportupdater.commands.progress import progress  # there is none where nothing is due

    return progress(total)


def _show_end(result: RunResult) -> None:
    """Print one line that says what was done, and one for each report that was passed over."""
    title, *rest = lines(result, f"{result.config_path} into {result.output}")
    skipped = [line for line in rest if line.startswith("  skipped: ")]
    put(title, *skipped)
