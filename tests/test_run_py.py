"""run.py by itself: which package it runs, and with what. A stand-in takes the place of the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN_PY = Path(__file__).parents[1] / "run.py"
STAND_IN = """
import sys

def program(argv):
    print(*argv, sep="|")
    print(__file__)
    return 7
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    package = folder / "reportupdater"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").touch()
    package.joinpath("cli.py").write_text(STAND_IN)
    shutil.copy(RUN_PY, folder)
    return folder


def call(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_run_py_is_the_run_command_of_the_package_beside_it(tree: Path) -> None:
    result = call(sys.executable, "run.py", "-l", "info", "queries", "output/", cwd=tree)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "run|-l|info|queries|output/",
        str(tree / "reportupdater" / "cli.py"),
    ]
    assert result.returncode == 7


def test_run_py_finds_its_package_from_elsewhere(tree: Path, tmp_path: Path) -> None:
    result = call(sys.executable, os.path.relpath(tree / "run.py", tmp_path), cwd=tmp_path)
    assert result.stdout.splitlines()[1:] == [str(tree / "reportupdater" / "cli.py")]


def test_run_py_finds_its_package_through_a_symlink(tree: Path, tmp_path: Path) -> None:
    link = tmp_path / "bin" / "run-reports"
    link.parent.mkdir()
    link.symlink_to("../tree/run.py")
    result = call(sys.executable, link, cwd=tmp_path)
    assert result.stdout.splitlines()[1:] == [str(tree / "reportupdater" / "cli.py")]


def test_run_py_can_be_executed(tree: Path, tmp_path: Path) -> None:
    result = call(tree / "run.py", "a", cwd=tmp_path)
    assert result.stdout.splitlines()[0] == "run|a"
