"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportupdater.config.load import CONFIG_NAME
from reportupdater.configfile.kinds import FIRST_YEAR, LAST_YEAR
from reportupdater.errors import UsageError
from reportupdater.intervals import parse_moment
from reportupdater.operations.run import Request
from reportupdater.planning.explode import Only
from reportupdater.sinks.registry import SINKS, kind
from reportupdater.spelling import normal

if TYPE_CHECKING:
    from reportupdater.operations.held import HeldRequest


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """As wide as argparse's own, without importing archives and compression to find the width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    with suppress(KeyError, ValueError):
        return int(os.environ["COLUMNS"])
    with suppress(OSError, AttributeError, ValueError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
    return 80


def add_project(
    parser: argparse.ArgumentParser, *, output_help: str, needs_output: bool = True
) -> None:
    """Add what names a project, an output folder and some of the reports."""
    parser.add_argument("project", type=path, help="the folder with config.yaml and query files")
    parser.add_argument("output", type=path, nargs=None if needs_output else "?", help=output_help)
    add_files(parser)
    add_reports(parser)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add what names other files of configuration than the usual ones."""
    parser.add_argument(
        "--config-path", type=path, metavar="FILE", help="instead of PROJECT/config.yaml"
    )
    add_host_config(parser)


def add_host_config(parser: argparse.ArgumentParser) -> None:
    """Add what names another file of host settings than the usual ones."""
    parser.add_argument(
        "--host-config",
        type=path,
        metavar="FILE",
        help="host settings, instead of those in /etc/reportupdater and ~/.config/reportupdater",
    )


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add what names some of the reports."""
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="NAME",
        help="only this report; may be given several times",
    )


def add_range(parser: argparse.ArgumentParser) -> None:
    """Add what names a part of time."""
    parser.add_argument(
        "--since", type=moment, metavar="DATE", help="only intervals that start here or later"
    )
    parser.add_argument(
        "--until", type=moment, metavar="DATE", help="only intervals that start before"
    )


def add_now(parser: argparse.ArgumentParser) -> None:
    """Add what takes the place of the clock."""
    parser.add_argument(
        "--now", type=clock, metavar="DATE", help="as if it were this moment, in UTC"
    )


def add_only(parser: argparse.ArgumentParser) -> None:
    """Add what names some of the series."""
    parser.add_argument(
        "--only",
        type=fixed,
        action="append",
        default=[],
        metavar="DIMENSION=VALUE",
        help="only series with this value; may be given several times, also for one dimension",
    )


def add_sink(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that names one of several sinks."""
    parser.add_argument(
        "--sink",
        type=_sink,
        metavar="NAME",
        help=f"{what} this sink alone: {', '.join(SINKS)}, or with a dot the name of one of its `others`",
    )


def _sink(text: str) -> str:
    if kind(text) not in SINKS:
        raise argparse.ArgumentTypeError(f"there is no sink {text!r}, only {', '.join(SINKS)}")
    return text


def add_assume_new(parser: argparse.ArgumentParser) -> None:
    """Add the option for sinks that cannot be asked."""
    parser.add_argument(
        "--assume-new",
        action="store_true",
        help="take it that the sinks have no values of series that they were never sent",
    )


