"""What a configuration says of metric paths is checked as far as it can be without a result."""

from __future__ import annotations

import pytest

from reportupdater.errors import Severity
from reportupdater.sinks.graphite.config import GraphiteSettings
from reportupdater.sinks.shared.naming import METRIC
from tests.config.conftest import Load
from tests.making import graphite as graphite_of
from tests.making import metrics as metrics_of

TOP = """\
databases: {lite: {engine: sqlite, path: x}}
defaults: {db: lite, granularity: days, starts: 2015-01-02, execute: q}
"""
PATH = "'path' of graphite of report 'a'"
CAN = "(letters, digits, _ and - can; dots make levels)"


def paths(
    load: Load, path: str, dimensions: str = "{}", metrics: str = "{m: n}", **files: str
) -> list[str]:
    """What is wrong with a path, each without the place, which is that of the path."""
    top = TOP + "".join(
        f"graphite: {{lookups: {{w: {name}}}}}\n" for name in files if "yaml" in name
    )
    place = f"config.yaml:{top.count(chr(10)) + 3}:22: "
    project = load(
        f"{top}reports:\n  a:\n    graphite: {{path: {path}, metrics: {metrics}}}\n"
        f"    explode_by: {dimensions}\n",
        **files,
    )
    assert [report.name for report in project.reports] == ["a"]
    assert (metrics_of(project.reports[0]) is None) == bool(project.problems)
    assert {problem.report for problem in project.problems} <= {"a"}
    problems = [str(problem) for problem in project.problems]
    assert all(problem.startswith(place) for problem in problems), problems
    return [problem.removeprefix(place) for problem in problems]


@pytest.mark.parametrize(
    "path",
    [
        "a", "a.b-c_d.p50:x+y=z%", "größe", "'{_metric}'", "'{_metric}.byWiki.{w}'", "'{w}{_metric}.{column}'",
        "'a{w}.{w:.2}'", "x" * 200, "'{column}'", "'{w}.{column}'", "'{w}.{column}.{w}'",
    ],
)  # fmt: skip
def test_a_path_may_hold_all_that_graphite_takes(load: Load, path: str) -> None:
    assert paths(load, path, "{w: enwiki}") == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a..b", f"{PATH} has an empty node"),
        (".a", f"{PATH} has an empty node"),
        ("a.", f"{PATH} has an empty node"),
        ("'{_metric}.'", f"{PATH} has an empty node"),
        ("'{_metric}..{w}'", f"{PATH} has an empty node"),
        ("a b", f"{PATH} holds ' ', which a metric path cannot hold {CAN}"),
        ("a/b", f"{PATH} holds '/', which a metric path cannot hold {CAN}"),
        ("a;t=1", f"{PATH} holds ';', which a metric path cannot hold {CAN}"),
        ("a*", f"{PATH} holds '*', which a metric path cannot hold {CAN}"),
        ("'a?'", f"{PATH} holds '?', which a metric path cannot hold {CAN}"),
        ("'a[b'", f"{PATH} holds '[', which a metric path cannot hold {CAN}"),
        ("'{{_metric}}'", f"{PATH} holds '{{', which a metric path cannot hold {CAN}"),
        ("a(b", f"{PATH} holds '(', which a metric path cannot hold {CAN}"),
        ('"a\'b"', f"{PATH} holds \"'\", which a metric path cannot hold {CAN}"),
        ("a\u00a0b", f"{PATH} holds '\\xa0', which a metric path cannot hold {CAN}"),
        ("a\u2003b", f"{PATH} holds '\\u2003', which a metric path cannot hold {CAN}"),
        ("x" * 201, f"{PATH} has a node of 201 bytes, more than 200"),
        ("b." + "ü" * 101, f"{PATH} has a node of 202 bytes, more than 200"),
    ],
)  # fmt: skip
def test_what_is_written_into_a_path_is_checked(load: Load, path: str, problem: str) -> None:
    assert paths(load, path, "{w: enwiki}") == [problem]


