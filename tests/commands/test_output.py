"""What all commands have in common: whoever reads what they print may stop, or take few letters."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands.calling import COMMAND
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project


def project(parent: Path) -> Project:
    reports = "".join(f"  r{number}: {{execute: q}}\n" for number in range(200))
    return Project(parent, f"{SQLITE}reports:\n{reports}  größe: {{execute: q}}\n", {"q.sql": ONE})


def called(
    *arguments: object, stdout: Any, stderr: Any = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        timeout=60,
        check=False,
    )


def into_broken_pipe(*arguments: object, of: str = "stdout") -> subprocess.CompletedProcess[str]:
    outer, inner = os.pipe()
    os.close(outer)
    ends: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {of: inner}
    try:
        return called(*arguments, **ends)
    finally:
        os.close(inner)


@pytest.mark.parametrize(
    "line",
    [
        ["--help"],
        ["status", "--help"],
        ["status", "OUTPUT"],
        ["status", "OUTPUT", "--json"],
        ["check", "PROJECT"],
        ["check", "PROJECT", "--json"],
        ["config", "PROJECT"],
        ["plan", "PROJECT", "OUTPUT"],
        ["run", "PROJECT", "OUTPUT", "--dry-run"],
        ["try", "PROJECT", "r1"],
        ["rerun", "PROJECT", "OUTPUT", "--list"],
    ],
    ids=" ".join,
)
def test_a_broken_pipe_ends_every_command_with_exit_code_141_and_no_word(
    tmp_path: Path, line: list[str]
) -> None:
    one = Project(tmp_path, f"{SQLITE}reports: {{r1: {{}}}}\n", {"r1.sql": ONE})
    one.output.mkdir()
    paths = {"PROJECT": one.folder, "OUTPUT": one.output}
    done = into_broken_pipe(*(paths.get(word, word) for word in line))
    assert (done.returncode, done.stderr) == (141, "")


def test_a_run_whose_log_nobody_reads_does_all_the_same(tmp_path: Path) -> None:
    some = Project(
        tmp_path, f"{SQLITE}reports: {{good: {{}}, bad: {{}}}}\n", {"good.sql": ONE, "bad.sql": "x"}
    )
    line = ["run", "--now", "2025-01-04", "-l", "debug", some.folder, some.output]
    done = into_broken_pipe(*line, of="stderr")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(some.dates("good")) == 3
    assert some.state("SELECT exit_code FROM runs") == [(1,)]


def test_a_full_disk_behind_the_output_is_told_without_a_traceback(tmp_path: Path) -> None:
    folder = project(tmp_path).folder
    output = tmp_path / "output"
    output.mkdir()
    given: dict[str, list[object]] = {
        "plan": [folder, output],
        "status": [output],
        "--version": [],
        "--help": [],
    }
    for command in ("check", "config", *given):
        arguments = given.get(command, [folder])
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
