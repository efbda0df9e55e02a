"""status.json: how the last runs went, for readers who cannot open the state."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from reportupdater.errors import StateError, TsvError, Where
from reportupdater.state import findings, history, outbox, owners, schema
from reportupdater.state.database import State
from reportupdater.state.place import FILE_MODE, FOLDER
from reportupdater.tsv import files, replacing
from reportupdater.tsv.files import Place
from reportupdater.tsv.folder import Folder


def write(state: State) -> None:
    """Write `status.json` beside the state, in one step. Raises StateError."""
    path = state.folder / "status.json"
    try:
        with state.alone():  # several projects may share an output folder
            with state.reading() as connection:
                content = {
                    "version": 1,
                    "projects": history.last_runs(connection),
                    "reports": _reports(connection),
                    "datapoints_waiting": outbox.pending(connection),
                    "held": _held(connection),
                }
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            # What no name in UTF-8 has, of a file that a message names, is an escape in JSON too.
            text = text.encode("utf-8", "backslashreplace").decode()
            above = state.home.own_stat()
            mode = above.st_mode & FILE_MODE
            place = Place(state.home, path.name)
            replacing.publish(place, [text], mode=mode, group=above.st_gid)
    except OSError as error:
        raise StateError(
            f"the status cannot be written: {error.strerror}",
            where=Where(str(path)),
            hint=files.remedy(error),
        ) from None


def _reports(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    shapes = owners.shapes(connection)
    reports = {}
    for record in findings.records(connection):
        content = record._asdict()
        shape = shapes.get(content.pop("report"))
        content["granularity"] = shape.granularity if shape else None
        content["dimensions"] = list(shape.dimensions) if shape else None
        reports[record.report] = content
    return reports


def _held(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many results of each report are held."""
    if schema.is_empty(connection, "held"):  # as nearly always
        return {}
    from reportupdater.state import held

    return dict(Counter(one.report for one in held.listed(connection)))


def read(output: Path) -> dict[str, Any] | None:
    """Return the contents of `status.json`; None where there is none, or it cannot be read."""
    try:
        place = Place(Folder.at(output).folder(FOLDER), "status.json")
        with open(place.open(), encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, TsvError, ValueError, RecursionError):
        return None
    is_ours = isinstance(content, dict) and content.get("version") == 1
    return content if is_ours and "reports" in content else None
