"""What the rows of a table become, and what they do not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportupdater.errors import Severity
from reportupdater.intervals import Granularity
from reportupdater.model import Datapoint, Series
from reportupdater.sinks.base import Made
from reportupdater.sinks.shared.datapoints import number, timestamp
from tests.making import cells, moments
from tests.sinks.graphite.examples import DAY, NEW_YEAR, PATH_PLACE, datapoints, series

HEADER = ("date", "wiki", "edits")


def made(
    one: Series,
    *rows: tuple[str, ...],
    header: tuple[str, ...] = HEADER,
    lookups: Mapping[str, Mapping[str, str]] | None = None,
) -> Made:
    return datapoints(one, header, rows, lookups or {})


def sent(result: Made) -> list[tuple[str, str, int]]:
    """The points of a result with which nothing is wrong, timestamps as days since 2015-01-01."""
    assert result.problems == ()
    return [(p.key, p.value, (p.timestamp - NEW_YEAR) // DAY) for p in result.points]


def told(result: Made) -> list[str]:
    """The problems of a result, which all are the report's and stand at its path."""
    for problem in result.problems:
        assert (problem.where, problem.report) == (PATH_PLACE, "report")
        assert problem.severity is Severity.ERROR
    return [str(problem).removeprefix(f"{PATH_PLACE}: ") for problem in result.problems]


# What is sent


def test_a_row_gives_a_datapoint_for_each_metric_in_their_order() -> None:
    one = series("x.{_metric}.{wiki}", {"b": "bots", "a": "edits"})
    header = ("date", "wiki", "edits", "bots")
    rows = [("2015-01-01", "enwiki", "5", "2"), ("2015-01-02", "dewiki", "7", "3")]
    assert sent(made(one, *rows, header=header)) == [
        ("x.b.enwiki", "2", 0),
        ("x.a.enwiki", "5", 0),
        ("x.b.dewiki", "3", 1),
        ("x.a.dewiki", "7", 1),
    ]


def test_the_path_typical_of_old_projects() -> None:
    one = series("{_metric}.byEditCount.{edit_count_bucket}.byWiki.{wiki}", {"saves": "n"})
    header = ("date", "edit_count_bucket", "wiki", "n")
    result = made(one, ("2015-01-01", "5-99_edits", "enwiki", "3"), header=header)
    assert sent(result) == [("saves.byEditCount.5-99_edits.byWiki.enwiki", "3", 0)]
    assert not result.warnings


def test_a_dimension_is_put_in_with_its_lookup() -> None:
    one = series("{_metric}.{wiki}.{editor}", {"m": "n"}, {"wiki": "enwiki", "editor": "bot"})
    lookups = {"wiki": {"enwiki": "wikipedia.en", "dewiki": "x"}, "other": {"bot": "y"}}
    result = made(one, ("2015-01-01", "1"), header=("date", "n"), lookups=lookups)
    assert sent(result) == [("m.wikipedia.en.bot", "1", 0)]
    assert not result.warnings  # the dots of a lookup are meant


def test_a_value_that_a_lookup_lacks_is_put_in_as_it_is() -> None:
    one = series("{wiki}", {"m": "n"}, {"wiki": "frwiki"})
    result = made(one, ("2015-01-01", "1"), header=("date", "n"), lookups={"wiki": {"enwiki": "e"}})
    assert sent(result) == [("frwiki", "1", 0)]


def test_a_dimension_comes_before_a_column_of_the_same_name_and_lookups_are_for_dimensions() -> (
    None
):
    lookups = {"wiki": {"enwiki": "en", "dewiki": "de"}}
    row = ("2015-01-01", "dewiki", "1")
    one = series("{_metric}.{wiki}", {"m": "edits"}, {"wiki": "enwiki"})
    assert sent(made(one, row, lookups=lookups)) == [("m.en", "1", 0)]
    assert sent(made(series("{_metric}.{wiki}", {"m": "edits"}), row, lookups=lookups)) == [
        ("m.dewiki", "1", 0)
    ]


def test_placeholders_may_have_a_format_and_stand_several_times() -> None:
    one = series("{wiki:.2}.{_metric:.3}.{wiki}", {"metric": "edits"})
    assert sent(made(one, ("2015-01-01", "enwiki", "1"))) == [("en.met.enwiki", "1", 0)]
    padded = series("{wiki:>8}", {"metric": "edits"})
    assert sent(made(padded, ("2015-01-01", "enwiki", "1"))) == [("__enwiki", "1", 0)]


