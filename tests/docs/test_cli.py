"""docs/cli.md shows what `--help` prints. UPDATE_DOCS=1 pastes it there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reportupdater.cli import COMMANDS, main

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"(<!-- help: (?P<command>.*?) -->\n```\n)(?P<text>.*?)(```)", re.DOTALL)


def help_text(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `COMMAND --help` prints."""
    with pytest.raises(SystemExit):
        main([*command.split()[1:], "--help"])
    return capsys.readouterr().out


def test_every_help_text_is_in_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"reportupdater {name}" for name in COMMANDS]
    texts = {name: help_text(name, capsys) for name in ("reportupdater", *names)}
    if os.environ.get("UPDATE_DOCS"):
        page = BLOCK.sub(lambda m: m[1] + texts[m["command"]] + m[4], PAGE.read_text())
        PAGE.write_text(page)
    shown = {match["command"]: match["text"] for match in BLOCK.finditer(PAGE.read_text())}
    assert shown == texts
