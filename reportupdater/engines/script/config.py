"""The configuration of scripts: this host, which needs no entry, and what the engine can do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from reportupdater import executable
from reportupdater.configfile.files import missing_hint
from reportupdater.engines.base import Definition, Engine
from reportupdater.engines.script.first_line import check_first_line
from reportupdater.errors import Problem, Where
from reportupdater.model import Database
from reportupdater.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts(Database):
    """This host, on which `type: script` reports run. `concurrency` is the run's `--jobs`."""

    engine: ClassVar[str] = "script"
    name: str = "script"
    concurrency: int = 2


class Script(Definition):
    """Programs on this host."""

    QUERY_SUFFIX = ""

    def host(self, jobs: int) -> Database:
        """Return this host, on which so many scripts run at once."""
        return Scripts(concurrency=jobs)

    def find_query(
        self, folder: Path, execute: str, where: Where, owner: str
    ) -> tuple[Template | None, list[Problem]]:
        """Check that the script is there and may be executed; there is no template."""
        path = folder / execute
        if not os.path.isfile(path):
            return None, [Problem(f"{owner} has no script {path}", where, missing_hint(path))]
        if not os.access(path, os.X_OK):
            what = f"the script {path} of {owner} may not be executed"
            return None, [Problem(what, where, executable.hint(path))]
        return None, []

    def check_query(self, path: Path, where: Where, owner: str) -> list[Problem]:
        """Check the first line of the script."""
        return check_first_line(path, where, owner)

    def engine(self) -> Engine:
        """Return a new engine for one run."""
        from reportupdater.engines.script.engine import ScriptEngine

        return ScriptEngine()
