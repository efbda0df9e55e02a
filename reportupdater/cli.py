"""The command line: parses, calls a command, sets the exit code."""

from __future__ import annotations

import argparse
import gc
import io
import logging
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module

from reportupdater.commands.printing import Parser, put
from reportupdater.errors import ReportupdaterError, Result, exit_code
from reportupdater.terminal import log

COMMANDS = (
    "run",
    "plan",
    "try",
    "check",
    "why",
    "drift",
    "config",
    "status",
    "site",
    "held",
    "accept",
    "reject",
    "metrics",
    "rerun",
    "resend",
    "verify",
    "export",
    "forget",
)
"""The commands, in the order in which `--help` lists them. Each has a module in `commands`."""


_NEW_VALUES = 10_000
"""How many the garbage collector lets pass before it looks for cycles, of which hardly any are made."""


def program(argv: Sequence[str] | None = None) -> int:
    """Run the command line of this process, as `main`: with names of files in UTF-8 whatever the locale is.

    Python takes the locale's encoding for them, and sets that up before it runs anything: where it is
    another one, the process begins again as the same command in Python's UTF-8 mode. What it prints is
    still for a terminal of that locale.
    """
    if "utf8" in sys._xoptions:
        _print_in_the_locale()
    elif sys.getfilesystemencoding() != "utf-8" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    return main(argv)


def _print_in_the_locale() -> None:
    import locale

    if "PYTHONIOENCODING" in os.environ:
        return
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=locale.getencoding(), errors="backslashreplace")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (without the program's name); its exit code."""
    gc.set_threshold(_NEW_VALUES)
    _fill_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does
    argv = sys.argv[1:] if argv is None else argv
    # The modules of other commands are not imported: a run with nothing due is over at once.
    named = argv[:1] if argv and argv[0] in COMMANDS else COMMANDS
    try:
        arguments = parser(named).parse_args(argv)
        log.set_up(arguments.log_level)
        result: Result = arguments.call(arguments)
    except ReportupdaterError as error:
        if not error.is_logged:
            logging.getLogger("reportupdater").error("%s", error)
        return exit_code(error)
    except KeyboardInterrupt:  # while nothing is in work yet: a run takes the signal itself
        logging.getLogger("reportupdater").error("interrupted before anything was done")
        return 128 + signal.SIGINT
    return exit_code(result)


def _fill_standard_streams() -> None:
    """Open what the caller has closed: the state, or a connection, would come in its place."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            os.set_inheritable(number, True)  # scripts get it too
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - to the end


class _Version(argparse.Action):
    """Print the version; which commit it is of is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from reportupdater.version import described

        put(f"{parser.prog} {described()}")
        parser.exit()


def parser(names: Iterable[str] = COMMANDS) -> Parser:
    """Return the parser of a command line that may have these commands."""
    top = Parser(
        prog="reportupdater",
        description="A scheduled batch report runner: queries in, TSV files out.",
    )
    top.add_argument("--version", action=_Version, help="show the version and its commit, and exit")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in names:
        import_module(f"reportupdater.commands.{name}").add_to(commands)
    for command_parser in commands.choices.values():
        command_parser.add_argument(
            "-l",
            "--log-level",
            choices=log.LEVELS,
            default="warning",
            help="what is written to standard error (default: warning)",
        )
    return top
