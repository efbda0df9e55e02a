"""`reportupdater config`: print the configuration as it counts."""

from __future__ import annotations

import argparse

from reportupdater.commands import arguments
from reportupdater.commands.printing import Shown, put
from reportupdater.config.effective import read_effective
from reportupdater.config.written import lines
from reportupdater.errors import Result, Severity
from reportupdater.execution.select import Source, no_report
from reportupdater.terminal.log import log_problems

EXAMPLES = """\
examples:
  reportupdater config queries/edits
  reportupdater config queries/edits --report daily_edits

exit codes:
  0  it is printed, and without an error
  1  it has errors; what can be read of it is printed
  2  called wrongly, or there is no configuration
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "config",
        help="print the configuration as it counts",
        description="Prints the configuration with host settings, defaults and built-in defaults laid"
        " in,\nas YAML, each value with where it comes from. Files with passwords are not read.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "project", type=arguments.path, help="the folder with config.yaml and query files"
    )
    arguments.add_files(parser)
    arguments.add_reports(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    source = Source(**arguments.source(given))
    project = source.load()
    effective = read_effective(source.project, source.config_path, source.hosts)
    for name in given.report:
        if name not in effective.reports:
            raise no_report(project, name, effective.reports)
    if given.report:
        effective = effective.narrowed(given.report)
    put(*lines(effective))
    problems = [
        problem
        for problem in project.problems
        if not given.report or problem.report is None or problem.report in given.report
    ]
    log_problems(problems)
    return Shown(is_good=all(problem.severity is not Severity.ERROR for problem in problems))
