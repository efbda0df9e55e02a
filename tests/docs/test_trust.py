"""docs/trust.md: its examples are valid, and its commands are there."""

from __future__ import annotations

import re
from pathlib import Path

from reportupdater.checks.registry import DECLARED
from reportupdater.cli import COMMANDS
from reportupdater.config.load import load_project
from reportupdater.config.ready import Source
from tests.helpers import written

PAGE = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
AROUND = """\
databases:
  replicas: {host: db1.example.org}
  warehouse: {host: db2.example.org}
defaults: {granularity: days, starts: 2025-01-01}
"""


def test_every_example_is_valid(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for number, example in enumerate(examples):
        folder = tmp_path / str(number)
        for name in ("daily_edits", "hourly_edits"):
            written(folder / f"{name}.sql", "SELECT '{from_timestamp}' AS date, 1 AS edits")
        written(folder / "config.yaml", AROUND + example)
        project = load_project(folder, host_files=())
        problems = [str(one) for one in project.problems if "no report uses" not in str(one)]
        assert problems == []
        assert project.reports


def test_every_check_and_source_of_readiness_is_there() -> None:
    for word in (*(kind.NAME for kind in DECLARED), *("query", "file", "report")):
        assert f"{word}:" in PAGE
    assert {source.value for source in Source} >= {"query", "file", "report"}


def test_every_command_is_one() -> None:
    named = set(re.findall(r"reportupdater (\w+) PROJECT", PAGE))
    assert named == {"check", "try", "held", "accept", "reject", "drift", "rerun", "why"}
    assert named <= set(COMMANDS)
