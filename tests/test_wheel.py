"""Under `make test` the tests are about the built wheel, not about the work tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

import reportupdater
from tests.helpers import ENVIRONMENT

under_make_test = pytest.mark.skipif(
    "REPORTUPDATER_TEST_WHEEL" not in os.environ, reason="only make test installs the wheel"
)


@under_make_test
def test_the_package_that_is_tested_is_the_installed_one() -> None:
    site_packages = Path(sysconfig.get_path("purelib"))
    assert Path(reportupdater.__file__).parent == site_packages / "reportupdater"


@under_make_test
def test_the_wheel_says_what_it_is() -> None:
    wheel = metadata.metadata("reportupdater")
    assert wheel["Version"] == reportupdater.__version__
    assert wheel["License-Expression"] == "MIT"
    assert wheel["Requires-Python"] == ">=3.11"


@under_make_test
def test_the_wheel_brings_every_module_of_the_work_tree() -> None:
    tree = Path(__file__).parents[1] / "reportupdater"
    installed = Path(reportupdater.__file__).parent

    def files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

    assert files(installed) - {"commit.txt"} == files(tree)


def test_the_version_is_shown_with_its_commit() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "reportupdater", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
    ).stdout
    found = re.fullmatch(r"reportupdater (\S+) \(([0-9a-f]{12})(-dirty)?\)\n", shown)
    assert found, shown
    assert found[1] == reportupdater.__version__
    # The installed wheel may be of an earlier commit, where nothing of the package has changed since.
    known = ["git", "cat-file", "-e", f"{found[2]}^{{commit}}"]
    subprocess.run(known, cwd=Path(__file__).parents[1], check=True)


def test_a_package_without_a_checkout_shows_its_version_alone(tmp_path: Path) -> None:
    shutil.copytree(Path(reportupdater.__file__).parent, tmp_path / "reportupdater")
    (tmp_path / "reportupdater" / "commit.txt").unlink(missing_ok=True)
    shown = subprocess.run(
        [sys.executable, "-m", "reportupdater", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=ENVIRONMENT | {"PYTHONPATH": str(tmp_path)},
    ).stdout
    assert shown == f"reportupdater {reportupdater.__version__}\n"