def add_held(parser: argparse.ArgumentParser) -> None:
    """Add what names some of the held results."""
    add_project(parser, output_help="the folder of the TSVs")
    add_range(parser)
    add_only(parser)
    parser.add_argument(
        "--check",
        action="append",
        default=[],
        metavar="NAME",
        help="only results that failed this check; may be given several times",
    )


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Add what lets a command show what it would do."""
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done; change nothing"
    )


def add_amount(parser: argparse.ArgumentParser) -> None:
    """Add how much of a long history is taken, and as of which moment."""
    parser.add_argument(
        "--max-intervals",
        type=positive,
        metavar="N",
        help="take so many missing intervals of a series, whatever its `backfill` says",
    )
    add_now(parser)


def check_order(given: argparse.Namespace) -> None:
    """Raise UsageError where a project is given as the output folder, and no project as the project."""
    project, output = given.project, given.output
    if given.config_path or not (project and output):
        return
    if os.path.isfile(output / CONFIG_NAME) and not os.path.isfile(project / CONFIG_NAME):
        raise UsageError(
            f"{output} is a project", hint=f"the project comes first: {output} {project}"
        )


def put_project_first(given: argparse.Namespace) -> None:
    """Exchange the two folders where they are given as output and project, as once was the order."""
    from reportupdater.state.place import FOLDER

    project, output = given.project, given.output
    if project is None or os.path.isfile(project / CONFIG_NAME):
        return
    if os.path.isfile(output / CONFIG_NAME) or (
        os.path.isdir(project / FOLDER) and not os.path.isdir(output / FOLDER)
    ):
        given.project, given.output = output, project


def request(given: argparse.Namespace) -> Request:
    """Return the request that the arguments above make. Raises UsageError."""
    return Request(**fields(given))


def fields(given: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a `Request` that the arguments above ask for. Raises UsageError."""
    check_order(given)
    if given.since and given.until and given.since >= given.until:
        raise UsageError("the range is empty: --since is not before --until")
    return source(given) | {
        "output": given.output,
        "since": given.since,
        "until": given.until,
        "max_intervals": given.max_intervals if "max_intervals" in given else None,
        "now": given.now if "now" in given else None,
        "sink": given.sink if "sink" in given else None,
        "assume_new": bool("assume_new" in given and given.assume_new),
    }


def held(given: argparse.Namespace) -> HeldRequest:
    """Return the request that `add_held` makes. Raises UsageError."""
    from reportupdater.operations.held import HeldRequest

    return HeldRequest(
        **fields(given),
        checks=tuple(given.check),
        dry_run=bool("dry_run" in given and given.dry_run),
        force=bool("force" in given and given.force),
    )


def source(given: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a `Source` that the arguments above ask for, as far as the command has them."""
    found: dict[str, Any] = {"config_path": given.config_path, "host_files": host_files(given)}
    if "project" in given:
        found["project"] = given.project
    if "only" in given:
        found["only"] = only(given)
    if "report" in given and isinstance(given.report, list):  # `try` has one, in another place
        found["reports"] = tuple(given.report)
    return found


def only(given: argparse.Namespace) -> Only:
    """Return the series that `add_only` asks for."""
    wanted: dict[str, set[str]] = {}
    for dimension, value in given.only:
        wanted.setdefault(dimension, set()).add(normal(value))
    return wanted


def host_files(given: argparse.Namespace) -> tuple[Path, ...] | None:
    """Return the host settings that are named, if any."""
    return None if given.host_config is None else (given.host_config,)


def fixed(text: str) -> tuple[str, str]:
    """Return a dimension and a value."""
    dimension, equals, value = text.partition("=")
    if not (dimension and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not like wiki=enwiki")
    return dimension, value


def path(text: str) -> Path:
    """Return a path that is not empty: a shell variable that is not set would mean the working folder."""
    if not text:
        raise argparse.ArgumentTypeError("a path is empty")
    found = Path(text)
    if not found.is_absolute():
        try:
            os.getcwd()
        except OSError as error:
            what = f"{text!r} is relative, and the working folder cannot be used: {error.strerror}"
            raise argparse.ArgumentTypeError(f"{what} (`cd` to another)") from None
    return found


def url(text: str) -> str:
    """Return an address that can be asked by HTTP."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with http:// or https://")
    return text


def moment(text: str) -> datetime:
    """Return a date, or a date with an hour."""
    try:
        return parse_moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} (as in 2025-03-01 or 2025-03-01T05)") from None


def clock(text: str) -> datetime:
    """Return a moment that a clock may show: before it and after it lie intervals, and lags of years."""
    found = moment(text)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        what = f"{text!r} is not of the years {FIRST_YEAR} to {LAST_YEAR}"
        raise argparse.ArgumentTypeError(what)
    return found


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
