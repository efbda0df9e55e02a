"""What the tests of `plan` share: calling it, and proof that it leaves everything as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.helpers import ENVIRONMENT, Project

PROGRAM = (sys.executable, "-m", "reportupdater")

Tree = dict[str, tuple[int, bytes]]


def tree(folder: Path) -> Tree:
    """Every file and folder below a folder, with when it was changed and what it holds."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


def plan(
    project: Project,
    *arguments: str | Path,
    now: str | None = "2025-01-04",
    code: int = 0,
    command: Sequence[str] = ("plan",),
) -> tuple[str, str]:
    """What `plan` prints, on standard output and on standard error; nothing else is changed."""
    before = tree(project.folder.parent)
    clock = ("--now", now) if now else ()
    ended = subprocess.run(
        [*PROGRAM, *command, *clock, *arguments, project.folder, project.output],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr
    assert tree(project.folder.parent) == before
    return ended.stdout, ended.stderr


def shown(project: Project, *arguments: str | Path, now: str = "2025-01-04", code: int = 0) -> str:
    """What `plan` prints below its first line, where nothing is told on standard error."""
    out, err = plan(project, *arguments, now=now, code=code)
    assert err == ""
    title, _, rest = out.partition("\n\n")
    minute = (now + "T00:00")[:16].replace("T", " ")
    assert title == f"{project.folder / 'config.yaml'} into {project.output}, {minute} UTC"
    for line in rest.splitlines():
        assert len(line) <= 80 or max(map(len, line.split())) > 60, (
            line
        )  # a long path is not broken
    return rest


def planned(
    project: Project, *arguments: str | Path, now: str = "2025-01-04", code: int = 0
) -> dict[str, Any]:
    """What `plan --json` prints."""
    found: dict[str, Any] = json.loads(plan(project, "--json", *arguments, now=now, code=code)[0])
    return found
