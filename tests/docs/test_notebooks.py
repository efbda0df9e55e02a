"""docs/notebooks.md: its example gives what the page shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.helpers import SQLITE, Project

PAGE = (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text(encoding="utf-8")
REPORT = 'reports: {daily_edits: {explode_by: {wiki: "enwiki, dewiki"}}}\n'
QUERY = """\
SELECT '{from_date}' AS date,
    CAST(substr('{from_date}', 9) AS INTEGER) * CASE '{wiki}' WHEN 'enwiki' THEN 10 ELSE 1 END AS edits
"""


def test_the_example_gives_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, SQLITE + REPORT, {"daily_edits.sql": QUERY})
    project.run()
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(blocks[0], names)
    exec(f"from reportupdater import read_report\n{blocks[2].strip()}", dict(names))
    test = doctest.DocTestParser().get_doctest(blocks[1], names, "notebooks.md", None, 0)
    assert len(test.examples) == 3
    assert doctest.DocTestRunner().run(test).failed == 0
