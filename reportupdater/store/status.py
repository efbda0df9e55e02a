"""status.json: how the last runs went, for readers who cannot open the state."""

from __future__ import annotations

import json

from reportupdater.store import files, ledger
from reportupdater.store.state import State


def write(state: State) -> None:
    """Write `status.json` beside the state, in one step. Raises StateError, OSError."""
    with state.alone():  # several projects may share an output folder
        content = {"version": 1, "projects": ledger.last_runs(state)}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        files.replace(state.folder / "status.json", [text])
