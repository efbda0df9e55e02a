"""Templates: what they take, against Python's own format strings, and where they say it is wrong."""

from __future__ import annotations

import string
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.errors import Where
from reportupdater.intervals import Granularity
from reportupdater.template import TIME_PLACEHOLDERS, Placeholder, parse, time_values
from tests.making import granularities, moments

VALUES = {"a": "enwiki", "b_1": "", "a-b": "20150102030405"}

# Pieces that meet in ways nobody thinks of; what is made of them is often no template.
PIECES = [
    "{",
    "}",
    "{{",
    "}}",
    "{a}",
    "{b_1}",
    "{a-b:.8}",
    "{a:>9}",
    ":",
    "!",
    ".",
    "[0]",
    "\n",
    "é",
]
soups = st.lists(st.sampled_from(PIECES) | st.text("ab{}:.", max_size=3)).map("".join)


@given(soups)
def test_a_template_without_problems_renders_as_python_does(text: str) -> None:
    made, problems = parse(text)
    if not problems and not made.unknown(VALUES):
        assert made.render(VALUES) == text.format_map(VALUES)


@given(soups)
def test_what_python_formats_with_plain_fields_is_a_template(text: str) -> None:
    try:
        fields = list(string.Formatter().parse(text))
        text.format_map(VALUES)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        return
    plain = all(
        name is None or (name in VALUES and not conversion and "{" not in (spec or ""))
        for _, name, spec, conversion in fields
    )
    if plain:
        assert parse(text)[1] == []


@given(st.from_regex(r"([^{}\n]?[<>^])?[0-9]{0,3}(\.[0-9]{1,3})?s?", fullmatch=True))
def test_fill_alignment_width_and_precision_are_formats(spec: str) -> None:
    made, problems = parse(f"{{a:{spec}}}")
    assert not problems
    assert made.render(VALUES) == format("enwiki", spec)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("select 1", "select 1"),
        ("{a}{a}", "enwikienwiki"),
        ("{{a}}", "{a}"),
        ("{{{a}}}", "{enwiki}"),
        ("{a-b:.8}", "20150102"),
        ("[{b_1:>3}]", "[   ]"),
        ("a\\{a}\n%s %(a)s $a", "a\\enwiki\n%s %(a)s $a"),
    ],
)
def test_placeholders_are_replaced(text: str, rendered: str) -> None:
    made, problems = parse(text)
    assert problems == []
    assert made.render(VALUES) == rendered


def test_what_is_put_in_is_not_looked_at_again() -> None:
    made, _ = parse("{a} {b}")
    assert made.render({"a": "{b}", "b": "}}"}) == "{b} }}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{a.b}", "{a.b} is no placeholder: only plain names are"),
        ("{a[0]}", "{a[0]} is no placeholder: only plain names are"),
        ("{a.__class__.__mro__}", "{a.__class__.__mro__} is no placeholder: only plain names are"),
        ("{}", "{} is no placeholder: only plain names are"),
        ("{0}", "{0} is no placeholder: only plain names are"),
        ("{a!r}", "{a!r} is no placeholder: only plain names are"),
        ("{ a }", "{ a } is no placeholder: only plain names are"),
        ('{"json": 1}', '{"json": 1} is no placeholder: only plain names are'),
        ("{é}", "{é} is no placeholder: only plain names are"),
        ("{a:d}", "'d' in {a:d} is no format for text"),
        ("{a:=9}", "'=9' in {a:=9} is no format for text"),
        ("{a:99999999999}", "'99999999999' in {a:99999999999} is no format for text"),
        ("{a", "a single { in the text"),
        ("a}", "a single } in the text"),
        ("{{}", "a single } in the text"),
    ],
)
def test_all_but_plain_names_with_plain_formats_is_refused(text: str, what: str) -> None:
    _, problems = parse(text, "q.sql")
    assert [problem.what for problem in problems] == [what]
    assert str(problems[0]).startswith("q.sql:1:")
    assert problems[0].hint == "write {{ and }} where braces are meant"


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("{a\n  b:\t1}", "{a b: 1}"),
        ("{" + "x" * 57 + ".}", "{" + "x" * 57 + ".}"),
        ("{" + "x" * 58 + ".}", "{" + "x" * 58 + "…"),
    ],
)
def test_a_stray_brace_is_told_on_one_short_line(field: str, shown: str) -> None:
    _, [problem] = parse(field)
    assert problem.what == f"{shown} is no placeholder: only plain names are"


def test_a_nested_field_is_refused() -> None:
    _, problems = parse("{a:{b}}")
    assert problems


def test_every_problem_is_told_with_its_line_and_column() -> None:
    _, problems = parse("select {a.b},\r\n\tx, }\n{a} {", "q.sql")
    assert [problem.where for problem in problems] == [
        Where("q.sql", 1, 8),
        Where("q.sql", 2, 5),
        Where("q.sql", 3, 5),
    ]


def test_placeholders_are_found_with_format_and_place() -> None:
    made, _ = parse("é{{\n {a}{b:.8}", "q.sql")
    assert made.placeholders == [Placeholder("a", "", 5), Placeholder("b", ".8", 8)]
    assert [str(made.where(one)) for one in made.placeholders] == ["q.sql:2:2", "q.sql:2:5"]


def test_an_unknown_placeholder_is_told_with_the_nearest_known_one() -> None:
    made, _ = parse("{a}\n {from_timestmp:.8}", "q.sql")
    [problem] = made.unknown({*TIME_PLACEHOLDERS, "a"})
    assert str(problem) == (
        "q.sql:2:2: unknown placeholder {from_timestmp}"
        " (did you mean 'from_timestamp'?; write {{ and }} where braces are meant)"
    )


def test_rendering_without_a_value_is_a_key_error() -> None:
    made, _ = parse("{a}{b}")
    with pytest.raises(KeyError, match="b"):
        made.render({"a": ""})


def test_an_interval_gives_its_placeholders() -> None:
    december = Granularity.MONTHS.interval(Granularity.MONTHS.number(datetime(2015, 12, 5)))
    assert time_values(december, Granularity.MONTHS) == {
        "from_timestamp": "20151201000000",
        "to_timestamp": "20160101000000",
        "from_date": "2015-12-01",
        "to_date": "2016-01-01",
        "year": "2015",
        "month": "12",
        "day": "01",
        "hour": "00",
    }


def test_an_hour_has_no_dates_since_they_could_not_tell_its_bounds() -> None:
    hour = Granularity.HOURS.interval(Granularity.HOURS.number(datetime(2015, 2, 28, 23)))
    assert time_values(hour, Granularity.HOURS) == {
        "from_timestamp": "20150228230000",
        "to_timestamp": "20150301000000",
        "year": "2015",
        "month": "02",
        "day": "28",
        "hour": "23",
    }


@given(granularities, moments)
def test_the_placeholders_of_an_interval_are_the_known_ones(
    granularity: Granularity, moment: datetime
) -> None:
    interval = granularity.interval(granularity.number(moment))
    values = time_values(interval, granularity)
    dates = {"from_date", "to_date"} if granularity is Granularity.HOURS else set()
    assert values.keys() == TIME_PLACEHOLDERS - dates
    start = "".join(values[name] for name in ("year", "month", "day", "hour")) + "0000"
    assert values["from_timestamp"] == start
    # Also for years before 1000, where strftime would not pad.
    assert datetime.strptime(values["to_timestamp"], "%Y%m%d%H%M%S") == interval.end
