"""What the last run found out about each report: for `status`, and for status.json."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from reportupdater.state import valid
from reportupdater.state.storable import on_disk, storable
from reportupdater.state.valid import Ignored


class Finding(NamedTuple):
    """What a run found out about a report: how many series and results, and what was wrong."""

    report: str
    series: int = 0
    done: int = 0
    empty: int = 0
    failed: int = 0
    error: str | None = None
    owner: str | None = None
    ticket: str | None = None
    description: str | None = None
    is_ours: bool = True
    """Whether the run might work on it: not if it is invalid, or its TSVs are another project's."""


class Record(NamedTuple):
    """What is known of a report. Moments are as `history.stamp` spells them."""

    report: str
    config: str
    owner: str | None
    ticket: str | None
    description: str | None
    series: int
    last_run: str
    done: int
    empty: int
    failed: int
    error: str | None
    error_at: str | None
    failures: int
    """Runs in a row that had an error."""


class Findings(NamedTuple):
    """What a run found out about the reports that it looked at."""

    found: Sequence[Finding]
    names: Sequence[str]
    """All reports that its configuration has."""
    whole: bool
    """Whether it looked at all that is due, so that an error that it did not meet is over."""


def note_findings(connection: sqlite3.Connection, run: int, at: str, findings: Findings) -> None:
    """Note what a run found out, inside the transaction that ends it.

    What it could not work on does not replace what a run of another configuration has noted. Reports
    that its configuration has given up are forgotten, and those of configurations that are
    gone from this host.
    """
    found = connection.execute("SELECT project FROM runs WHERE id = ?", (run,)).fetchone()
    around = {"config": str(found[0]), "at": at, "whole": findings.whole}
    connection.executemany(
        "INSERT INTO reports VALUES (:report, :config, :owner, :ticket, :description, :series, :at,"
        " :done, :empty, :failed, :error, iif(:error IS NULL, NULL, :at), :error IS NOT NULL)"
        " ON CONFLICT DO UPDATE SET config = excluded.config, owner = excluded.owner,"
        " ticket = excluded.ticket, description = excluded.description, series = excluded.series,"
        " last_run = excluded.last_run, done = excluded.done, empty = excluded.empty,"
        " failed = excluded.failed,"
        " error = iif(excluded.error IS NULL AND NOT :whole, error, excluded.error),"
        " error_at = iif(excluded.error IS NULL AND NOT :whole, error_at, excluded.error_at),"
        " failures = CASE WHEN excluded.error IS NOT NULL THEN failures + 1"
        " WHEN :whole THEN 0 ELSE failures END"
        " WHERE :is_ours OR config = excluded.config",
        [one._asdict() | around | {"error": _error(one)} for one in findings.found],
    )
    checks = (valid.is_name, valid.is_name)
    known = valid.rows(connection, "reports", checks, "SELECT report, config FROM reports")
    gone = {config: is_gone(config) for config in {config for _, config in known}}
    forgotten = [
        (report,)
        for report, config in known
        if gone[config] or (config == around["config"] and report not in findings.names)
    ]
    if forgotten:
        connection.executemany("DELETE FROM reports WHERE report = ?", forgotten)


def _error(finding: Finding) -> str | None:
    return None if finding.error is None else storable(finding.error)


def is_gone(config: str) -> bool:
    """Return whether a configuration is not on this host any more."""
    try:
        os.stat(on_disk(config))
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # not known: other users may have written what is no path
        return False
    return False


RECORD = (
    *(valid.is_name, valid.is_name),
    *(valid.or_none(valid.is_text),) * 3,
    *(valid.is_count, valid.is_stamp),
    *(valid.is_count,) * 3,
    *(valid.or_none(valid.is_text), valid.or_none(valid.is_stamp), valid.is_count),
)
"""What the values of a `Record` must be."""


def records(connection: sqlite3.Connection, ignored: Ignored | None = None) -> list[Record]:
    """Return what is known of all reports."""
    query = "SELECT * FROM reports ORDER BY report"
    found = valid.rows(connection, "reports", RECORD, query, ignored=ignored)
    return [Record(*row) for row in found]
