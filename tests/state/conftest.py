"""What tests of the state share: an open one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reportupdater.state.database import State


@pytest.fixture
def state(output: Path) -> Iterator[State]:
    """The open state of an empty output folder."""
    with State(output) as opened:
        yield opened
