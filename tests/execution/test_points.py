"""The datapoints of results that are committed together."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.execution.points import result_points
from reportupdater.intervals import Granularity
from reportupdater.model import Series
from reportupdater.sinks.graphite.config import GraphiteSettings, GraphiteSink
from reportupdater.state.journal import Result
from reportupdater.tsv import dialect
from tests.making import cells
from tests.sinks.graphite.examples import datapoints, series

HEADERS = [("date", "wiki", "edits"), ("date", "edits", "wiki"), ("date", "wiki")]
ONE = series("x.{_metric}.{wiki}", {"m": "edits"})


def result(day: int, *rows: tuple[str, ...], header: tuple[str, ...] = HEADERS[0]) -> Result:
    date = f"2015-01-{day:02}"
    text = dialect.lines([(date, *row) for row in rows])
    return Result(date, Granularity.DAYS, header, text, None, None)


def sent(*results: Result) -> list[tuple[str, str]]:
    return [
        (p.key, p.value)
        for made in result_points(ONE, results, "graphite", GraphiteSettings())
        for p in made.points
    ]


def test_a_report_without_graphite_gives_none() -> None:
    without = Series(replace(ONE.report, outputs={}))
    assert (
        result_points(without, [result(1, ("enwiki", "5"))], "graphite", GraphiteSettings()) == []
    )


def test_rows_of_one_result_that_clash_withhold_no_others() -> None:
    clash = result(2, ("enwiki", "1"), ("enwiki", "2"))
    assert sent(result(1, ("enwiki", "5")), clash, result(3, ("enwiki", "7"))) == [
        ("x.m.enwiki", "5"),
        ("x.m.enwiki", "7"),
    ]


VALUES = st.sampled_from(["", "NULL", "5", "-1.5", "nan", "text", "a b", "en.wiki"]) | cells
SHAPES = st.sampled_from(HEADERS).flatmap(
    lambda header: st.tuples(
        st.just(header), st.lists(st.tuples(*[VALUES] * (len(header) - 1)), min_size=1, max_size=3)
    )
)


@given(st.lists(SHAPES, max_size=5))
def test_together_they_give_what_each_gives_alone(
    shapes: list[tuple[tuple[str, ...], list[tuple[str, ...]]]],
) -> None:
    results = [result(day, *rows, header=header) for day, (header, rows) in enumerate(shapes, 1)]
    together = result_points(ONE, results, "graphite", GraphiteSettings())
    alone = [datapoints(ONE, one.header, dialect.parse(one.rows), {}) for one in results]
    assert sorted(chain.from_iterable(made.points for made in together)) == sorted(
        chain.from_iterable(made.points for made in alone)
    )
    for name in ("nameless", "no_numbers"):
        assert sum(getattr(made, name) for made in together) == sum(
            getattr(made, name) for made in alone
        )
    warned = [
        {k: v for made in some for k, v in made.warnings.items()} for some in (together, alone)
    ]
    assert warned[0].keys() == warned[1].keys()
    problems = [
        sorted(str(p) for made in some for p in made.problems) for some in (together, alone)
    ]
    assert problems[0] == problems[1]


def test_a_bug_is_told_and_withholds_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(GraphiteSink, "points", bug)
    [made] = result_points(ONE, [result(1, ("enwiki", "5"))], "graphite", GraphiteSettings())
    assert made.points == []
    assert [problem.what for problem in made.problems] == [
        "a bug of this program: ZeroDivisionError('oh')"
    ]
