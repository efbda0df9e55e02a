"""`reportupdater try`: one interval of one series, without a trace."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from reportupdater.checks.base import CheckResult
from reportupdater.commands import arguments
from reportupdater.commands.printing import Shown, put, put_text
from reportupdater.commands.progress import progress
from reportupdater.errors import Result
from reportupdater.execution.clock import utcnow
from reportupdater.execution.outcome import Answer, Failure
from reportupdater.model import Meaning, SinkSettings, Table
from reportupdater.operations.try_interval import Trial, Tried, TryRequest, prepare, try_interval
from reportupdater.sinks.base import Made
from reportupdater.terminal import wording
from reportupdater.terminal.table import aligned, screen_width

log = logging.getLogger(__name__)

EXAMPLES = """\
examples:
  reportupdater try queries/edits daily_edits
  reportupdater try queries/edits daily_edits --date 2025-03-01 --only wiki=enwiki --render-only

exit codes:
  0  a run would store the result, and send its datapoints; or the query is only shown
  1  the query failed, its result would not be stored, or its datapoints would not be sent
  2  called wrongly, or there is nothing that can be tried
  130, 143  interrupted; the query was stopped
"""

_WHOLE = 100_000


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "try",
        help="run the query of one interval, and show what a run would make of it",
        description="Runs the query of one interval of a report, and shows it, its result, and the"
        " datapoints\nthat a run would send. Nothing is stored, and nothing is sent. What may write"
        " is run only\nwith --execute: a script, a report with `writes: true`, a hive file that does more"
        " than read.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    parser.add_argument(
        "project", type=arguments.path, help="the folder with config.yaml and query files"
    )
    parser.add_argument("report", help="the report to try")
    arguments.add_files(parser)
    parser.add_argument(
        "--date",
        type=arguments.moment,
        metavar="DATE",
        help="the interval around this date (default: the latest that is due)",
    )
    arguments.add_only(parser)
    parser.add_argument(
        "--limit",
        type=arguments.positive,
        default=20,
        metavar="N",
        help="rows and datapoints that are shown (default: 20)",
    )
    parser.add_argument(
        "--output",
        type=arguments.path,
        metavar="FOLDER",
        help="the folder of the TSVs: what checks compare the result with",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--render-only", action="store_true", help="print the query, nothing else, and run nothing"
    )
    how.add_argument("--execute", action="store_true", help="run it even if it may write")
    arguments.add_now(parser)
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    trial = prepare(
        TryRequest(
            **arguments.source(given),
            reports=(given.report,),
            report=given.report,
            now=given.now or utcnow(),
            date=given.date,
            output=given.output,
        )
    )
    if trial.others:
        others = wording.count(trial.others, "problem")
        log.info("%s elsewhere in the configuration; `check` lists all", others)
    for doubt in trial.doubts:
        log.warning("%s would not be computed by a run: %s", trial.task, doubt)
    if given.render_only:
        put_text(trial.query.text)
        return Shown()
    _show_query(trial)
    if trial.has_side_effects and not given.execute:
        _title("not run")
        put("It may write, or have other side effects; --execute runs it.")
        return Shown()
    return _show(trial, try_interval(trial, progress), given.limit)


def _title(text: str) -> None:
    put("", f"== {text}")


def _show_query(trial: Trial) -> None:
    """Show the query, before it is run: it may take hours."""
    report = trial.task.series.report
    put(str(trial.task))
    _title(f"query: {report.execute}")
    if trial.query.database:
        put(f"-- in {trial.query.database}")
    put_text(trial.query.text)


def _show(trial: Trial, found: Tried, limit: int) -> Shown:
    """Show what came of it."""
    on = f" on {found.server}" if found.server else ""
    took = f"{found.seconds:.2f} s{on}"
    if found.stopped is not None:
        log.error("interrupted after %s: the query was stopped", took)
        return Shown(is_good=False, stopped=found.stopped)
    if found.table is not None:
        count = wording.count(len(found.table.rows), "row")
        _title(f"result: {count}, {took}")
        _show_table(found.table, limit)
        _show_warnings(found.table)
    outcome = found.outcome
    if not isinstance(outcome, Answer):
        error = outcome.error if isinstance(outcome, Failure) else "there was no answer"
        if found.table is None:
            log.error("%s failed after %s: %s", trial.task, took, error)
        else:
            _title("checks: failed")
            log.error("%s would not be stored: %s", trial.task, error)
        return Shown(is_good=False)
    failed = [one for one in found.checks if one.verdict == "failed"]
    held = any(one.severity == "hold" for one in failed)
    _title(f"checks: {'failed' if failed else 'passed'}")
    if held:
        put("A run would hold the result: it would be neither stored nor sent.")
    elif found.table is not None and not found.table.rows:
        put(f"There are no rows: one of empty values would be stored, dated {trial.task.start}.")
    else:
        put("Names of columns, width and date of each row: a run would store them.")
    _show_checks(found.checks, trial.output is not None)
    for one in failed:
        level = logging.ERROR if one.severity == "hold" else logging.WARNING
        log.log(level, "the check %s fails: %s", one.check, one.why)
    if trial.withheld:
        log.error("no datapoints would be sent before the configuration is fixed")
        return Shown(is_good=False)
    for name, made in found.made.items():
        _show_datapoints(trial.sinks[name], made, limit)
    return Shown(is_good=not (held or any(made.problems for made in found.made.values())))


def _show_checks(checks: Sequence[CheckResult], is_compared: bool) -> None:
    """Show what the checks that the report declares say of the result."""
    if checks:
        rows = [
            (one.check, one.subject, one.verdict, one.value, one.limit, one.baseline)
            for one in checks
        ]
        head = ("check", "of", "verdict", "value", "limit", "median before")
        put("", *aligned(head, rows, _WHOLE))
        for one in checks:
            if one.verdict == "not evaluated":
                why = (
                    one.why if is_compared else "--output FOLDER compares with what is stored there"
                )
                put(f"{one.check} of {one.subject} is not evaluated: {why}")


def _show_table(result: Table, limit: int) -> None:
    put(*aligned(result.header, result.rows[:limit], screen_width()))
    _put_more(len(result.rows) - limit, "row")


def _show_warnings(result: Table) -> None:
    """Show what the server warned of; what a run would warn of too, as a warning."""
    if result.warnings:
        _title(f"warnings of the server: {len(result.warnings)}")
    for warning in result.warnings:
        if warning.meaning is Meaning.CUT:
            log.warning("the server cut the result: %s", warning)
        elif warning.meaning is Meaning.ZONE:
            put(f"Its time zone is {warning.text}; this session is in UTC, as no `time_zone` says.")
        else:
            put(str(warning))


def _put_more(more: int, of: str) -> None:
    if more > 0:
        put(f"… and {wording.count(more, f'more {of}')}; --limit shows more")


def _show_datapoints(settings: SinkSettings, made: Made, limit: int) -> None:
    """Show the datapoints that a run would send."""
    _title(f"datapoints: {len(made.points):,}, {_receiver(settings)}")
    if made.points:
        rows = [(point.key, point.value, _moment(point.timestamp)) for point in made.points[:limit]]
        put(*aligned(("path", "value", "date"), rows, _WHOLE))  # half a path is no use
        _put_more(len(made.points) - limit, "datapoint")
    _put_left_out(made.nameless, "row lacks", "rows lack", "a value that their series key needs")
    _put_left_out(made.no_numbers, "value is", "values are", "no finite number")
    for warning in made.warnings.values():
        log.warning("%s", warning)
    for problem in made.problems:
        log.error("datapoints would not be sent: %s", problem)


def _receiver(settings: SinkSettings) -> str:
    if settings.destination is None:
        return "which a run would not send: the project's section for it names no receiver"
    receiver = f"for {settings.destination}"
    if settings.enabled is False:
        return f"{receiver}, which a run on this host would not send: `enabled: false`"
    return receiver


def _put_left_out(count: int, one: str, many: str, why: str) -> None:
    if count:
        put(f"Not sent: {count:,} {one if count == 1 else many} {why}.")


def _moment(timestamp: int) -> str:
    text = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M")
    return text.removesuffix("T00:00")
