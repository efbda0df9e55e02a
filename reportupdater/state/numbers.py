"""The revisions of datapoints, for sinks that must never be given two values under one number.

Of each series key of a destination is kept from when on it is known what the destination has, and the
newest moment that has a value; of each moment up to that, its last revision, unless that is 0. So a
moment at or before the newest one has a value, as far as anyone knows, and a new value gets the next
number; a later one begins with 0. This is reserved in the transaction that stores the rows, before
anything is sent, and kept for ever.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from reportupdater.model import Datapoint

EVER = -(1 << 62)
"""Since when a destination is known to have nothing else of a series key that is new."""
_NEVER = EVER - 1
_SET = "INSERT OR REPLACE INTO last_revisions VALUES (?, ?, ?)"
_ASKED = "WHERE destination = ? AND key = ? AND timestamp >= ? AND revision IS NULL"


class Known(NamedTuple):
    """What is known of a series key at a destination."""

    id: int
    since: int
    newest: int


class There(NamedTuple):
    """What a destination has of a datapoint: its newest revision and value."""

    revision: int
    value: float


def number(
    connection: sqlite3.Connection,
    destination: str,
    points: Iterable[Datapoint],
    *,
    new_from: int | None,
) -> tuple[list[Datapoint], list[Datapoint]]:
    """Return datapoints with their revisions, and those of which it is not known what is there.

    What is not known to be there is taken for new from the moment `new_from` on, if that is one.
    Inside the transaction that enqueues them.
    """
    numbered: list[Datapoint] = []
    unknown: list[Datapoint] = []
    in_order = sorted(points, key=itemgetter(0, 2))
    known = _known(connection, destination, {point.key for point in in_order})
    for key, group in groupby(in_order, key=itemgetter(0)):
        some = list(group)
        one = known.get(key)
        new = [] if new_from is None else [p.timestamp for p in some if p.timestamp >= new_from]
        if new and (one is None or new[0] < one.since):
            one = _note(connection, destination, key, one, EVER if new_from == EVER else new[0])
        if one is None:
            unknown += some
            continue
        if some[0].timestamp < one.since:
            unknown += [point for point in some if point.timestamp < one.since]
            some = [point for point in some if point.timestamp >= one.since]
        numbered += _next(connection, one, some)
    return numbered, unknown


def resolve(
    connection: sqlite3.Connection,
    destination: str,
    asked: Mapping[str, int],
    there: Mapping[str, Mapping[int, tuple[int, float]]],
) -> tuple[list[Datapoint], int]:
    """Number pending datapoints, given what the destination has of their keys from a moment on.

    `asked` are keys and these moments. What the destination has already is removed from what is
    pending: returned are those that have another value than before, and how many were removed.
    """
    known = _known(connection, destination, asked)
    numbered: list[Datapoint] = []
    removed = 0
    for key, since in asked.items():
        present = {at: There(*one) for at, one in there.get(key, {}).items()}
        before = known.get(key)
        one = _learn(connection, destination, key, before, since, present)
        place = destination, key, since
        if not present and before is None:  # as of nearly all series that are new
            _all_new(connection, destination, one, place)
            continue
        pending = connection.execute(
            f"SELECT key, value, timestamp FROM outbox {_ASKED} ORDER BY timestamp", place
        )
        equal: list[Datapoint] = []
        changed: list[Datapoint] = []
        new: list[Datapoint] = []
        for point in [Datapoint(*row) for row in pending]:
            at = point.timestamp
            if _is_there(present.get(at), point.value):
                equal.append(point)
            elif at in present or (before is not None and before.since <= at <= before.newest):
                changed.append(point)
            else:
                new.append(point)
        changed = _next(connection, one, changed)
        if new:
            _note(connection, destination, key, one, since, new[-1].timestamp)
        connection.executemany(
            "DELETE FROM outbox WHERE destination = ? AND key = ? AND timestamp = ?",
            [(destination, key, point.timestamp) for point in equal],
        )
        connection.executemany(
            "UPDATE outbox SET revision = ? WHERE destination = ? AND key = ? AND timestamp = ?",
            [(point.revision, destination, key, point.timestamp) for point in changed],
        )
        connection.execute(f"UPDATE outbox SET revision = 0 {_ASKED}", place)
        numbered += changed
        removed += len(equal)
    return numbered, removed


def _all_new(
    connection: sqlite3.Connection, destination: str, known: Known, place: tuple[str, str, int]
) -> None:
    """Number what is pending of a key that its destination has nothing of; there is nothing to empty."""
    connection.execute(f"DELETE FROM outbox {_ASKED} AND value = 'NaN'", place)
    newest = connection.execute(f"SELECT max(timestamp) FROM outbox {_ASKED}", place).fetchone()[0]
    if newest is not None:
        _note(connection, destination, place[1], known, known.since, newest)
        connection.execute(f"UPDATE outbox SET revision = 0 {_ASKED}", place)


def current(
    connection: sqlite3.Connection, destination: str, points: Iterable[Datapoint]
) -> tuple[list[Datapoint], list[Datapoint]]:
    """Return datapoints with the last revisions of their moments, and those of which that is not known.

    For a copy of what the destination has, or should have. A moment without any is given 0, reserved.
    """
    found: list[Datapoint] = []
    unknown: list[Datapoint] = []
    in_order = sorted(points, key=itemgetter(0, 2))
    known = _known(connection, destination, {point.key for point in in_order})
    for key, group in groupby(in_order, key=itemgetter(0)):
        some = list(group)
        one = known.get(key)
        if one is None:
            unknown += some
            continue
        unknown += [point for point in some if point.timestamp < one.since]
        some = [point for point in some if point.timestamp >= one.since]
        if some:
            last = _last(connection, one.id, some[0].timestamp)
            found += [point._replace(revision=last.get(point.timestamp, 0)) for point in some]
            _note(connection, destination, key, one, one.since, some[-1].timestamp)
    return found, unknown


def learn(
    connection: sqlite3.Connection,
    destination: str,
    points: Sequence[Datapoint],
    there: Mapping[str, Mapping[int, tuple[int, float]]],
) -> list[Datapoint]:
    """Return datapoints that are not pending with their revisions, given what the destination has.

    Where it has another value, that is the next one.
    """
    known = _known(connection, destination, {point.key for point in points})
    found: list[Datapoint] = []
    in_order = sorted(points, key=itemgetter(0, 2))
    for key, group in groupby(in_order, key=itemgetter(0)):
        some = list(group)
        present = {at: There(*one) for at, one in there.get(key, {}).items()}
        since = some[0].timestamp
        one = _learn(connection, destination, key, known.get(key), since, present)
        other = [
            point
            for point in some
            if point.timestamp in present and not _is_there(present[point.timestamp], point.value)
        ]
        found += _next(connection, one, other)
        same, _ = current(connection, destination, [p for p in some if p not in other])
        found += same
    return found


def assume_new(connection: sqlite3.Connection, destination: str, keys: Iterable[str]) -> None:
    """Note that a destination has nothing of keys but what is known."""
    wanted = set(keys)
    known = _known(connection, destination, wanted)
    for key in wanted:
        _note(connection, destination, key, known.get(key), EVER)


def raised(
    connection: sqlite3.Connection, destination: str, points: Sequence[Datapoint]
) -> list[Datapoint]:
    """Return datapoints with the next revision, since theirs is another's."""
    numbered, _ = number(connection, destination, points, new_from=EVER)
    return numbered