def test_the_date_may_be_a_part_of_the_path_and_two_metrics_may_share_a_column() -> None:
    one = series("{_metric}.{date}", {"a": "edits", "b": "edits"})
    assert sent(made(one, ("2015-01-01", "enwiki", "1"))) == [
        ("a.2015-01-01", "1", 0),
        ("b.2015-01-01", "1", 0),
    ]


def test_booleans_stand_in_paths_as_engines_write_them() -> None:
    one = series("m.{is_bot}", {"m": "n"})
    rows = [("2015-01-01", "true", "1"), ("2015-01-01", "false", "2"), ("2015-01-01", "1", "3")]
    result = made(one, *rows, header=("date", "is_bot", "n"))
    assert [path for path, _, _ in sent(result)] == ["m.true", "m.false", "m.1"]


# Values


@pytest.mark.parametrize(
    "value",
    [
        "0", "5", "-5", "+5", "5.0", "0.10", "0012", ".5", "5.", "1e5", "1.5E-7", "-0", "0.00000000",
        "1152921504606846975", "9" * 300, "0." + "3" * 90, "1.7976931348623157e308", "1e-400",
    ],
)  # fmt: skip
def test_numbers_are_sent_as_they_are_written(value: str) -> None:
    result = made(series("m", {"m": "edits"}), ("2015-01-01", "x", value))
    assert sent(result) == [("m", value, 0)]
    assert (result.warnings, result.no_numbers, result.nameless) == ({}, 0, 0)


@pytest.mark.parametrize("value", ["", "NULL", " ", "\t"])
def test_what_is_no_value_is_not_sent_without_a_word(value: str) -> None:
    result = made(series("m", {"m": "edits"}), ("2015-01-01", "x", value))
    assert result == Made([])


@pytest.mark.parametrize(
    "value",
    [
        "nan", "NaN", "-nan", "inf", "-Infinity", "1e999", "-1e400", "9" * 310, "9" * 100_000, "true", "True",
        "None", "null", "1_000", "1,000", "0x1f", "1e", "e5", ".", "-", "5%", "१२", "²", "1 2", "--5", "5\n6", "1.2.3",
    ],
)  # fmt: skip
def test_what_is_no_finite_number_is_counted_and_told(value: str) -> None:
    result = made(series("m.{_metric}", {"m": "edits"}), ("2015-01-01", "x", value))
    assert sent(result) == []
    assert result.no_numbers == 1
    (warning,) = result.warnings.values()
    shown = repr(value if len(value) <= 60 else value[:59] + "…")
    assert warning == (
        f"report 'report': {shown} of column 'edits' is no finite number; "
        "such values of 'm' are not sent"
    )


def test_what_is_no_number_is_told_once_a_metric_and_the_others_are_sent() -> None:
    one = series("{_metric}.{wiki}", {"a": "edits", "b": "bots"})
    header = ("date", "wiki", "edits", "bots")
    rows = [
        ("2015-01-01", "w1", "n/a", "1"),
        ("2015-01-01", "w2", "-", "x"),
        ("2015-01-01", "w3", "2", ""),
    ]
    result = made(one, *rows, header=header)
    assert sent(result) == [("b.w1", "1", 0), ("a.w3", "2", 0)]
    assert result.no_numbers == 3
    assert [warning.split(": ")[1].split(" of")[0] for warning in result.warnings.values()] == [
        "'n/a'",
        "'x'",
    ]
    # The key, not the sentence, tells that another table's warning is the same one.
    later = made(one, ("2015-01-02", "w1", "other", "1"), header=header)
    assert later.warnings.keys() < result.warnings.keys()


def test_space_around_a_number_is_no_part_of_it() -> None:
    result = made(series("m", {"m": "edits"}), ("2015-01-01", "x", "  12.5 "))
    assert sent(result) == [("m", "12.5", 0)]


@given(cells | st.text() | st.floats().map(repr) | st.decimals().map(str) | st.integers().map(str))
@example("1" * 309)
@example("५")
def test_only_what_carbon_reads_as_a_finite_number_is_sent(text: str) -> None:
    taken = number(text)
    if taken:
        assert isfinite(float(taken))
        assert taken == text.strip()
        assert taken.isascii()
        assert taken.split() == [taken]


@given(
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**300), 10**300)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
)
def test_all_numbers_of_all_drivers_are_sent_as_they_are(value: object) -> None:
    text = str(value)
    assert number(text) == text


# Names


