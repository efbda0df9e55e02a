"""What all commands have in common: whoever reads what they print may stop, or take few letters."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.commands.calling import COMMAND
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project


def project(parent: Path) -> Project:
    reports = "".join(f"  r{number}: {{execute: q}}\n" for number in range(200))
    return Project(parent, f"{SQLITE}reports:\n{reports}  größe: {{execute: q}}\n", {"q.sql": ONE})


def called(*arguments: object, stdout: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    outer, inner = os.pipe()
    os.close(outer)
    done = called("config", project(tmp_path).folder, stdout=inner)
    os.close(inner)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "BrokenPipe" not in done.stderr


def test_a_full_disk_behind_the_output_is_told_without_a_traceback(tmp_path: Path) -> None:
    folder = project(tmp_path).folder
    for command in ("check", "config", "plan"):
        arguments = [folder, tmp_path / "output"] if command == "plan" else [folder]
        with open("/dev/full", "w") as full:
            done = called(command, *arguments, stdout=full)
        assert done.returncode == 1
        assert done.stderr.endswith("the output cannot be written: No space left on device\n")
        assert "Traceback" not in done.stderr


def test_letters_that_a_screen_does_not_have_are_written_another_way(tmp_path: Path) -> None:
    done = called(
        "config", project(tmp_path).folder, stdout=subprocess.PIPE, PYTHONIOENCODING="ascii"
    )
    assert "gr\\xf6\\xdfe" in done.stdout
    assert "Traceback" not in done.stderr
