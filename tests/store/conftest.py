"""What tests of the store share: an open state, and processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from reportupdater.store.state import State
from tests.helpers import ENVIRONMENT
from tests.store.machine import Child


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An empty output folder."""
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def state(output: Path) -> Iterator[State]:
    """The open state of an empty output folder."""
    with State(output) as opened:
        yield opened


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts Python code in a process, which is killed in the end; it says what it prints."""
    with ExitStack() as stack:

        def start(code: str, *arguments: object) -> Child:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
