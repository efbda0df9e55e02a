"""`reportupdater check`: all that can be known without a database."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json
from reportupdater.errors import Result, Severity, UsageError
from reportupdater.execution.clock import utcnow
from reportupdater.execution.select import Source
from reportupdater.operations.check import CheckRequest, Examined, check
from reportupdater.terminal.wording import count

EXAMPLES = """\
examples:
  reportupdater check queries/edits
  reportupdater check --strict --json queries/*/

exit codes:
  0  there is no error; with --strict, no warning either
  1  there is
  2  called wrongly, or a project or a file of host settings is not there
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "check",
        help="report all that is wrong with projects, without a database",
        description="Reports all that can be known of projects without a database, and without writing a"
        " file.\nErrors take reports, or their datapoints, out of a run; warnings do not; notices are"
        " worth knowing.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "projects",
        type=arguments.path,
        nargs="+",
        metavar="project",
        help="a folder with config.yaml and query files; of several, clashing names are reported too",
    )
    arguments.add_files(parser)
    parser.add_argument(
        "--output",
        type=arguments.path,
        metavar="FOLDER",
        help="the folder of the TSVs: whether their columns fit the metrics, and whether what is stored"
        " passes the checks that reports declare, is checked too",
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    if given.config_path is not None and len(given.projects) > 1:
        raise UsageError("--config-path is for one project, and several are given")
    folders = {os.path.realpath(path): path for path in given.projects}.values()
    sources = tuple(Source(project=path, **arguments.source(given)) for path in folders)
    checked = check(
        CheckRequest(sources=sources, now=utcnow(), output=given.output, strict=given.strict)
    )
    counts = {severity: checked.count(severity) for severity in Severity}
    if given.json:
        put_json(_as_dict(checked.projects, counts))
    else:
        put(*_lines(checked.projects, counts))
    return checked


def _lines(examined: Sequence[Examined], counts: dict[Severity, int]) -> Iterator[str]:
    for one in examined:
        for problem in one.problems:
            yield f"{problem.severity.value}: {problem}"
    yield _count_line(examined, counts)


def _count_line(examined: Sequence[Examined], counts: dict[Severity, int]) -> str:
    reports = sum(len(one.project.names) for one in examined)
    projects = count(len(examined), "project") + ", " if len(examined) > 1 else ""
    found = ", ".join(
        count(number, severity.value) for severity, number in counts.items() if number
    )
    return f"{projects}{count(reports, 'report')}: {found or 'all is well'}"


def _as_dict(examined: Sequence[Examined], counts: dict[Severity, int]) -> dict[str, Any]:
    return {
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "notices": counts[Severity.NOTICE],
        "projects": [
            {
                "project": str(one.project.folder),
                "config": str(one.project.config_path),
                "reports": list(one.project.names),
                "valid_reports": [report.name for report in one.project.reports],
                "problems": [
                    {
                        "severity": problem.severity.value,
                        "what": problem.what,
                        "hint": problem.hint,
                        "report": problem.report,
                        "path": problem.where.path if problem.where else None,
                        "line": (problem.where and problem.where.line) or None,
                        "column": (problem.where and problem.where.column) or None,
                    }
                    for problem in one.problems
                ],
            }
            for one in examined
        ],
    }
