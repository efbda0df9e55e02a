"""Under `make test` the tests are about the built wheel, not about the work tree."""

from __future__ import annotations

import os
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

import reportupdater

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

    assert files(installed) == files(tree)
