"""Runs in which one system call on the output folder fails, or is the last thing they do.

A library of C is preloaded into the run, below Python and SQLite: nothing in the program knows of it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

__all__ = ["NEEDING_SPACE", "Call", "Failing", "Fault", "failing"]

MISSING = "gcc is missing; install it with: apt-get install --no-install-recommends gcc libc6-dev"

NEEDING_SPACE = "@(write|create|mkdir)"
"""The calls that fail on a full disk."""


class Fault(NamedTuple):
    """What happens at the `nth` call of those that match.

    `what`: `hang` (for ever), `kill` (before it), `kill after`, `tear` (half of it, then kill), `half` (a
    short write or read), `stop` (before it, until SIGCONT), `stop after`, or the name of an error. `call`,
    `file`: patterns, as a shell has them; a connection to
    `port` is a file called `port`. With `on`, it happens to all that follow too.
    """

    what: str = ""
    call: str = "*"
    file: str = "*"
    nth: int = 1
    on: bool = False
    port: int = 0


class Call(NamedTuple):
    """A call that a run has made. A path is relative to the output folder, "" for itself."""

    name: str
    path: str
    hit: bool


class Failing:
    """The library."""

    def __init__(self, library: Path) -> None:
        self._library = library

    def through(self, output: Path, fault: Fault, *, log: Path | None = None) -> list[str]:
        """What a run goes through to meet a fault; a line for each call that matches goes to `log`."""
        return [
            "env",
            f"LD_PRELOAD={self._library}",
            f"FAULT_UNDER={output}",
            f"FAULT_WHAT={fault.what}",
            f"FAULT_CALL={fault.call}",
            f"FAULT_FILE={fault.file}",
            f"FAULT_NTH={fault.nth}",
            f"FAULT_ON={int(fault.on)}",
            f"FAULT_PORT={fault.port}",
            f"FAULT_LOG={log or ''}",
        ]


def calls(log: Path, output: Path) -> list[Call]:
    """What a run has left in `log`."""
    if not log.exists():
        return []
    made = []
    for line in log.read_text().splitlines():
        name, path, hit = line.split("\t")
        made.append(Call(name, path.removeprefix(str(output)).lstrip("/"), hit == "1"))
    return made


@pytest.fixture(scope="session")
def failing() -> Iterator[Failing]:
    """The library, compiled, where runs of any user find it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.fail(MISSING)
    source = Path(__file__).with_name("failing.c")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        library = Path(folder, "failing.so")
        options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library)]
        command = [compiler, *options, str(source), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"{MISSING}\n{done.stderr}")
        yield Failing(library)
