"""Which metric paths a series can make, before there are points."""

from __future__ import annotations

import pytest

from reportupdater.sinks.graphite.config import GraphiteSink
from reportupdater.sinks.shared.naming import needs_rows, paths
from tests.sinks.graphite.examples import PATH_PLACE, datapoints, series

DIMENSIONS = {"wiki": "enwiki", "editor": "bot"}


@pytest.mark.parametrize(
    ("path", "by_rows"),
    [
        ("m", False),
        ("{_metric}.{wiki}", False),
        ("{_metric}.{wiki}.{country}", True),
        ("{date}", True),
    ],
)
def test_paths_of_dimensions_alone_need_no_rows(path: str, by_rows: bool) -> None:
    assert (
        needs_rows(GraphiteSink().output(series(path, {"m": "n"}, DIMENSIONS).report), DIMENSIONS)
        is by_rows
    )


def test_paths_of_dimensions_are_known_without_a_tsv() -> None:
    one = series("{_metric}.{wiki}.{editor}", {"b": "x", "a": "y"}, DIMENSIONS)
    lookups = {"wiki": {"enwiki": "wikipedia.en"}}
    assert paths(one, GraphiteSink().output(one.report), lookups) == (
        ["b.wikipedia.en.bot", "a.wikipedia.en.bot"],
        [],
    )
    assert paths(one, GraphiteSink().output(one.report), {}, ("date", "x", "y")) == (
        ["b.enwiki.bot", "a.enwiki.bot"],
        [],
    )


def test_paths_of_columns_are_those_of_the_rows_each_once() -> None:
    one = series("{_metric}.{wiki}.{country}", {"a": "n", "b": "n"}, DIMENSIONS)
    header = ("date", "country", "n")
    rows = [
        ("2015-01-01", "Peru", "1"),
        ("2015-01-01", "Sri Lanka", "2"),
        ("2015-01-02", "Peru", "3"),
        ("2015-01-03", "", ""),
    ]
    found, problems = paths(one, GraphiteSink().output(one.report), {}, header, rows)
    assert found == ["a.enwiki.Peru", "b.enwiki.Peru", "a.enwiki.Sri_Lanka", "b.enwiki.Sri_Lanka"]
    assert problems == []
    made = datapoints(one, header, rows, {})
    assert {point.key for point in made.points} == set(found)


def test_paths_that_cannot_be_made_have_a_problem_with_a_place() -> None:
    one = series("{_metric}.{country}", {"a": "n", "b": "m"})
    found, problems = paths(
        one,
        GraphiteSink().output(one.report),
        {},
        ("date", "country", "n"),
        [("2015-01-01", "Peru", "1")],
    )
    assert found == ["a.Peru"]
    assert [problem.where for problem in problems] == [PATH_PLACE]
    found, problems = paths(
        one, GraphiteSink().output(one.report), {}, ("date", "n", "m"), [("2015-01-01", "1", "2")]
    )
    assert found == []
    assert "{country}" in problems[0].what