@pytest.mark.parametrize(
    ("value", "node"),
    [
        ("New York", "New_York"),
        ("tab\there", "tab_here"),
        ("line\nbreak", "line_break"),
        ("nul\x00", "nul_"),
        ("no\u00a0break", "no_break"),
        ("wide\u3000space", "wide_space"),
        ("zero\u200bwidth", "zero_width"),
        ("next\u2028line", "next_line"),
        ("a'b\"c", "a_b_c"),
        ("/etc/passwd", "_etc_passwd"),
        ("a;b=c", "a_b=c"),
        ("*?", "__"),
        ("[a]{b}(c)", "_a__b__c_"),
        (" ", "_"),
        ("../../x", "is not sent"),
        ("Ελλάδα", "Ελλάδα"),
        ("a,b|c\\d", "a,b|c\\d"),
        ("<=10%", "<=10%"),
    ],
)
def test_what_cannot_stand_in_a_name_becomes_an_underscore(value: str, node: str) -> None:
    result = made(series("m.{wiki}.n", {"m": "edits"}), ("2015-01-01", value, "1"))
    if node == "is not sent":
        assert (sent(result), result.nameless) == ([], 1)
    else:
        assert sent(result) == [(f"m.{node}.n", "1", 0)]
        assert bool(result.warnings) == (node != value)


def test_a_changed_name_is_told_once_for_each_distinct_value() -> None:
    one = series("{_metric}.{wiki}", {"a": "edits", "b": "edits"})
    rows = [(f"2015-01-0{day}", wiki, "1") for day in range(1, 6) for wiki in ("a b", "c", "d/e")]
    result = made(one, *rows)
    assert len(result.points) == 30
    assert list(result.warnings.values()) == [
        "report 'report': the value 'a b' of 'wiki' is 'a_b' in metric paths",
        "report 'report': the value 'd/e' of 'wiki' is 'd_e' in metric paths",
    ]
    assert made(one, ("2015-02-01", "a b", "2")).warnings.keys() < result.warnings.keys()


def test_a_dot_in_a_value_makes_a_level_and_is_told() -> None:
    one = series("m.{wiki}.{version}", {"m": "n"}, {"wiki": "en.wikipedia"})
    result = made(one, ("2015-01-01", "1.35 b", "1"), header=("date", "version", "n"))
    assert sent(result) == [("m.en.wikipedia.1.35_b", "1", 0)]
    assert list(result.warnings.values()) == [
        "report 'report': the value 'en.wikipedia' of 'wiki' makes a level of a metric path at each dot",
        (
            "report 'report': the value '1.35 b' of 'version' is '1.35_b' in metric paths and makes a "
            "level of a metric path at each dot"
        ),
    ]


@pytest.mark.parametrize("value", ["", ".", "..", ".a", "a.", "a..b"])
def test_a_row_whose_path_has_an_empty_value_or_node_is_counted_and_not_sent(value: str) -> None:
    one = series("m.{wiki}.n", {"m": "edits"})
    result = made(one, ("2015-01-01", value, "1"), ("2015-01-01", "ok", "2"))
    assert sent(result) == [("m.ok.n", "2", 0)]
    assert result.nameless == 1


def test_an_empty_value_beside_others_in_a_node_is_empty_all_the_same() -> None:
    result = made(series("m.by_{wiki}", {"m": "edits"}), ("2015-01-01", "", "1"))
    assert (sent(result), result.nameless) == ([], 1)
    padded = made(series("m.{wiki:5}", {"m": "edits"}), ("2015-01-01", "", "1"))
    assert (sent(padded), padded.nameless) == ([], 1)


def test_a_row_without_values_is_no_row_that_is_not_sent() -> None:
    rows = [("2015-01-01", "", ""), ("2015-01-02", "", "NULL"), ("2015-01-03", "x", "1")]
    assert made(series("m.{wiki}", {"m": "edits"}), *rows).nameless == 0


@pytest.mark.parametrize("value", ["x" * 201, "ü" * 101, "x" * 100_000, ".".join(["x" * 199] * 11)])
def test_a_path_that_carbon_could_not_store_is_counted_and_told(value: str) -> None:
    one = series("m.{wiki}", {"m": "edits"})
    result = made(one, ("2015-01-01", value, "1"), ("2015-01-01", "ok", "2"))
    assert sent(result) == [("m.ok", "2", 0)]
    assert result.nameless == 1
    warnings = [warning for warning in result.warnings.values() if "bytes" in warning]
    assert len(warnings) == 1
    assert warnings[0].endswith("; such are not sent")


def test_a_name_may_have_200_bytes() -> None:
    result = made(series("{wiki}", {"m": "edits"}), ("2015-01-01", "x" * 200, "1"))
    assert sent(result) == [("x" * 200, "1", 0)]


# Problems


