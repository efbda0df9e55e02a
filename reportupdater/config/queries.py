"""What a report executes: its query file, parsed and checked, or its script."""

from __future__ import annotations

import os
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from reportupdater import executable, template
from reportupdater.configfile.files import missing_hint, read_text
from reportupdater.errors import Problem, Where
from reportupdater.intervals import Granularity
from reportupdater.template import TIME_PLACEHOLDERS, Template

_MOST_TOLD = 5
_NOT_FOR_HOURS = {"from_date": "from_timestamp", "to_date": "to_timestamp"}


def find_query(
    folder: Path, execute: str, ending: str, where: Where, owner: str
) -> tuple[Template | None, list[Problem]]:
    """The query file, parsed; None where it cannot be used."""
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


def check_placeholders(
    query: Template, dimensions: Collection[str], granularity: Granularity | None
) -> list[Problem]:
    """What is wrong with the names in a query. A granularity of None is one that could not be read."""
    problems = query.unknown(TIME_PLACEHOLDERS.union(dimensions))
    if granularity is not Granularity.HOURS:
        return problems
    return problems + [
        Problem(
            f"{{{placeholder.name}}} cannot tell an hour",
            query.where(placeholder),
            f"with granularity: hours write {{{_NOT_FOR_HOURS[placeholder.name]}}}",
        )
        for placeholder in islice(
            (part for part in query.placeholders if part.name in _NOT_FOR_HOURS), _MOST_TOLD
        )
    ]


def check_script(folder: Path, execute: str, where: Where, owner: str) -> list[Problem]:
    """What is wrong with a script's file."""
    path = folder / execute
    if not os.path.isfile(path):
        return [Problem(f"{owner} has no script {path}", where, missing_hint(path))]
    if not os.access(path, os.X_OK):
        what = f"the script {path} of {owner} may not be executed"
        return [Problem(what, where, executable.hint(path))]
    return []
