"""The section `reports`: each entry becomes a `Report`, or problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import TypedDict

from reportupdater.config.dimensions import NAME_HINT, read_dimensions, wrong_name
from reportupdater.config.runs_on import Surroundings, database_of, engine_of, folder_of, query_of
from reportupdater.config.schema import BACKFILL_KEYS, REPORT_KEYS
from reportupdater.configfile.document import Entry, Section
from reportupdater.configfile.files import absolute
from reportupdater.configfile.sections import Reading, as_section, entries, read_keys
from reportupdater.engines import registry
from reportupdater.errors import Problem, Severity, shown
from reportupdater.intervals import Granularity
from reportupdater.model import Action, Database, Dimension, Report
from reportupdater.sinks.registry import SINKS
from reportupdater.sinks.registry import definition as sink


def read_reports(
    section: Section, around: Surroundings
) -> tuple[list[Report], list[str], list[Problem]]:
    """Return the valid reports, the names of all, and what is wrong."""
    reports: list[Report] = []
    problems = list(section.problems)
    for name, entry, found in entries(section):
        report, wrong = _read_report(name, entry, around)
        problems += [replace(problem, report=name) for problem in (*found, *wrong)]
        if report is not None and not found:
            reports.append(report)
    clashes = _clashes(section, reports)
    if any(report.ready for report in reports):
        from reportupdater.config.ready import unknown_reports

        clashes += unknown_reports(reports, section.entries)
    problems += clashes
    clashing = {problem.report for problem in clashes}
    valid = [report for report in reports if report.name not in clashing]
    return valid, list(section.entries), problems


def _errors(problems: list[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _clashes(section: Section, reports: list[Report]) -> list[Problem]:
    """Return names of which two would be the same file or folder, at least where case does not count."""
    problems: list[Problem] = []
    seen: dict[str, Entry] = {}
    for name, entry in section.entries.items():
        first = seen.setdefault(name.casefold(), entry)
        if first is not entry:
            what = (
                f"the report name {shown(name)} differs from {shown(first.key.text)} in case alone"
            )
            hint = f"that one is on line {first.key.where.line}; rename one of them"
            problems.append(Problem(what, entry.key.where, hint, report=name))
    files = {f"{report.name}.tsv".casefold(): report for report in reports if not report.dimensions}
    for report in reports:
        other = files.get(report.name.casefold()) if report.dimensions else None
        if other is not None:
            what = (
                f"the folder of report {report.name!r} would be the file of report {other.name!r}"
            )
            hint = f"that one is on line {other.where.line}; rename one of them"
            problems.append(Problem(what, report.where, hint, report=report.name))
    return problems


def _read_report(
    name: str, entry: Entry, around: Surroundings
) -> tuple[Report | None, list[Problem]]:
    owner, where = f"report {shown(name)}", entry.key.where
    problems: list[Problem] = []
    wrong = wrong_name(name)
    if wrong:
        problems.append(Problem(f"the report name {shown(name)} {wrong}", where, NAME_HINT))
    section, found = as_section(entry.value, owner)
    problems += found
    if section is None:
        return None, problems
    own, of_keys = read_keys(section, REPORT_KEYS, owner)
    keys = own.over(around.defaults)
    problems += [*keys.missing(owner, where), *_wrong_times(keys), *_no_weeks(own, keys)]
    explode_by = keys["explode_by"]
    dimensions: tuple[Dimension, ...] = ()
    if explode_by is not None:
        given = keys.given["explode_by"]
        dimensions, found = read_dimensions(explode_by, given.owner, around.folders.of(given.where))
        problems += found
    known = {dimension.name for dimension in dimensions}
    engine = engine_of(keys, around.databases or {})
    query, found = query_of(
        keys, engine, None if "explode_by" in keys.bad else known, name, where, around
    )
    problems += found
    database, found = database_of(keys, engine, known, owner, where, around)
    problems += found
    unusable = keys.bad - SINKS.keys() or _errors(problems)
    outputs, found = _outputs(keys, dimensions, around)
    problems += [*of_keys, *found]
    max_intervals, found = _backfill(keys)
    problems += found
    further, wrong_further = _further(keys, database, known, around)
    problems += wrong_further
    unusable = unusable or _errors([*found, *wrong_further])
    if unusable or database is None:
        return None, problems
    execute = (keys["execute"] or name) + registry.definition(database.engine).QUERY_SUFFIX
    return Report(
        name=name,
        where=where,
        granularity=_granularity(keys),
        starts=keys["starts"],
        ends=keys["ends"],
        lag=keys["lag"],
        database=database,
        execute=absolute(folder_of(keys, around), execute),
        template=query,
        dimensions=dimensions,
        max_data_points=keys["max_data_points"],
        schedule=keys["schedule"],
        max_intervals=max_intervals,
        group=keys["group"],
        timeout=keys["timeout"],
        retries=keys["retries"],
        max_rows=keys["max_rows"],
        concurrency=keys["concurrency"],
        ordered=keys["ordered"],
        writes=keys["writes"],
        wait=keys["wait"],
        lookback=keys["lookback"],
        keep_revisions=keys["keep_revisions"],
        outputs=outputs,
        owner=keys["owner"],
        ticket=keys["ticket"],
        description=keys["description"],
        **further,
    ), problems


class _Further(TypedDict, total=False):
    """What most reports do not have."""

    ready: tuple[object, ...]
    checks: Mapping[str, Action]
    declared: tuple[object, ...]
    in_order: bool


def _further(
    keys: Reading, database: Database | None, dimensions: set[str], around: Surroundings
) -> tuple[_Further, list[Problem]]:
    """Return the conditions and checks of a report."""
    further: _Further = {}
    problems: list[Problem] = []
    if keys["ready"]:
        from reportupdater.config.ready import read_ready

        further["ready"], problems = read_ready(keys, database, dimensions, around)
    if "checks" in keys.given:
        from reportupdater.config.checks import read_checks

        checks, wrong = read_checks(keys, around.defaults)
        problems = [*problems, *wrong]
        further["checks"], further["declared"] = checks.actions, checks.declared
        further["in_order"] = checks.in_order
    return further, problems


def _outputs(
    keys: Reading, dimensions: tuple[Dimension, ...], around: Surroundings
) -> tuple[dict[str, object], list[Problem]]:
    """Return how rows become datapoints.

    What is wrong with that withholds them, and never the rows.
    """
    outputs: dict[str, object] = {}
    problems: list[Problem] = []
    for name in SINKS:
        if keys[name] is None:
            continue
        output, found = sink(name).read_report(
            keys[name], keys.given[name].owner, dimensions, around.sinks.get(name)
        )
        problems += found
        if output is not None:
            outputs[name] = output
    return outputs, problems


def _backfill(keys: Reading) -> tuple[int | None, list[Problem]]:
    """Return how many missing intervals of a series one run takes."""
    if keys["backfill"] is None:
        return None, []
    owner = f"backfill of {keys.given['backfill'].owner}"
    own, problems = read_keys(keys["backfill"], BACKFILL_KEYS, owner)
    return own["max_intervals"], problems


def _granularity(keys: Reading) -> Granularity:
    """Return the granularity; weeks as `week_starts` says."""
    granularity: Granularity = keys["granularity"]
    if granularity is Granularity.WEEKS and keys["week_starts"] == "monday":
        return Granularity.WEEKS_FROM_MONDAY
    return granularity


def _no_weeks(own: Reading, keys: Reading) -> list[Problem]:
    """Return what a report says of its weeks that has none.

    Defaults may: they are for others too.
    """
    given, granularity = own.given.get("week_starts"), keys["granularity"]
    if given is None or given.value == "sunday" or granularity in (None, Granularity.WEEKS):
        return []
    hint = f"it is for granularity: weeks, and this is granularity: {granularity.value}"
    return [Problem(f"{own.subject('week_starts')} makes no difference", given.where, hint)]


def _wrong_times(keys: Reading) -> list[Problem]:
    problems: list[Problem] = []
    granularity, starts, ends = keys["granularity"], keys["starts"], keys["ends"]
    for name in ("starts", "ends"):
        moment = keys[name]
        if moment is None or granularity in (None, Granularity.HOURS) or moment.time() == time():
            continue
        what = f"{keys.subject(name)} has an hour"
        hint = f"only granularity: hours takes one, and this is granularity: {granularity.value}"
        problems.append(Problem(what, keys.given[name].where, hint))
    if starts is not None and ends is not None and ends < starts:
        what = f"{keys.subject('ends')} lies before 'starts'"
        problems.append(
            Problem(
                what, keys.given["ends"].where, f"which is {str(starts).removesuffix(' 00:00:00')}"
            )
        )
    return problems