def test_a_placeholder_that_is_neither_dimension_nor_column_is_a_problem() -> None:
    one = series("{_metric}.{wkii}.{other}", {"m": "edits"}, {"editor": "bot"})
    result = made(one, ("2015-01-01", "enwiki", "1"))
    assert result.points == []
    assert told(result) == [
        "'path' of graphite of report 'report' has {wkii}, which is no dimension and no column (did you mean 'wiki'?)",
        (
            "'path' of graphite of report 'report' has {other}, which is no dimension and no column "
            "(known are: _metric, date, editor, edits, wiki)"
        ),
    ]


def test_a_column_that_the_result_lacks_is_a_problem_and_the_other_metrics_are_sent() -> None:
    one = series("{_metric}.{wiki}", {"a": "edits", "b": "edit_count", "c": "x"})
    result = made(one, ("2015-01-01", "enwiki", "1"))
    assert [(p.key, p.value) for p in result.points] == [("a.enwiki", "1")]
    assert told(result) == [
        (
            "'b' of 'metrics' of graphite of report 'report' takes the column 'edit_count', which the result does not "
            "have (it has date, wiki, edits)"
        ),
        (
            "'c' of 'metrics' of graphite of report 'report' takes the column 'x', which the result does not have "
            "(it has date, wiki, edits)"
        ),
    ]


def test_of_many_columns_the_first_are_named() -> None:
    header = ("date", *(f"c{number}" for number in range(500)))
    result = made(series("m", {"m": "x"}), ("2015-01-01", *["1"] * 500), header=header)
    (problem,) = told(result)
    assert problem.endswith("c27, c28 and 471 more)")


def test_an_interval_without_data_is_no_problem_whatever_its_header() -> None:
    one = series("{_metric}.{pivot}", {"m": "n"})
    assert made(one, ("2015-01-01",), header=("date",)) == Made([])
    assert made(one, ("2015-01-01", ""), header=("date", "other")) == Made([])
    assert made(one) == Made([])


def test_two_rows_with_the_same_path_and_date_are_a_problem_that_names_what_is_missing() -> None:
    one = series("m.{wiki}", {"m": "edits"})
    header = ("date", "wiki", "editor", "edits", "is_bot")
    rows = [
        ("2015-01-01", "enwiki", "anonymous", "1", "0"),
        ("2015-01-01", "dewiki", "registered", "3", "1"),
        ("2015-01-01", "enwiki", "registered", "2", "1"),
    ]
    result = made(one, *rows, header=header)
    assert result.points == []
    assert told(result) == [
        (
            "'path' of graphite of report 'report' makes the same metric path of two rows of a date "
            "(put in what distinguishes them: {editor} or {is_bot})"
        )
    ]


def test_two_rows_that_nothing_but_their_values_tells_apart_are_a_problem_too() -> None:
    rows = [("2015-01-01", "enwiki", "1"), ("2015-01-01", "enwiki", "2")]
    hint = "(they differ in their values alone: let the query add them up)"
    assert told(made(series("m.{wiki}", {"m": "edits"}), *rows))[0].endswith(hint)
    assert told(made(series("m.{wiki}", {"m": "edits"}), rows[0], rows[0]))[0].endswith(hint)


def test_two_values_that_are_the_same_in_a_path_are_a_problem_that_names_them() -> None:
    rows = [("2015-01-01", "a b", "1"), ("2015-01-01", "a_b", "2")]
    (problem,) = told(made(series("m.{wiki}", {"m": "edits"}), *rows))
    assert problem.endswith("('a b' and 'a_b' of column 'wiki' are the same there)")


def test_two_metrics_with_the_same_path_are_a_problem() -> None:
    one = series("{_metric}{wiki}", {"a": "edits", "ab": "edits"})
    rows = [("2015-01-01", "bc", "1"), ("2015-01-01", "c", "2")]
    assert told(made(one, *rows))  # "a" + "bc" and "ab" + "c"
    same = series("{_metric:.1}", {"ab": "edits", "ac": "edits"})
    (problem,) = told(made(same, ("2015-01-01", "x", "1")))
    assert problem == (
        "'path' of graphite of report 'report' makes the same metric path of two metrics "
        "(put a dot on either side of {_metric})"
    )


def test_rows_of_one_date_that_share_no_value_do_not_clash() -> None:
    one = series("{_metric}", {"a": "edits", "b": "bots"})
    header = ("date", "edits", "bots")
    result = made(one, ("2015-01-01", "1", ""), ("2015-01-01", "", "2"), header=header)
    assert sent(result) == [("a", "1", 0), ("b", "2", 0)]