@pytest.mark.parametrize(
    ("path", "dimensions", "problems"),
    [
        ("'{_metric}'", "{w: [enwiki, dewiki]}",
            [f"{PATH} lacks {{w}}, and so is the same for all values of the dimension 'w' (for example {{_metric}}.{{w}})"]),
        ("'{_metric}.{v}'", "{v: [a, b], w: [enwiki, dewiki]}",
            [f"{PATH} lacks {{w}}, and so is the same for all values of the dimension 'w' (for example {{_metric}}.{{v}}.{{w}})"]),
        ("'{_metric}'", "{w: [enwiki]}", []),
        # A column may tell the values apart as well.
        ("'{_metric}.{column}'", "{w: [enwiki, dewiki]}", []),
        ("'{_metric}.{w:.2}'", "{w: [enwiki, dewiki, enwikt]}",
            [f"{PATH} is the same for 'enwiki' and 'enwikt' of the dimension 'w' (it gives 'x.en')"]),
        ("'{_metric}.{w:.2}.{w}'", "{w: [enwiki, enwikt]}", []),
        ("'{_metric}.{w}'", "{w: [a., b]}", [f"{PATH} has an empty node with 'a.' of the dimension 'w' (it gives 'x.a.')"]),
        ("'{_metric}.{w}.c'", "{w: [a., b]}", [f"{PATH} has an empty node with 'a.' of the dimension 'w' (it gives 'x.a..c')"]),
        ("'{_metric}.{w}c'", "{w: [a., b]}", []),
        ("'{_metric}.{w:.0}.{w}'", "{w: [a, b]}", [f"{PATH} has an empty node"]),
        ("'{_metric}.{v}{w}'", "{{v: [{}, b], w: [{}]}}".format("x" * 150, "y" * 51),
            [f"{PATH} has a node of 201 bytes, more than 200 (with the longest of the values that it takes)"]),
        ("'{_metric}.{v}{w}'", "{{v: [{}, b], w: [{}]}}".format("x" * 150, "y" * 50), []),
    ],
)  # fmt: skip
def test_a_path_must_suit_all_values_of_the_dimensions(
    load: Load, path: str, dimensions: str, problems: list[str]
) -> None:
    assert paths(load, path, dimensions) == problems


@pytest.mark.parametrize(
    ("metrics", "problems"),
    [
        ("{a.b: n, c-d: n, größe: n}", []),
        ("{a: n, ^b c: n}", [f"the metric 'b c' of graphite of report 'a' holds ' ', which a metric path cannot hold {CAN}"]),
        ("{^a.: n}", ["the metric 'a.' of graphite of report 'a' has an empty node"]),
        ("{^a..b: n, c: n}", ["the metric 'a..b' of graphite of report 'a' has an empty node"]),
        ("{'^a*': n}", [f"the metric 'a*' of graphite of report 'a' holds '*', which a metric path cannot hold {CAN}"]),
        ("{^%s: n}" % ("x" * 201), [f"the metric '{'x' * 59}…' of graphite of report 'a' has a node of 201 bytes, more than 200"]),
    ],
)  # fmt: skip
def test_names_of_metrics_are_checked_with_their_place(
    load: Load, metrics: str, problems: list[str]
) -> None:
    """`^` stands where the problem is."""
    line = "    graphite: {path: '{_metric}', metrics: "
    place = f"config.yaml:5:{len(line) + metrics.replace(chr(39), '').find('^') + 1}: "
    project = load(f"{TOP}reports:\n  a:\n{line}{metrics.replace('^', '')}}}\n")
    assert [str(problem) for problem in project.problems] == [place + told for told in problems]


def test_two_metrics_may_not_have_the_same_path(load: Load) -> None:
    assert paths(load, "'{_metric:.2}'", metrics="{edits: n, eds: m}") == [
        f"{PATH} is the same for 'edits' and 'eds' of the metrics (it gives 'ed')"
    ]


def test_of_many_values_that_do_not_suit_a_path_the_first_are_told(load: Load) -> None:
    values = ", ".join(f"wiki{number}" for number in range(100))
    assert len(paths(load, "'{_metric}.{w:.2}'", f"{{w: [{values}]}}")) == 5


def test_a_lookup_gives_names_and_may_make_levels(load: Load) -> None:
    lookup = {"n.yaml": "enwiki: wikipedia.en\ndewiki: wikipedia.de\n"}
    assert paths(load, "'{_metric}.{w}'", "{w: [enwiki, dewiki, other]}", **lookup) == []


