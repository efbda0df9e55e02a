"""Forgetting a report, some of its series, or a destination."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reportupdater.config.load import load_project
from reportupdater.errors import TsvError, UsageError, nearest
from reportupdater.execution.checkpoint import merge
from reportupdater.execution.clock import utcnow
from reportupdater.execution.summary import Summary
from reportupdater.planning.explode import Only, explode
from reportupdater.sinks.registry import SINKS, definition
from reportupdater.state import emptied, forgetting, journal, outbox, owners, status
from reportupdater.state.database import State
from reportupdater.state.forgetting import Sent
from reportupdater.state.locks import Locks
from reportupdater.state.owners import Shape
from reportupdater.state.storable import on_disk
from reportupdater.tsv import files, listing, names
from reportupdater.tsv.files import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequest:
    """What shall be forgotten of an output folder: a report or a destination."""

    output: Path
    report: str = ""
    only: Only | None = None
    """Only series of the report with these values of dimensions."""
    emptied: bool = False
    """Only that sinks had values of the report which a rerun has emptied."""
    destination: str = ""
    to: Path | None = None
    """The folder to which TSVs are moved; None deletes them."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What has been forgotten."""

    tsvs: tuple[str, ...] = ()
    keys: tuple[Sent, ...] = ()
    """Under which the sinks may still have datapoints: nothing is deleted there. With the moment of
    a single one, where that is known."""
    pending: int = 0
    """Datapoints that will not be sent."""
    commands: tuple[str, ...] = ()
    """Command lines that delete emptied datapoints where a sink has such."""
    is_good: bool = True
    stopped: None = None


def forget(request: ForgetRequest) -> Forgotten:
    """Forget a report, some of its series, or a destination.

    Raises UsageError for what is not there, or is still configured; StateError, TsvError.
    """
    listing.needed(request.output)
    with State(request.output) as state, Locks(state.locks) as locks:
        if request.destination:
            return _destination(state, request)
        return _report(state, locks, request)


def _destination(state: State, request: ForgetRequest) -> Forgotten:
    wanted = request.destination
    with state.reading() as connection:
        known = outbox.destinations(connection)
    if wanted not in known:
        what = f"{request.output} knows no destination {wanted!r}"
        raise UsageError(what, hint=nearest(wanted, known))
    if request.dry_run:
        return Forgotten(pending=outbox.waiting(state, wanted))
    pending = forgetting.forget_destination(state, wanted)
    status.write(state)
    return Forgotten(pending=pending)


def _report(state: State, locks: Locks, request: ForgetRequest) -> Forgotten:
    report = request.report
    if not names.is_report(report):
        raise UsageError(f"{report!r} is no name of a report")
    if not locks.take(report, utcnow()):
        raise UsageError(f"a run is at work on {report}", hint="when it has ended, try again")
    summary = Summary()
    merge(state, report, list(journal.waiting(state, report)), summary)
    if summary.troubles:
        raise TsvError("; ".join(summary.troubles))
    with state.reading() as connection:
        shape = owners.shapes(connection).get(report)
        config = owners.config_of_report(connection, report)
        known = forgetting.known_series(connection, report)
    if request.emptied:
        return _emptied(state, request)
    known = [tsv for tsv in known if names.belongs_to(tsv, report)]
    every = sorted({*known, *listing.series(request.output, report)})
    if not every and config is None:
        there = listing.reports(request.output)
        raise UsageError(f"{request.output} has no report {report!r}", hint=nearest(report, there))
    wanted = _wanted(every, shape, request)
    _check_not_configured(report, wanted, config, whole=wanted == every)
    with state.reading() as connection:
        keys = forgetting.keys_of(connection, wanted)
    if request.dry_run:
        return Forgotten(tuple(wanted), tuple(keys))
    _take_away(state, wanted, request.to)
    pending = forgetting.forget_series(state, wanted)
    if wanted == every:
        forgetting.forget_report(state, report)
    status.write(state)
    return Forgotten(tuple(wanted), tuple(keys), pending)


def _emptied(state: State, request: ForgetRequest) -> Forgotten:
    """Forget that sinks had values which a rerun has emptied."""
    with state.reading() as connection:
        found = [one for one in emptied.listed(connection) if one.report == request.report]
        unknown = list(dict.fromkeys(one.tsv for one in found if not one.points))
        keys = forgetting.keys_of(connection, unknown)
    points = [
        Sent(one.sink, f"{key} {datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M}Z")
        for one in found
        for key, moment in one.points
    ]
    if not request.dry_run:
        emptied.forget(state, request.report)
    intervals = dict.fromkeys(f"{one.tsv} {one.start}" for one in found)
    commands = [
        command
        for one in found
        if one.sink in SINKS
        for key, moment in one.points
        for command in definition(one.sink).deletion(key, moment)
    ]
    return Forgotten(
        tuple(intervals), (*points, *keys), commands=tuple(dict.fromkeys(sorted(commands)))
    )


def _wanted(every: Sequence[str], shape: Shape | None, request: ForgetRequest) -> list[str]:
    """Return the series that are meant. Raises UsageError where none is."""
    if not request.only:
        return list(every)
    if shape is None:
        what = f"the dimensions of {request.report} are not known"
        raise UsageError(what, hint="without --only all of it is forgotten")
    for name in request.only:
        if name not in shape.dimensions:
            what = f"{request.report} has no dimension {name!r}"
            raise UsageError(what, hint=nearest(name, shape.dimensions))
    found = []
    for tsv in every:
        values = dict(zip(shape.dimensions, listing.values(tsv), strict=False))
        if all(values.get(name) in wanted for name, wanted in request.only.items()):
            found.append(tsv)
    if not found:
        raise UsageError(f"no series of {request.report} has these values")
    return found


def _check_not_configured(
    report: str, tsvs: Sequence[str], config: str | None, *, whole: bool
) -> None:
    """Raise UsageError where the next run would compute it all again."""
    if config is None:
        return
    path = Path(on_disk(config))
    try:
        project = load_project(path.parent, path)
    except UsageError:
        return  # it has gone, or cannot be read
    if report not in project.names:
        return
    hint = "take it out of there first; to have it computed again, `rerun` or delete the TSV"
    here = {series.tsv for one in project.reports if one.name == report for series in explode(one)}
    if whole or not here:
        raise UsageError(f"{config} has the report {report}", hint=hint)
    for tsv in tsvs:
        if tsv in here:
            raise UsageError(f"{config} has the series {tsv}", hint=hint)


def _take_away(state: State, tsvs: Sequence[str], to: Path | None) -> None:
    """Move TSVs to another folder, or delete them; one that is gone already is no matter."""
    target = None
    if to is not None:
        if to.resolve().is_relative_to(state.output.resolve()):
            raise UsageError(f"{to} lies in the output folder", hint="choose another one for --to")
        to.mkdir(parents=True, exist_ok=True)
        target = files.opened(to)
    for tsv in tsvs:
        place = files.place(state.root, tsv)
        if place is None or place.found() is None:
            continue
        if target is None:
            place.folder.remove(place.name)
        else:
            there = files.place(target, tsv, make=True)
            assert there is not None
            _move(place, there)


def _move(place: Place, there: Place) -> None:
    if there.found() is not None:
        raise UsageError(f"{there} is there already", hint="choose another folder for --to")
    try:
        place.folder.move(place.name, there.folder, there.name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        what = f"{there} is on another file system than {place}"
        raise UsageError(what, hint="move it there yourself, and use --delete") from None
    there.folder.sync()
    place.folder.sync()
