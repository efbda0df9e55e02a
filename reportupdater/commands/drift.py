"""`reportupdater drift`: how late the data of reports come."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from reportupdater.commands import arguments
from reportupdater.commands.printing import put, put_json
from reportupdater.errors import Result
from reportupdater.operations.drift import DriftRequest, ReportDrift, drift
from reportupdater.terminal.table import aligned, screen_width
from reportupdater.terminal.wording import count

EXAMPLES = """\
examples:
  reportupdater drift queries/edits output/
  reportupdater drift queries/edits output/ --report daily_edits --json

exit codes:
  0  it is shown
  2  called wrongly
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "drift",
        help="show how late data come, by what changed when it was computed again",
        description="Shows for each report and column by how much values changed at which age when they"
        " were\ncomputed again by the same query, the age after which nothing changed, and the `lag` or\n"
        "`lookback` that this suggests. Nothing is written, and no database is asked.",
        epilog=EXAMPLES,
        formatter_class=arguments.HelpFormatter,
    )
    arguments.add_project(parser, output_help="the folder of the TSVs")
    parser.add_argument("--json", action="store_true", help="as JSON, see docs/cli.md")
    parser.set_defaults(call=call)


def call(given: argparse.Namespace) -> Result:
    """Run the command, and return what it ended with."""
    arguments.check_order(given)
    found = drift(DriftRequest(**arguments.source(given), output=given.output))
    if given.json:
        put_json({"version": 1, "reports": [_json(one) for one in found.reports]})
        return found
    if not found.reports:
        put(
            "nothing was computed again in the last 90 days: `lookback` would show how late data come"
        )
    for at, one in enumerate(found.reports):
        if at:
            put("")
        put(*_lines(one))
    return found


def _lines(one: ReportDrift) -> Iterator[str]:
    changed = sum(age.changed for column in one.columns for age in column.ages)
    yield (
        f"{one.report.name}: {count(one.again, 'interval')} computed again,"
        f" {count(changed, 'value')} changed"
    )
    for column in one.columns:
        rows = [
            (
                *(
                    column.column,
                    f"{_age(one, age.age)} after",
                    f"{age.again:,}",
                    f"{age.changed:,}",
                ),
                *(f"{age.median_percent:.1f} %", f"{age.most_percent:.1f} %"),
            )
            for age in column.ages
        ]
        head = ("column", "age", "computed again", "values changed", "median", "most")
        yield from (f"  {line}" for line in aligned(head, rows, screen_width()))
    yield f"  {_advice(one)}"


def _advice(one: ReportDrift) -> str:
    if not one.columns:
        return "no value changed"
    if one.lag is None:
        return (
            "values still changed at the greatest age that was looked at: a larger `lookback` would show"
            " when they stop changing"
        )
    seconds = int(one.lag.total_seconds())
    return (
        f"nothing changed later: `lookback: {one.lookback}` finds it all, and so does `lag: {seconds}`,"
        " which waits for it"
    )


def _age(one: ReportDrift, age: int) -> str:
    return count(age, "hour" if one.unit.total_seconds() < 86400 else "day")


def _json(one: ReportDrift) -> dict[str, Any]:
    return {
        "report": one.report.name,
        "computed_again": one.again,
        "unit_seconds": int(one.unit.total_seconds()),
        "columns": [
            {
                "column": column.column,
                "last_change": column.last_change,
                "ages": [age._asdict() for age in column.ages],
            }
            for column in one.columns
        ],
        "last_change": one.last_change,
        "lookback": one.lookback,
        "lag": None if one.lag is None else int(one.lag.total_seconds()),
    }
