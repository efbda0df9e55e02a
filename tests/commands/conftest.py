"""Commands called within the process of the tests, where nothing but what they write matters."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reportupdater.cli import main
from tests.commands.calling import Said

Ask = Callable[..., Said]


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Calls a command, expects this exit code (None: any); what it wrote. It knows no settings of the host."""
    monkeypatch.setenv("HOME", "/nonexistent")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def ask(*arguments: str | Path, code: int | None = 0) -> Said:
        capfd.readouterr()
        try:
            ended = main([str(argument) for argument in arguments])
        except SystemExit as end:  # what argparse does when it is called wrongly
            ended = int(end.code or 0)
        said = Said(*capfd.readouterr())
        assert code is None or ended == code, said
        return said

    yield ask
    root.handlers[:] = handlers
    root.setLevel(level)
