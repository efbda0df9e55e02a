"""status.json: how the last runs went, for readers who cannot open the state."""

from __future__ import annotations

import json

from reportupdater.errors import StateError, Where
from reportupdater.store import files, ledger
from reportupdater.store.state import FILE_MODE, State


def write(state: State) -> None:
    """Write `status.json` beside the state, in one step. Raises StateError."""
    path = state.folder / "status.json"
    try:
        with state.alone():  # several projects may share an output folder
            content = {"version": 1, "projects": ledger.last_runs(state)}
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            files.replace(path, [text], mode=state.folder.stat().st_mode & FILE_MODE)
    except OSError as error:
        raise StateError(
            f"the status cannot be written: {error.strerror}",
            where=Where(str(path)),
            hint=files.remedy(error),
        ) from None