def test_the_same_path_on_another_date_does_not_clash() -> None:
    rows = [("2015-01-01", "x", "1"), ("2015-01-02", "x", "1")]
    assert len(sent(made(series("m", {"m": "edits"}), *rows))) == 2


# Any rows


@given(
    rows=st.lists(st.tuples(st.integers(1, 3).map("2015-01-0{}".format), cells, cells), max_size=8),
    dimension=cells,
    lookup=st.dictionaries(cells, cells, max_size=2),
    path=st.sampled_from(["m", "{_metric}.{wiki}", "{d}.{wiki:.1}", "{_metric}{d}.x.{wiki}{edits}"]),
)  # fmt: skip
def test_whatever_stands_in_a_table_carbon_can_read_what_is_made_of_it(
    rows: list[tuple[str, str, str]], dimension: str, lookup: dict[str, str], path: str
) -> None:
    one = series(path, {"m": "edits"}, {"d": dimension})
    result = made(one, *rows, lookups={"d": lookup})
    seen = set()
    for point in result.points:
        assert f"{point.key} {point.value} {point.timestamp}".split() == [
            point.key,
            point.value,
            str(point.timestamp),
        ]
        assert all(point.key.split("."))
        assert max(len(node.encode()) for node in point.key.split(".")) <= 200
        assert not set(point.key) & set("'\"/;*?[]{}()")
        assert isfinite(float(point.value))
        seen.add((point.key, point.timestamp))
    assert len(seen) == len(result.points)
    if not result.problems:
        values = sum(row[2].strip() not in ("", "NULL") for row in rows)
        assert values - len(result.points) - result.no_numbers <= result.nameless


@given(
    st.lists(
        st.tuples(st.dates(), st.sampled_from(["a", "b", "c d"]), st.integers()),
        unique_by=lambda row: row[:2],
    )
)
def test_every_value_is_sent_with_its_name_and_its_date(
    rows: list[tuple[object, str, int]],
) -> None:
    table = [(str(date), wiki, str(value)) for date, wiki, value in rows]
    result = made(series("x.{wiki}", {"m": "edits"}), *table)
    assert [(p.key, p.value) for p in result.points] == [
        (f"x.{wiki.replace(' ', '_')}", str(value)) for _, wiki, value in rows
    ]
    epoch = datetime(1970, 1, 1)
    for point, (date, _, _) in zip(result.points, rows, strict=True):
        assert str((epoch + timedelta(seconds=point.timestamp)).date()) == str(date)


# Time


@pytest.fixture(params=["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A machine's time zone; two of them change their clocks in spring and in autumn."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_a_date_is_its_midnight_in_utc_on_a_machine_in_any_zone(time_zone: str) -> None:
    assert os.environ["TZ"] == time_zone
    timestamp.cache_clear()
    # Around the changes of the clocks in Berlin and in New York.
    for first in (datetime(2015, 3, 6), datetime(2015, 3, 27), datetime(2015, 10, 23)):
        days = [first + timedelta(days=day) for day in range(12)]
        rows = [(day.isoformat()[:10], "x", "1") for day in days]
        result = made(series("m", {"m": "edits"}), *rows)
        assert [point.timestamp for point in result.points] == [
            int(day.replace(tzinfo=UTC).timestamp()) for day in days
        ]
        assert all(point.timestamp % DAY == 0 for point in result.points)


def test_an_hour_is_its_beginning_in_utc_on_a_machine_in_any_zone(time_zone: str) -> None:
    assert os.environ["TZ"] == time_zone
    timestamp.cache_clear()
    one = series("m", {"m": "edits"}, granularity=Granularity.HOURS)
    # In Berlin, 2015-03-29 has no hour 2, and 2015-10-25 has it twice.
    for day in ("2015-03-29", "2015-10-25"):
        rows = [(f"{day}T{hour:02}:00:00", "x", str(hour)) for hour in range(24)]
        result = made(one, *rows)
        midnight = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        assert [point.timestamp - midnight for point in result.points] == [
            hour * 3600 for hour in range(24)
        ]


@given(moments)
def test_a_label_of_any_granularity_is_its_moment_in_utc(moment: datetime) -> None:
    for granularity in Granularity:
        start = granularity.start(granularity.number(moment))
        expected = int(start.replace(tzinfo=UTC).timestamp())
        assert timestamp(granularity.label(start)) == expected


def test_a_datapoint_is_plain_data() -> None:
    point = Datapoint("a.b", "1.50", NEW_YEAR)
    assert point == Datapoint("a.b", "1.50", NEW_YEAR)
    assert len({point, Datapoint("a.b", "1.50", NEW_YEAR)}) == 1
