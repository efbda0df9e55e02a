"""What TSVs stand in an output folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.intervals import Granularity
from reportupdater.tsv import listing
from tests.helpers import written
from tests.machine import at


def test_reports_are_known_by_their_files_and_folders(output: Path) -> None:
    for name in ("edits.tsv", "by.wiki/enwiki.tsv", "deep/a/b.tsv", ".hidden.tsv", ".x/a.tsv"):
        written(output / name, "date\n")
    written(output / "notes.txt", "")
    written(output / "folder/readme", "")
    (output / "link").symlink_to(output / "deep")
    assert listing.reports(output) == ["by.wiki", "deep", "edits"]


def test_series_are_known_by_their_depth(output: Path) -> None:
    for name in ("r.tsv", "r/a.tsv", "r/b.c.tsv", "r/a/b.tsv", "r/.a.tsv.tmp", "r/.b.tsv"):
        written(output / name, "date\n")
    assert listing.series(output, "r", 0) == ["r.tsv"]
    assert listing.series(output, "r", 1) == ["r/a.tsv", "r/b.c.tsv"]
    assert listing.series(output, "r", 2) == ["r/a/b.tsv"]
    assert listing.series(output, "r") == ["r.tsv", "r/a.tsv", "r/a/b.tsv", "r/b.c.tsv"]
    assert listing.values("r/a/b.c.tsv") == ("a", "b.c")
    assert listing.values("r.tsv") == ()


@pytest.mark.parametrize(
    ("text", "granularity"),
    [
        ("", Granularity.DAYS),
        ("date\tn\n", Granularity.DAYS),
        ("date\tn\n2015-01-01\t1\n", Granularity.DAYS),
        ("date\tn\n2015-01-01T05:00:00\t1\n", Granularity.HOURS),
        ("\ufeffdate\tn\r\n2015-01-01 05:00\t1\r\n", Granularity.HOURS),
        ("date\nnonsense\n", Granularity.DAYS),
    ],
)
def test_hours_are_told_from_days_by_the_first_row(
    output: Path, text: str, granularity: Granularity
) -> None:
    assert listing.granularity(at(written(output / "r.tsv", text))) is granularity
