"""All that the state knows of an output folder's reports, read without writing anything.

Where the state cannot be opened, `status.json` is used, or nothing: the TSVs are there in any case.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reportupdater.errors import StateError
from reportupdater.intervals import Granularity
from reportupdater.state import (
    coverage,
    emptied,
    findings,
    held,
    history,
    journal,
    outbox,
    owners,
    renamed,
    reruns,
    schema,
    starts,
    status,
    unsent,
    valid,
    waits,
)
from reportupdater.state.connection import look
from reportupdater.state.coverage import Memory
from reportupdater.state.emptied import Emptied
from reportupdater.state.findings import Record
from reportupdater.state.held import Held
from reportupdater.state.history import Failing, Running
from reportupdater.state.locks import folder_of
from reportupdater.state.owners import Shape
from reportupdater.state.reach import is_empty
from reportupdater.state.renamed import Renamed
from reportupdater.state.starts import FailedStart
from reportupdater.state.unsent import Unsent
from reportupdater.state.valid import Ignored
from reportupdater.state.waits import Wait
from reportupdater.tsv.dialect import parse


@dataclass(slots=True)
class Survey:
    """What is known beside the TSVs. Keys are names of reports, or paths of TSVs."""

    source: str = "tsv"
    """Where it comes from: `state`, `status.json`, or `tsv` where there is nothing beside them."""
    why: str = ""
    """Why it does not come from the state."""
    records: dict[str, Record] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Configuration → how its last run ended."""
    running: list[Running] = field(default_factory=list)
    undelivered: dict[str, int] = field(default_factory=dict)
    """Destination → datapoints that wait for it."""
    pending: dict[str, dict[str, bool]] = field(default_factory=dict)
    """TSV → the starts of intervals that are done and not in it yet, and whether they are empty."""
    requested: dict[str, set[str]] = field(default_factory=dict)
    unsent: dict[str, list[Unsent]] = field(default_factory=dict)
    """Report → what its sinks lack."""
    held: dict[str, list[Held]] = field(default_factory=dict)
    """Report → its results that failed a check, and are neither accepted nor rejected."""
    emptied: dict[str, list[Emptied]] = field(default_factory=dict)
    """Report → its intervals of which the sinks have datapoints that its rows give no more."""
    waits: dict[str, list[Wait]] = field(default_factory=dict)
    """TSV → its intervals that wait for their data."""
    renamed: dict[str, list[Renamed]] = field(default_factory=dict)
    """Report → its series with columns that only older results have."""
    held_counts: dict[str, int] = field(default_factory=dict)
    """Report → how many are held, where no more is known."""
    failing: dict[str, list[Failing]] = field(default_factory=dict)
    reports: dict[str, set[str]] = field(default_factory=dict)
    """Report → its TSVs that `pending` and `failing` speak of."""
    ignored: Ignored = field(default_factory=Ignored)
    """What this program cannot have written."""
    failed_starts: list[FailedStart] = field(default_factory=list)
    """Runs without a result, since which no other of their configuration has had one."""


def survey(output: Path) -> Survey:
    """Return what is known of an output folder. Raises nothing."""
    try:
        with look(output) as connection:
            found = _from_state(connection, output) if connection else _from_file(output, "")
    except StateError as error:
        found = _from_file(output, str(error))
    found.failed_starts = starts.read(output)
    return found


def _from_state(connection: sqlite3.Connection, output: Path) -> Survey:
    ignored = Ignored()
    found = Survey(
        "state",
        records={record.report: record for record in findings.records(connection, ignored)},
        shapes=owners.shapes(connection, ignored),
        runs=history.last_runs(connection, ignored),
        running=history.running(connection, folder_of(output), ignored),
        undelivered=outbox.pending(connection, ignored),
        ignored=ignored,
    )
    members: defaultdict[str, set[str]] = defaultdict(set)
    for result in journal.pending(connection, ignored):
        found.pending.setdefault(result.tsv, {})[result.start] = is_empty(parse(result.rows))
        members[result.report].add(result.tsv)
    for request in reruns.listed(connection, ignored):
        found.requested.setdefault(request.tsv, set()).add(request.start)
    for failing in history.failing(connection, ignored):
        found.failing.setdefault(failing.tsv, []).append(failing)
        members[failing.report].add(failing.tsv)
    for one in held.listed(connection, ignored):
        found.held.setdefault(one.report, []).append(one)
        found.pending.setdefault(one.tsv, {}).setdefault(one.start, False)
        members[one.report].add(one.tsv)
    found.reports = dict(members)
    for gone in emptied.listed(connection, ignored):
        found.emptied.setdefault(gone.report, []).append(gone)
    for wait in waits.listed(connection, ignored=ignored):
        found.waits.setdefault(wait.tsv, []).append(wait)
    for changed in renamed.listed(connection, ignored):
        found.renamed.setdefault(changed.report, []).append(changed)
    if schema.has_unsent(connection):
        for lacking in unsent.listed(connection, ignored):
            found.unsent.setdefault(lacking.report, []).append(lacking)
    return found


def _from_file(output: Path, why: str) -> Survey:
    content = status.read(output)
    if content is None:
        return Survey(why=why)
    found = Survey("status.json", why)
    parts = ("projects", "reports", "datapoints_waiting")
    if not all(isinstance(content.get(part), dict) for part in parts):  # another version's
        return Survey(why=f"{why}; status.json is not as this version writes it".removeprefix("; "))
    for config, run in content["projects"].items():
        if history.is_run(run):
            found.runs[config] = run
        else:
            found.ignored.add("status.json", {config: run})
    for destination, count in content["datapoints_waiting"].items():
        if valid.is_count(count):
            found.undelivered[destination] = count
        else:
            found.ignored.add("status.json", {destination: count})
    withheld = content.get("held")
    for name, count in withheld.items() if isinstance(withheld, dict) else ():
        if valid.is_count(count):
            found.held_counts[name] = count
        else:
            found.ignored.add("status.json", {name: count})
    for name, report in content["reports"].items():
        if not _take_report(found, name, report):
            found.ignored.add("status.json", {name: report})
    return found


def _take_report(found: Survey, name: str, report: object) -> bool:
    """Take in what `status.json` has of a report. Whether it can be so."""
    if not isinstance(report, dict):
        return False
    granularity, dimensions = report.pop("granularity", None), report.pop("dimensions", None)
    if report.keys() != {*Record._fields} - {"report"}:
        return False
    record = Record(name, **report)
    if not valid.passes(findings.RECORD, record):
        return False
    found.records[name] = record
    if owners.is_granularity(granularity) and valid.texts(dimensions):
        found.shapes[name] = Shape(granularity, tuple(dimensions))
    return granularity is None or name in found.shapes


def memory(output: Path, report: str, granularity: Granularity) -> Memory:
    """Return what is remembered of a report's TSVs; nothing where the state cannot be read."""
    try:
        with look(output) as connection:
            return coverage.recalled(connection, report, granularity) if connection else {}
    except StateError:
        return {}
