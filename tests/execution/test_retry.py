"""The pauses after which what has failed is tried again."""

from __future__ import annotations

import pytest

from reportupdater.execution.retry import RETRY, Policy
from tests.making import report

MINUTE = 60.0


def test_pauses_grow_to_thirty_seconds_and_never_beyond() -> None:
    for failures, longest in ((1, 1), (2, 4), (3, 16), (4, 30), (9, 30), (100, 30), (10**6, 30)):
        pauses = [RETRY.pause(failures) for _ in range(50)]
        assert 0.8 * longest <= min(pauses) <= max(pauses) <= longest


def test_pauses_differ_by_chance_so_that_clients_spread_out() -> None:
    assert len({RETRY.pause(4) for _ in range(20)}) > 1


def test_the_default_retries_bridge_a_restart_of_a_minute() -> None:
    retries = report().retries
    assert sum(RETRY.pause(failures) for failures in range(1, retries + 1)) > MINUTE


@pytest.mark.parametrize("failures", [1, 2, 3, 50])
def test_a_policy_says_its_own_pauses(failures: int) -> None:
    policy = Policy(first=0.1, factor=2, longest=0.3)
    assert policy.pause(failures) <= min(0.1 * 2 ** (failures - 1), 0.3)
