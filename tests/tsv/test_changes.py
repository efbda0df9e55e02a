"""What differs between two tables of one interval."""

from __future__ import annotations

import pytest

from reportupdater.tsv.changes import Rows, changes

OLD = ("date", "wiki", "n")
DAY = "2025-01-01"


def shown(old: Rows, new: Rows, header: tuple[str, ...] = OLD) -> list[str] | None:
    found = changes(OLD, old, header, new)
    return None if found is None else [str(one) for one in found]


def test_values_of_rows_that_are_known_by_their_texts() -> None:
    old = [(DAY, "enwiki", "5"), (DAY, "dewiki", "7"), (DAY, "frwiki", "1")]
    new = [(DAY, "dewiki", "8"), (DAY, "enwiki", "5"), (DAY, "itwiki", "2")]
    assert shown(old, new) == ["dewiki n 7 → 8", "frwiki n 1 → -", "itwiki n - → 2"]
    assert shown(old, old) == []


def test_columns_that_come_and_go() -> None:
    found = shown([(DAY, "a", "5")], [(DAY, "a", "6")], ("date", "wiki", "m"))
    assert found == ["a m - → 6", "a n 5 → -"]


@pytest.mark.parametrize(
    "rows", [[(DAY, "a", "5"), (DAY, "a", "6")], [(DAY, "5", "5"), (DAY, "5", "6")]]
)
def test_rows_that_are_alike_have_no_names(rows: list[tuple[str, ...]]) -> None:
    assert shown(rows, [(DAY, "b", "5")]) is None


def test_a_single_row_of_numbers_and_one_of_no_values() -> None:
    found = changes(("date", "n"), [(DAY, "")], ("date", "n"), [(DAY, "5")])
    assert [str(one) for one in found or []] == ["n - → 5"]
    assert changes((), [], ("date", "n"), [(DAY, "5")]) == changes(
        ("date", "n"), [(DAY, "")], ("date", "n"), [(DAY, "5")]
    )