@pytest.mark.parametrize(
    ("lookup", "problem"),
    [
        ("enwiki: a b", f"n.yaml:1:9: the name 'a b' of 'enwiki' holds ' ', which a metric path cannot hold {CAN}"),
        ("enwiki: 'a*'", f"n.yaml:1:9: the name 'a*' of 'enwiki' holds '*', which a metric path cannot hold {CAN}"),
        ("x: y\nenwiki: a..b", "n.yaml:2:9: the name 'a..b' of 'enwiki' has an empty node"),
        ("enwiki: .a", "n.yaml:1:9: the name '.a' of 'enwiki' has an empty node"),
        ("enwiki: " + "x" * 201, f"n.yaml:1:9: the name '{'x' * 59}…' of 'enwiki' has a node of 201 bytes, more than 200"),
    ],
)  # fmt: skip
def test_names_of_a_lookup_are_checked_with_their_place(
    load: Load, lookup: str, problem: str
) -> None:
    config = f"{TOP}graphite: {{lookups: {{w: n.yaml}}}}\nreports: {{a: {{explode_by: {{w: enwiki}}}}}}\n"
    project = load(config, **{"n.yaml": lookup})
    assert [str(found) for found in project.problems] == [problem]
    assert graphite_of(project) is None
    assert [report.name for report in project.reports] == ["a"]


def test_values_that_a_lookup_calls_the_same_are_told(load: Load) -> None:
    lookup = {"n.yaml": "enwiki: en\nenwiktionary: en\n"}
    assert paths(load, "'{_metric}.{w}'", "{w: [enwiki, enwiktionary]}", **lookup) == [
        f"{PATH} is the same for 'enwiki' and 'enwiktionary' of the dimension 'w' (it gives 'x.en')"
    ]


def test_a_lookup_of_no_dimension_is_worth_a_warning(load: Load) -> None:
    config = "graphite: {lookups: {wiki: n.yaml, wkii: n.yaml}}\n" + TOP
    one, other = "{explode_by: {wiki: enwiki}}", "{explode_by: {editor: x}}"
    project = load(f"{config}reports: {{a: {one}, b: {other}}}\n", **{"n.yaml": "a: b"})
    assert [(str(problem), problem.severity) for problem in project.problems] == [
        (("config.yaml:1:36: lookups of graphite has 'wkii', which is no dimension of any report "
         "(did you mean 'wiki'?)"), Severity.WARNING)
    ]  # fmt: skip
    assert graphite_of(project) is not None


def test_where_a_report_is_invalid_nobody_knows_all_dimensions(load: Load) -> None:
    config = "graphite: {lookups: {wkii: n.yaml}}\n" + TOP
    project = load(f"{config}reports: {{a: {{}}, b: {{lag: x}}}}\n", **{"n.yaml": "a: b"})
    assert [problem.severity for problem in project.problems] == [Severity.ERROR]


def test_the_project_says_how_datapoints_are_sent(load: Load) -> None:
    keys = "{host: graphite.example.org, enabled: no, drain_timeout: 1.5, new_metrics_warning: 0}"
    project = load(f"graphite: {keys}\n{TOP}reports: {{a: {{}}}}\n")
    assert project.problems == ()
    assert graphite_of(project) == GraphiteSettings(
        host="graphite.example.org", enabled=False, drain_timeout=1.5, new_metrics_warning=0
    )


def test_defaults_of_the_keys_are_those_of_the_model(load: Load) -> None:
    assert graphite_of(load(f"graphite: {{}}\n{TOP}reports: {{a: {{}}}}\n")) == GraphiteSettings()


def test_a_default_that_does_not_suit_a_report_is_told_of_it_once(load: Load) -> None:
    config = """\
databases: {lite: {engine: sqlite, path: x}}
defaults:
  db: lite
  granularity: days
  starts: 2015-01-02
  execute: q
  graphite: {path: '{_metric}', metrics: {m: n}}
reports:
  a: {explode_by: {w: [x, y]}}
  b: {explode_by: {w: [x, y]}}
  c: {}
"""
    project = load(config)
    assert [str(problem) for problem in project.problems] == [
        (
            "config.yaml:7:20: 'path' of graphite of defaults lacks {w}, and so is the same for all values "
            "of the dimension 'w' (for example {_metric}.{w})"
        )
    ]
    sending = {report.name: metrics_of(report) is not None for report in project.reports}
    assert sending == {"a": False, "b": False, "c": True}


def test_the_metrics_placeholder_is_no_dimension(load: Load) -> None:
    project = load(f"{TOP}reports: {{a: {{explode_by: {{{METRIC}: x}}}}}}\n")
    assert [report.name for report in project.reports] == []
