"""The progress of a query's job, which a HiveServer2 on Tez reports with the query's state."""

from __future__ import annotations

from typing import Any


def words(status: Any) -> str:
    """Vertices that are done, and percent: `1 of 3 vertices, 33 %`; empty where no job is at work.

    `status` is the server's TGetOperationStatusResp. It holds the vertices where they are asked for.
    """
    if not is_on(status):
        return ""
    percent = f"{100 * status.progressUpdateResponse.progressedPercentage:.0f} %"
    states = _column(status, "STATUS")
    if not states:
        return percent
    done = sum(state == "SUCCEEDED" for state in states)
    return f"{done} of {len(states)} {'vertex' if len(states) == 1 else 'vertices'}, {percent}"


def vertices(status: Any) -> str:
    """Return each vertex with its tasks, as Hive logs them: `Map 1: 3/3, Reducer 2: 0/1`."""
    columns = (_column(status, name) for name in ("VERTICES", "COMPLETED", "TOTAL"))
    return ", ".join(
        f"{name.rstrip('. ')}: {completed}/{total}"
        for name, completed, total in zip(*columns, strict=True)
    )


def is_on(status: Any) -> bool:
    """Return whether a job is at work, and has done something. Only then may its vertices be asked for.

    Where a session has had no job yet, the server lets the caller wait for one, up to half a
    minute. What it says of percent may be that of the job before.
    """
    update = status.progressUpdateResponse
    return (
        update is not None
        and 0 < (update.progressedPercentage or 0) < 1
        and '"RUNNING"' in (status.taskStatus or "")
    )


def _column(status: Any, name: str) -> list[str]:
    update = status.progressUpdateResponse
    if not update.headerNames or name not in update.headerNames:
        return []
    at = update.headerNames.index(name)
    return [row[at] for row in update.rows]
