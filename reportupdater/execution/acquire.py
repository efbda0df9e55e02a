"""Check whose TSVs reports have, and acquire the locks of those that this process may work on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from reportupdater.config.load import load_project
from reportupdater.errors import TsvError, UsageError, Where
from reportupdater.execution.clock import utcnow
from reportupdater.execution.summary import Summary
from reportupdater.model import Project, Report
from reportupdater.planning.explode import explode
from reportupdater.state import coverage, owners
from reportupdater.state.locks import Acquires
from reportupdater.state.owners import Owner
from reportupdater.state.storable import on_disk
from reportupdater.state.tables import Tables
from reportupdater.terminal.wording import count
from reportupdater.tsv import files

log = logging.getLogger(__name__)

_MOST_READ = 20
"""Series of a report that are read to see of what granularity they are, where no run is known."""


def acquire(
    project: Project, reports: Sequence[Report], state: Tables, locks: Acquires, summary: Summary
) -> Mapping[Report, Owner]:
    """Acquire the locks of reports; return those that were free, each with the owner of its TSVs.

    The others are in the summary: another process holds them, or their TSVs are another project's.
    """
    mine = {}
    locks.make_room(len(reports))
    taken = locks.take_all([report.name for report in reports], utcnow())
    for report in reports:
        if report.name in locks.broken:
            summary.troubles.add(report.name, str(locks.broken[report.name]))
            continue
        if report.name not in taken:
            summary.skipped.add(report.name, locks.log_holder(report.name, utcnow()))
            continue
        owner = owned(project, report, state, summary)
        if owner:
            _drop_requests(state, owner)
            mine[report] = owner
    return mine


def _drop_requests(state: Tables, owner: Owner) -> None:
    requests = owners.begin_anew(state, owner)
    if requests:
        log.warning(
            "%s: dropped %s: they are of another `granularity` or `explode_by`, and what they ask for"
            " is computed anew",
            owner.report,
            count(requests, "open rerun request"),
        )


def owned(project: Project, report: Report, state: Tables, summary: Summary) -> Owner | None:
    """Return the owner of a report's TSVs; None, which is in the summary, if they are another's."""
    owner = Owner.of(
        report.name,
        project.folder,
        project.config_path,
        report.granularity.value,
        [dimension.name for dimension in report.dimensions],
    )
    try:
        if not owners.check(state, owner, _still_has):
            _check_rows(state, report)
    except TsvError as error:
        summary.troubles.add(report.name, str(error))
        return None
    return owner


def _check_rows(state: Tables, report: Report) -> None:
    """Raise TsvError where rows are of another granularity than a report of which no run is known."""
    from reportupdater.tsv import granularity

    memory = coverage.recall(state, report.name, report.granularity)
    walk = files.Walk(state.root)
    for series in explode(report)[:_MOST_READ]:
        path = state.output / series.tsv
        try:
            place = walk.place(series.tsv)
            known = memory.get(series.tsv)
            if known and known[0] == coverage.identity(place):
                continue  # an earlier run has looked at it
            other = granularity.granularity(place, report.granularity)
        except (OSError, TsvError):
            continue  # which is reported where it is read
        if other is not None:
            raise TsvError(
                f"its rows are of granularity {other.value}, the report is of"
                f" {report.granularity.value}",
                where=Where(str(path)),
                hint=f"move {path} away, set {other.setting} again, or, if this is what"
                " they are, put an empty row between them",
            )


def _still_has(config: str, report: str) -> bool:
    """Return whether a configuration has a report of that name, valid or not.

    One that is gone has given it up; of one that cannot be read, it is not known.
    """
    path = Path(on_disk(config))
    try:
        path.stat()
        names = load_project(path.parent, path).names
    except FileNotFoundError:
        return False
    except (OSError, UsageError):
        return True
    return report in names or not names
