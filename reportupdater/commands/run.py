"""`reportupdater run`: do all that is due."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from reportupdater.config.host import default_host_files
from reportupdater.intervals import parse_moment
from reportupdater.pipeline import Request, run

EXAMPLES = """\
examples:
  reportupdater run queries/demo output/
  reportupdater run -l info --report daily_edits --since 2025-03-01 queries/demo output/

exit codes:
  0  all that was due is done, nothing was due, or another run holds it
  1  a task failed, a report is invalid, or a TSV cannot be read or written
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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.set_defaults(call=call)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("project", type=_path, help="the folder with config.yaml and query files")
    parser.add_argument("output", type=_path, help="the folder of the TSVs; made if it is missing")
    parser.add_argument(
        "--config-path", type=_path, metavar="FILE", help="instead of PROJECT/config.yaml"
    )
    parser.add_argument(
        "--host-config",
        type=Path,
        metavar="FILE",
        help="host settings, instead of those in /etc/reportupdater and ~/.config/reportupdater",
    )
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="NAME",
        help="only this report; may be given several times",
    )
    parser.add_argument(
        "--since", type=_moment, metavar="DATE", help="only intervals that start here or later"
    )
    parser.add_argument(
        "--until", type=_moment, metavar="DATE", help="only intervals that start before"
    )
    parser.add_argument(
        "--jobs", type=_positive, default=2, metavar="N", help="scripts at once (default: 2)"
    )
    parser.add_argument(
        "--now", type=_moment, metavar="DATE", help="run as if it were this moment, in UTC"
    )
    sending = parser.add_mutually_exclusive_group()
    sending.add_argument(
        "--graphite",
        action="store_true",
        default=None,
        help="send datapoints to Graphite, from a terminal too",
    )
    sending.add_argument(
        "--no-graphite",
        action="store_false",
        dest="graphite",
        help="neither send nor keep datapoints in this run; `resend` sends them later",
    )


def call(arguments: argparse.Namespace) -> int:
    """Run the command; its exit code."""
    return run(
        Request(
            project=arguments.project,
            output=arguments.output,
            config_path=arguments.config_path,
            host_files=(
                default_host_files() if arguments.host_config is None else (arguments.host_config,)
            ),
            reports=tuple(arguments.report),
            since=arguments.since,
            until=arguments.until,
            jobs=arguments.jobs,
            now=arguments.now,
            graphite=arguments.graphite,
        )
    )


def _path(text: str) -> Path:
    if not text:  # a shell variable that is not set would mean the working directory
        raise argparse.ArgumentTypeError("a path is empty")
    return Path(text)


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} (as in 2025-03-01 or 2025-03-01T05)") from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
