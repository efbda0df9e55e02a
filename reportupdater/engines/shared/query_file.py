"""The query file of a report: found, read and parsed."""

from __future__ import annotations

import os
from pathlib import Path

from reportupdater import template
from reportupdater.configfile.files import missing_hint, read_text
from reportupdater.errors import Problem, Where
from reportupdater.template import Template


def find_query(
    folder: Path, execute: str, ending: str, where: Where, owner: str
) -> tuple[Template | None, list[Problem]]:
    """Parse the query file; return None where it cannot be used."""
    path = folder / (execute + ending)
    if not os.path.isfile(path):
        if execute.endswith(ending) and os.path.isfile(folder / execute):
            hint = f"execute names it without the ending {ending}"
        else:
            hint = missing_hint(path, ending=ending)
        return None, [Problem(f"{owner} has no query file {path}", where, hint)]
    text, problems = read_text(path)
    if text is None:
        return None, problems
    if not text.strip():
        return None, [Problem("the query file is empty", Where(str(path)))]
    return template.parse(text, str(path))
