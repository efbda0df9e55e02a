"""Which series a report has, and in which order."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.planning.explode import explode
from tests.making import report

values = st.lists(st.sampled_from(["en", "de", "z", "a", "0"]), min_size=1, unique=True)


def test_a_report_without_dimensions_is_one_series() -> None:
    [series] = explode(report())
    assert series.values == ()
    assert series.tsv == "report.tsv"
    assert str(series) == "report"


def test_series_come_in_the_order_of_the_dimensions_and_of_their_values_as_written() -> None:
    one = report(dimensions={"editor": ["user", "bot"], "wiki": ["enwiki", "dewiki"]})
    assert [series.tsv for series in explode(one)] == [
        "report/user/enwiki.tsv",
        "report/user/dewiki.tsv",
        "report/bot/enwiki.tsv",
        "report/bot/dewiki.tsv",
    ]


def test_a_series_tells_its_dimensions_by_name() -> None:
    [series] = explode(report(dimensions={"editor": ["bot"], "wiki": ["enwiki"]}))
    assert series.dimensions == {"editor": "bot", "wiki": "enwiki"}
    assert str(series) == "report editor=bot wiki=enwiki"


@given(st.lists(values, max_size=3))
def test_there_is_one_series_for_each_combination(lists: list[list[str]]) -> None:
    one = report(dimensions={f"d{place}": words for place, words in enumerate(lists)})
    assert [series.values for series in explode(one)] == list(product(*lists))
    assert len({series.tsv for series in explode(one)}) == len(explode(one))


def test_only_some_values_of_some_dimensions_may_be_wanted() -> None:
    one = report(dimensions={"editor": ["user", "bot"], "wiki": ["enwiki", "dewiki", "frwiki"]})
    only = {"wiki": {"dewiki", "frwiki"}}
    assert [series.tsv for series in explode(one, only)] == [
        "report/user/dewiki.tsv",
        "report/user/frwiki.tsv",
        "report/bot/dewiki.tsv",
        "report/bot/frwiki.tsv",
    ]
    assert [s.tsv for s in explode(one, {**only, "editor": {"bot"}})] == [
        "report/bot/dewiki.tsv",
        "report/bot/frwiki.tsv",
    ]


def test_a_report_without_the_dimension_has_no_series_that_is_wanted() -> None:
    assert explode(report(), {"wiki": {"enwiki"}}) == []
    assert explode(report(dimensions={"editor": ["bot"]}), {"wiki": {"enwiki"}}) == []
