"""`reportupdater status`: how the reports of an output folder stand."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json
from reportupdater.commands.status_table import text
from reportupdater.errors import Result, UsageError
from reportupdater.execution.clock import utcnow
from reportupdater.execution.select import Source
from reportupdater.operations.report_status import ReportStatus, SeriesStatus
from reportupdater.operations.status import Status, StatusRequest, status
from reportupdater.state.history import last_error, stamp
from reportupdater.terminal.table import Screen

EXAMPLES = """\
examples:
  reportupdater status queries/edits output/
  reportupdater status output/ --report daily_edits --series --json

exit codes:
  0  all is well
  1  something is in trouble: a report fails, is invalid or late (what has been due for a day is not
     done, which needs a PROJECT), a result is held, a TSV cannot be read, datapoints could not be
     sent, a run could not begin, or not all could be looked at
  2  called wrongly
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "status",
        help="show how the reports of an output folder stand",
        description="Shows how the reports of an output folder stand, the ones in trouble first. Nothing is"
        "\nwritten, and no database is asked.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "project",
        type=arguments.path,
        nargs="?",
        help="the folder with config.yaml: only with it is known what is missing at either end, and"
        " what is due when",
    )
    parser.add_argument("output", type=arguments.path, help="the folder of the TSVs")
    arguments.add_files(parser)
    arguments.add_reports(parser)
    arguments.add_only(parser)
    arguments.add_now(parser)
    parser.add_argument("--series", action="store_true", help="show each series by itself")
    parser.add_argument("--json", action="store_true", help="as JSON, see docs/cli.md")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    arguments.put_project_first(given)
    if given.project is None and given.config_path is not None:
        raise UsageError("--config-path is of a project, and none is given")
    found = status(
        StatusRequest(
            output=given.output,
            now=given.now or utcnow(),
            source=Source(**arguments.source(given)) if given.project else None,
            reports=tuple(given.report),
            only=arguments.only(given),
        )
    )
    if given.json:
        put_json(_json(found, by_series=given.series))
    else:
        put(*text(found, Screen.of_stdout(), by_series=given.series))
    return found


def _json(found: Status, *, by_series: bool) -> dict[str, Any]:
    survey = found.survey
    return {
        "version": 1,
        "at": stamp(found.at),
        "output": str(found.output.absolute()),
        "project": str(found.project.absolute()) if found.project else None,
        "source": survey.source,
        "source_why": survey.why or None,
        "in_trouble": not found.is_good,
        "troubles": list(found.troubles),
        "datapoints_waiting": survey.undelivered,
        "runs": [
            {
                "config": config,
                "started": run["started"],
                "ended": run["ended"],
                "exit_code": run["exit_code"],
            }
            for config, run in survey.runs.items()
        ],
        "running": [running._asdict() for running in survey.running],
        "other_reports": list(found.others),
        "reports": [_report(report, by_series=by_series) for report in found.reports],
    }


def _report(report: ReportStatus, *, by_series: bool) -> dict[str, Any]:
    record = report.record
    return {
        "report": report.name,
        "in_trouble": report.in_trouble,
        "series": len(report.series),
        "series_in_trouble": sum(one.in_trouble for one in report.series),
        "series_behind": len(report.behind),
        "series_empty": sum(one.empty > 0 for one in report.series),
        "done_up_to": report.done_up_to,
        "missing": report.missing,
        "marked": sum(one.requested for one in report.series),
        "next_due": _stamp(report.next_due),
        "last_run": record.last_run if record else None,
        "invalid": report.invalid,
        "last_error": record.error if record else None,
        "last_error_at": record.error_at if record else None,
        "failed_runs": record.failures if record else 0,
        "owner": report.owner,
        "ticket": report.ticket,
        "description": report.description,
        "notices": list(report.notices),
        "unsent": [one._asdict() for one in report.unsent],
        "held": [one._asdict() for one in report.held],
        "emptied": [
            {
                "tsv": one.tsv,
                "start": one.start,
                "sink": one.sink,
                "points": len(one.points) or None,
            }
            for one in report.emptied
        ],
        "renamed": [{"tsv": one.tsv, "columns": list(one.columns)} for one in report.renamed],
        "older_query": report.older._asdict() if report.older else None,
        "orphaned": list(report.orphaned),
    } | ({"each_series": [_series(one) for one in report.series]} if by_series else {})


def _series(one: SeriesStatus) -> dict[str, Any]:
    return {
        "tsv": one.tsv,
        "dimensions": one.dimensions,
        "in_trouble": one.in_trouble,
        "done_up_to": one.done_up_to,
        "missing": one.missing,
        "empty": one.empty,
        "marked": one.requested,
        "waits": [{"start": w.start, "since": w.since, "why": w.why} for w in one.waits],
        "late": one.late,
        "new": one.new,
        "damaged": one.damaged,
        "ahead": one.ahead,
    } | last_error(one.failing)


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