def _known(
    connection: sqlite3.Connection, destination: str, keys: Iterable[str]
) -> dict[str, Known]:
    found = connection.execute(
        "SELECT asked.value, numbered.id, since, newest FROM json_each(?2) AS asked JOIN numbered"
        " ON numbered.destination = ?1 AND numbered.key = asked.value",
        (destination, json.dumps(sorted(keys))),
    )
    return {key: Known(*rest) for key, *rest in found}


def _learn(
    connection: sqlite3.Connection,
    destination: str,
    key: str,
    before: Known | None,
    since: int,
    present: Mapping[int, There],
) -> Known:
    """Note what a destination has of a key from a moment on."""
    one = _note(connection, destination, key, before, since, max(present, default=_NEVER))
    last = _last(connection, one.id, since)
    connection.executemany(
        _SET,
        [
            (one.id, at, found.revision)
            for at, found in present.items()
            if found.revision > last.get(at, 0)
        ],
    )
    return one


def _note(
    connection: sqlite3.Connection,
    destination: str,
    key: str,
    before: Known | None,
    since: int,
    newest: int = _NEVER,
) -> Known:
    """Note since when a key is known, and its newest moment."""
    if before is None:
        cursor = connection.execute(
            "INSERT INTO numbered (destination, key, since, newest) VALUES (?, ?, ?, ?)",
            (destination, key, since, newest),
        )
        assert cursor.lastrowid is not None
        return Known(cursor.lastrowid, since, newest)
    after = Known(before.id, min(since, before.since), max(newest, before.newest))
    if after != before:
        connection.execute(
            "UPDATE numbered SET since = ?, newest = ? WHERE id = ?",
            (after.since, after.newest, after.id),
        )
    return after


def _next(
    connection: sqlite3.Connection, known: Known, points: Sequence[Datapoint]
) -> list[Datapoint]:
    """Return the datapoints of a key, in their order, with the next revision of each, which is reserved."""
    if not points:
        return []
    newest = known.newest
    fresh = [p for p in points if p.timestamp > newest] if points[-1].timestamp > newest else []
    numbered = [Datapoint(key, value, at, 0) for key, value, at, _ in fresh]
    if len(fresh) < len(points):
        last = _last(connection, known.id, points[0].timestamp)
        again = [
            Datapoint(key, value, at, last.get(at, 0) + 1)
            for key, value, at, _ in points[: len(points) - len(fresh)]
        ]
        connection.executemany(_SET, [(known.id, p.timestamp, p.revision) for p in again])
        numbered = again + numbered
    if fresh:
        connection.execute(
            "UPDATE numbered SET newest = ? WHERE id = ?", (points[-1].timestamp, known.id)
        )
    return numbered


def _last(connection: sqlite3.Connection, key: int, since: int) -> dict[int, int]:
    found = connection.execute(
        "SELECT timestamp, revision FROM last_revisions WHERE key = ? AND timestamp >= ?",
        (key, since),
    )
    return dict(found.fetchall())


def _is_there(found: There | None, value: str) -> bool:
    """Return whether a destination has a value; NaN is that of one that was emptied."""
    wanted = float(value)
    if wanted != wanted:
        return found is None or found.value != found.value
    return found is not None and found.value == wanted
