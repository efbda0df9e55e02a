"""The command line: parses, calls a command, sets the exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from reportupdater import __version__
from reportupdater.commands import metrics, plan, resend, run, verify
from reportupdater.errors import ReportupdaterError
from reportupdater.observe import log

COMMANDS = (run, plan, metrics, resend, verify)
"""The modules of the commands, in the order in which `--help` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name); its exit code."""
    if sys.stderr is None:  # the caller has closed it, and no file may be opened in its place
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open to the end
    arguments = parser().parse_args(argv)
    log.set_up(arguments.log_level)
    try:
        exit_code: int = arguments.call(arguments)
    except ReportupdaterError as error:
        logging.getLogger("reportupdater").error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:  # while nothing is in work yet: a run takes the signal itself
        return 128 + signal.SIGINT
    return exit_code


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="reportupdater",
        description="A scheduled batch report runner: queries in, TSV files out.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    for command_parser in commands.choices.values():
        command_parser.add_argument(
            "-l",
            "--log-level",
            choices=log.LEVELS,
            default="warning",
            help="what is written to standard error (default: warning)",
        )
    return top
