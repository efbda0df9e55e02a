"""The command line: parses, calls a command, sets the exit code."""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Sequence

from reportupdater import __version__
from reportupdater.commands import check, config, metrics, resend, run, try_, verify
from reportupdater.errors import ReportupdaterError
from reportupdater.observe import log

COMMANDS = (run, try_, check, config, metrics, resend, verify)
"""The modules of the commands, in the order in which `--help` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name); its exit code."""
    if sys.stderr is None:  # the caller has closed it, and no file may be opened in its place
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - open to the end
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does
    arguments = parser().parse_args(argv)
    log.set_up(arguments.log_level)
    try:
        exit_code: int = arguments.call(arguments)
        sys.stdout.flush()
    except ReportupdaterError as error:
        logging.getLogger("reportupdater").error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:  # while nothing is in work yet: a run takes the signal itself
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
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
