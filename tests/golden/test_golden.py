"""Files, figures, exit codes and datapoints are what they were; only the prose of messages may change."""

from __future__ import annotations

from pathlib import Path

from tests.golden.story import lines

GOLDEN = Path(__file__).parent / "golden.txt"


def test_a_month_of_a_project_gives_what_it_gave_before(tmp_path: Path) -> None:
    expected = GOLDEN.read_text(encoding="utf-8").splitlines()
    assert list(lines(tmp_path)) == expected  # on purpose changed? python -m tests.golden
