"""The checks that a report declares, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.checks.base import CheckResult, Declared, Rows, Sums
from reportupdater.checks.cells import NotEmpty, Unique
from reportupdater.checks.change import Change
from reportupdater.checks.registry import DECLARED
from reportupdater.checks.rows import RowCount
from reportupdater.checks.values import Range, Values
from reportupdater.intervals import Granularity

HEADER = ("date", "wiki", "n")


def rows(*cells: tuple[str, str]) -> Rows:
    return Rows(HEADER, [("2025-01-01", *pair) for pair in cells])


NONE = rows()
TWO = rows(("enwiki", "5"), ("dewiki", "7"))


def why(check: Declared, result: Rows, before: Sequence[Sums] = ()) -> str:
    """Why a result fails; empty where it passes."""
    found = list(check.results(result, before))
    assert found
    return "; ".join(one.why for one in found if one.verdict == "failed")


@pytest.mark.parametrize(
    ("least", "most", "result", "expected"),
    [
        (1, None, TWO, ""),
        (3, None, TWO, "the result has 2 rows, and needs at least 3"),
        (None, 1, TWO, "the result has 2 rows, and needs at most 1"),
        (2, 2, TWO, ""),
        (1, 5, NONE, "the result has 0 rows, and needs at least 1 and at most 5"),
        (2, None, rows(("a", "1")), "the result has 1 row, and needs at least 2"),
    ],
)
def test_rows(least: int | None, most: int | None, result: Rows, expected: str) -> None:
    assert why(RowCount(least=least, most=most), result) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (TWO, ""),
        (NONE, ""),
        (rows(("", "5"), ("a", "6")), "column 'wiki' is empty in 1 row"),
        (rows((" ", "5"), ("NULL", "6")), "column 'wiki' is empty in 2 rows"),
    ],
)
def test_not_empty(result: Rows, expected: str) -> None:
    assert why(NotEmpty(names=("wiki",)), result) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (TWO, ""),
        (NONE, ""),
        (rows(("a", "1"), ("a", "2")), "2 rows of 2025-01-01 have the same wiki: 'a'"),
        (
            rows(*[("a", "1")] * 3, *[("b", "1")] * 2),
            "3 rows of 2025-01-01 have the same wiki: 'a'; so have 1 more",
        ),
        (Rows(HEADER, [("2025-01-01", "a", "1"), ("2025-01-02", "a", "1")]), ""),
    ],
)
def test_unique(result: Rows, expected: str) -> None:
    assert why(Unique(names=("wiki",)), result) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (TWO, ""),
        (NONE, ""),
        (rows(("", "5")), ""),
        (rows(("frwiki", "5")), "'frwiki' of column 'wiki' is none of enwiki, dewiki"),
        (
            rows(("x", "5"), ("y", "5"), ("x", "1")),
            "'x' of column 'wiki' is none of enwiki, dewiki, and 1 more such values",
        ),
    ],
)
def test_values(result: Rows, expected: str) -> None:
    assert why(Values(column="wiki", allowed=("enwiki", "dewiki")), result) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["5", "7"], ""),
        ([], ""),
        (["", "NULL", "5"], ""),
        (["-0.5"], "-0.5 of column 'n' is below 0"),
        (["5", "1e9"], "1000000000 of column 'n' is above 100"),
        (["NaN"], "'NaN' is no finite number, in column 'n'"),
        (["Infinity"], "'Infinity' is no finite number, in column 'n'"),
        (["1e999"], "'1e999' is no finite number, in column 'n'"),
        (["quota exceeded"], "'quota exceeded' is no finite number, in column 'n'"),
        (["1_000"], "'1_000' is no finite number, in column 'n'"),
    ],
)
def test_range(cells: list[str], expected: str) -> None:
    result = rows(*(("a", cell) for cell in cells))
    assert why(Range(column="n", least=0, most=100), result) == expected


@pytest.mark.parametrize(
    ("value", "before", "verdict", "why"),
    [
        ("150", [100] * 4, "passed", ""),
        ("50", [100] * 4, "passed", ""),
        (
            *("151", [100] * 4, "failed"),
            "the sum of 'n' is 151, 51 % off 100, the median of the 4 before; 50 % are allowed",
        ),
        ("49", [100, 100, 100, 9000], "failed", "51 % off 100"),
        ("49", [100], "not evaluated", "1 of 2 needed intervals before have a value"),
        ("49", [100, 100], "failed", "the median of the 2 before"),
        ("5", [0, 0, 0], "failed", "is 5, where it was 0, the median of the 3 before"),
        ("0", [0, 0, 0], "passed", ""),
        ("-100", [100] * 4, "failed", "200 % off 100"),
        ("NaN", [100] * 4, "failed", "'NaN' is no finite number, in column 'n'"),
        ("", [100] * 4, "failed", "is 0, 100 % off 100"),
    ],
)
def test_change(value: str, before: list[float], verdict: str, why: str) -> None:
    check = Change(column="n", percent=50, of=4, min_history=2)
    (found,) = check.results(rows(("a", value)), [{(): float(one)} for one in before])
    assert found.verdict == verdict
    assert why in found.why
    assert bool(found.why) == (verdict != "passed")


def test_a_result_without_rows_is_a_sum_of_nothing() -> None:
    check = Change(column="n", percent=50, of=4)
    assert "is 0, 100 % off 9" in why(check, NONE, [{(): 9.0}])
    assert why(check, NONE, []) == ""


def test_small_values_are_not_compared() -> None:
    check = Change(column="n", percent=50, of=4, min_value=10)
    (found,) = check.results(rows(("a", "1")), [{(): 9.0}])
    assert (found.verdict, found.why) == ("not evaluated", "it and the median are below 10")
    assert "is 1, 92 % off 12" in why(check, rows(("a", "1")), [{(): 12.0}])
    assert "is 30" in why(check, rows(("a", "30")), [{(): 9.0}])


def test_each_value_of_a_column_is_compared_by_itself() -> None:
    check = Change(column="n", percent=50, of=4, by=("wiki",))
    before: list[Sums] = [{("enwiki",): 5.0, ("dewiki",): 70.0, ("gone",): 3.0}]
    assert why(check, TWO, before) == (
        "the sum of 'n' of wiki=dewiki is 7, 90 % off 70, the one before; 50 % are"
        " allowed; the sum of 'n' of wiki=gone is 0, 100 % off 3, the one before;"
        " 50 % are allowed"
    )
    (found,) = check.results(rows(("enwiki", "5"), ("new", "9")), [{("enwiki",): 5.0}])
    assert (found.verdict, found.subject, found.value) == ("passed", "n by wiki", "1 of 2 compared")
    many = rows(*((f"w{one}", "1") for one in range(9)))
    found_all = list(check.results(many, [{(f"w{one}",): 9.0 for one in range(9)}]))
    assert len(found_all) == 3
    assert found_all[-1].why.endswith("; and 6 more sums")


@pytest.mark.parametrize(
    "check",
    [
        NotEmpty(names=("wikis",)),
        Unique(names=("n", "wikis")),
        Values(column="wikis", allowed=("a",)),
        Range(column="wikis", least=0),
        Change(column="wikis", percent=5, of=3),
        Change(column="n", by=("wikis",), percent=5, of=3),
    ],
)
def test_a_column_that_is_not_there_fails(check: Declared) -> None:
    assert why(check, TWO) == "the result has no column 'wikis', did you mean 'wiki'?"
    assert why(check, NONE) == ""  # an empty pivot has no columns
    # The date is none: it is known by its place.
    assert "has no column 'date'" in why(NotEmpty(names=("date",)), TWO)


def test_severity_is_of_what_fails() -> None:
    check = RowCount(least=5, severity="warn")
    (found,) = check.results(TWO)
    assert found == CheckResult(
        "rows", "", "failed", "2", "at least 5", "", found.why, severity="warn"
    )


def test_comparable_intervals() -> None:
    check = Change(column="n", percent=5, of=3)
    steps = {one: check.step(one) for one in Granularity}
    assert steps.pop(Granularity.DAYS) == 7
    assert steps.pop(Granularity.HOURS) == 24
    assert set(steps.values()) == {1}


@given(
    cells=st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.text(max_size=4)), max_size=5),
    before=st.lists(st.dictionaries(st.just(()), st.floats(0, 1e300)), max_size=4),
)
def test_no_result_ends_a_check_by_an_error(
    cells: list[tuple[str, str]], before: list[dict[tuple[str, ...], float]]
) -> None:
    for check in (
        RowCount(least=1),
        NotEmpty(names=("wiki",)),
        Unique(names=("wiki", "n")),
        Values(column="n", allowed=("1",)),
        Range(column="n", most=5),
        Change(column="n", percent=5, of=3),
        Change(column="n", percent=5, of=3, by=("wiki",)),
    ):
        found = list(check.results(rows(*cells), before))
        assert found
        for one in found:
            assert one.check == check.NAME
            assert bool(one.why) == (one.verdict != "passed")


def test_each_kind_has_another_name() -> None:
    assert [kind.NAME for kind in DECLARED] == [
        *("rows", "not_empty", "unique", "values", "range", "change")
    ]
