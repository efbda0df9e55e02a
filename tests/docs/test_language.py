"""The package and its documentation use plain words: none of `tests/banned.txt`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORDS = [
    line
    for line in (ROOT / "tests" / "banned.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
BANNED = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(WORDS)})(?![A-Za-z])", re.IGNORECASE)
FILES = [
    *sorted((ROOT / "reportupdater").rglob("*.py")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "README.md",
    ROOT / "SECURITY.md",
]


def test_no_banned_word_is_used() -> None:
    assert len(FILES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in BANNED.finditer(line)
    ]
    assert found == []


def test_the_patterns_find_names_too() -> None:
    assert BANNED.search("def _tell_it(")
    assert BANNED.search("what Nobody has TOLD")
    assert not BANNED.search("Intellij, standard, withstand, amended, undersettle")
