"""docs/cli.md shows what `--help` prints. UPDATE_DOCS=1 pastes it there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from reportupdater.cli import COMMANDS, main
from tests.helpers import ONE, SQLITE, Project

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


def fields(heading: str) -> set[str]:
    """The names in the first column of the table behind a line of the page."""
    table = PAGE.read_text().partition(f"\n{heading}\n")[2].partition("|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_json_of_status_has_the_fields_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
    project.run()
    main(["status", str(project.output), str(project.folder), "--json", "--series"])
    told = json.loads(capsys.readouterr().out)
    (report,) = told["reports"]
    (series,) = report["each_series"]
    assert fields("### JSON") == set(told)
    assert fields("Of a report:") == set(report)
    assert fields("Of a series:") == set(series)
    main(["status", str(project.output), "--json"])
    (without,) = json.loads(capsys.readouterr().out)["reports"]
    assert set(without) == set(report) - {"each_series"}
