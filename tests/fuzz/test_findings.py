"""The fuzzer's targets take what it begins with, and all that has ever gone wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import FINDINGS, TARGETS, project_folder


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds(name: str) -> None:
    with project_folder() as folder:
        for seed in TARGETS[name].seeds:
            TARGETS[name].run(Path(folder), seed)


@pytest.mark.parametrize("path", sorted(FINDINGS.iterdir()), ids=lambda path: path.name)
def test_what_once_went_wrong_goes_right(path: Path) -> None:
    target = TARGETS[path.name.partition("-")[0]]
    with project_folder() as folder:
        target.run(Path(folder), path.read_bytes())
