"""Runs that are killed at random moments while they send: in the end nothing is missing."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.delivery.projects import arrive, owed, project, stored
from tests.servers.carbon import Carbon

NOW = "2025-02-20"


@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_is_killed_and_begun_again_leaves_no_datapoint_behind(
    carbon: Carbon, fresh_node: str, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    mine = project(tmp_path, carbon.port, fresh_node)
    for _ in range(rng.randint(1, 2)):
        with mine.started(now=NOW) as run:
            time.sleep(rng.uniform(0.1, 0.6))
            run.kill()
    mine.run(now=NOW)
    expected = stored(mine, fresh_node)
    assert len(expected) == 100
    assert owed(mine) == 0
    arrive(carbon, fresh_node, expected)
