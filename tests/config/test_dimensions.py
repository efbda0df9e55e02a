"""`explode_by`: where values come from, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.errors import Severity
from reportupdater.model import Dimension
from tests.config.conftest import Load

TOP = """\
databases: {lite: {engine: sqlite, path: x}}
defaults: {db: lite, granularity: days, starts: 2015-01-02, execute: q}
reports:
  a:
    explode_by:
"""
"""What stands on line 6 is the value of explode_by."""

HINT = "(take letters, digits and _ . + -, first a letter, a digit or _)"
NOT = f"of the dimension 'w' holds what a file name must not {HINT}"


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ("enwiki", "enwiki"),
        ("enwiki, dewiki", "enwiki dewiki"),
        (" enwiki ,dewiki ", "enwiki dewiki"),
        ("|\n        enwiki,\n        dewiki", "enwiki dewiki"),
        ("[enwiki, dewiki]", "enwiki dewiki"),
        ("[no, 0012, 1_000, 2015-01-01, 1.50, null, true, ON]", "no 0012 1_000 2015-01-01 1.50 null true ON"),
        ("no", "no"),
        ("0012", "0012"),
        ("1.0", "1.0"),
        ("2015-01-01", "2015-01-01"),
        ("_x.y+z-1", "_x.y+z-1"),
        ("wikis", "wikis"),
        ("wikis.yaml", "wikis.yaml"),
        ("list", "enwiki"),
        ("my wikis", "enwiki"),
        ("lists/w.txt", "enwiki dewiki"),
        ("crlf.dblist", "enwiki dewiki"),
        ("bom.csv", "enwiki"),
        ("unended.list", "enwiki dewiki"),
        ("spaces.tsv", "enwiki dewiki"),
        ("a folder", None),
    ],
)  # fmt: skip
def test_values_come_from_a_text_a_list_or_a_file(
    load: Load, values: str, read: str | None
) -> None:
    Path("a folder").mkdir()
    project = load(
        f"{TOP}      w: {values}\n",
        **{
            "list": "enwiki\n",
            "my wikis": "enwiki\n",
            "lists/w.txt": "enwiki\ndewiki\n",
            "crlf.dblist": "enwiki\r\ndewiki\r\n",
            "bom.csv": "\ufeffenwiki\n",
            "unended.list": "enwiki\ndewiki",
            "spaces.tsv": "  enwiki\t\ndewiki ",
        },
    )
    if read is None:
        assert [problem.what for problem in project.problems] == [
            "the value 'a folder' of the dimension 'w' holds what a file name must not"
        ]
        return
    assert [str(problem) for problem in project.problems] == []
    assert project.reports[0].dimensions == (Dimension("w", tuple(read.split())),)


def test_dimensions_are_sorted_by_name_and_their_values_are_not(load: Load) -> None:
    project = load(
        f"{TOP}      {{wiki: [b, a], skin: x, Editor: 'z, y', wiki_db: u, edit-count: v}}\n"
    )
    assert [str(problem) for problem in project.problems] == []
    assert project.reports[0].dimensions == (
        Dimension("Editor", ("z", "y")),
        Dimension("edit-count", ("v",)),
        Dimension("skin", ("x",)),
        Dimension("wiki", ("b", "a")),
        Dimension("wiki_db", ("u",)),
    )


OF_A = "the dimension 'w' of report 'a'"
NO_VALUES = f"{OF_A} has no values (for example enwiki, dewiki)"
ALONE = "(a file that holds the values is given alone, as a text)"
EMPTY = "the dimension 'w' has an empty value (remove the blank line or the comma)"


@pytest.mark.parametrize(
    ("dimensions", "problems"),
    [
        ("{w: ^}", [NO_VALUES]),
        ("{w: ^''}", [NO_VALUES]),
        ("{w: ^[]}", [NO_VALUES]),
        ("{w: {values: ^{x: y}}}", [f"'values' of {OF_A} must be a list of values, or a file that holds one, not a mapping"]),
        ("{w: ^{allow_values: any}}", [f"{OF_A} has no 'values' (for example values: wikis.txt)"]),
        ("{w: {values: x, allow_values: ^yes}}", [f"'allow_values' of {OF_A} must be names or any, not yes"]),
        ("{w: {values: x, ^alow_values: any}}", [f"unknown key 'alow_values' of {OF_A} (did you mean 'allow_values'?)"]),
        ("{w: {values: ^x y}}", [f"the value 'x y' {NOT}"]),
        ("{w: {values: ^x y, allow_values: names}}", [f"the value 'x y' {NOT}"]),
        ("{w: [x, ^[y]]}", [f"{OF_A} has a list among its values"]),
        ("{w: ^'x,,y'}", [EMPTY]),
        ("{w: ^'x, y,'}", [EMPTY]),
        ("{w: [x, ^'']}", [EMPTY]),
        ("{w: ^../../x}", [f"{OF_A} has no file ../../x to take its values from"]),
        ("{w: ^/nowhere/x}", [f"{OF_A} has no file /nowhere/x to take its values from"]),
        ("{w: ^wiki.txt}", [f"{OF_A} has no file wiki.txt to take its values from ('wikis.txt' is there)"]),
        ("{w: ^zzz.dblist}", [f"{OF_A} has no file zzz.dblist to take its values from"]),
        ("{w: [^wikis.txt]}", [f"{OF_A} has the file 'wikis.txt' among its values {ALONE}"]),
        ("{w: ^'x, missing.dblist'}", [f"{OF_A} has the file 'missing.dblist' among its values {ALONE}"]),
        ("{w: [x, ^../../y]}", [f"the value '../../y' {NOT}"]),
        ("{w: ^'x, a/b'}", [f"the value 'a/b' {NOT}"]),
        ("{w: ^'..'}", [f"the value '..' {NOT}"]),
        ("{w: ^x..y}", [f"the value 'x..y' of the dimension 'w' holds '..' {HINT}"]),
        ("{w: ^.x}", [f"the value '.x' {NOT}"]),
        ("{w: ^-x}", [f"the value '-x' {NOT}"]),
        ("{w: ^x y}", [f"the value 'x y' {NOT}"]),
        ("{w: [^\"x\\0\"]}", [f"the value 'x\\x00' {NOT}"]),
        ("{w: ^\"x/\\0\"}", [f"the value 'x/\\x00' {NOT}"]),
        ("{w: [^\"x\\n\"]}", [f"the value 'x\\n' {NOT}"]),
        ("{w: [^é]}", [f"the value 'é' {NOT}"]),
        ("{w: [^'{wiki.__class__}']}", [f"the value '{{wiki.__class__}}' {NOT}"]),
        ("{w: [^" + "x" * 201 + "]}", [f"the value '{'x' * 59}…' of the dimension 'w' is longer than 200 characters {HINT}"]),
        ("{w: [enwiki, ^enwiki]}", ["the value 'enwiki' of the dimension 'w' is given twice (first on line 6)"]),
        ("{w: [enwiki, ^EnWiki]}", ["the value 'EnWiki' of the dimension 'w' differs from 'enwiki' in case alone (first on line 6)"]),
        ("{w: ^'enwiki, enwiki'}", ["the value 'enwiki' of the dimension 'w' is given twice"]),
        ("{^day: x}", ["a dimension cannot be called 'day' (this is a placeholder with a meaning of its own)"]),
        ("{^_metric: x}", ["a dimension cannot be called '_metric' (this is a placeholder with a meaning of its own)"]),
        ("{^2x: x}", ["a dimension cannot be called '2x' (take letters, digits, _ and -, first a letter or _)"]),
        ("{^x.y: x}", ["a dimension cannot be called 'x.y' (take letters, digits, _ and -, first a letter or _)"]),
        ("{w: x, ^w: y}", ["the key 'w' is given twice (first on line 6)"]),
        ("{w: ^blank.txt}", ["blank.txt:2:1: the dimension 'w' has an empty value (remove the blank line or the comma)",
            "blank.txt:4:1: the dimension 'w' has an empty value (remove the blank line or the comma)"]),
        ("{w: ^empty.txt}", ["empty.txt: a list of values that is empty"]),
        ("{w: ^latin.txt}", ["latin.txt:2:2: byte 0xe9 is not UTF-8 (save the file as UTF-8)"]),
        ("{w: ^leave.txt}", [f"leave.txt:2:3: the value '../../x' {NOT}"]),
        ("{w: ^case.txt}", ["case.txt:3:1: the value 'DEWIKI' of the dimension 'w' differs from 'dewiki' in case alone (first on line 1)"]),
        ("{w: ^many.txt}", [
            *(f"many.txt:{line}:1: the value 'a b{line}' {NOT}" for line in range(1, 6)),
            "many.txt:6:1: the dimension 'w' has 1,994 more values like these",
        ]),
    ],
)  # fmt: skip
def test_other_values_are_refused_with_their_place(
    load: Load, dimensions: str, problems: list[str]
) -> None:
    """`^` stands where the problem is, unless it is in a list's file."""
    column = dimensions.index("^") + 7
    project = load(
        f"{TOP}      {dimensions.replace('^', '')}\n",
        **{
            "wikis.txt": "enwiki\n",
            "blank.txt": "enwiki\n\ndewiki\n\n",
            "empty.txt": "\n",
            "latin.txt": b"x\ny\xe9\n",
            "leave.txt": "x\n  ../../x\n",
            "case.txt": "dewiki\nx\nDEWIKI\n",
            "many.txt": "".join(f"a b{line}\n" for line in range(1, 2000)),
        },
    )
    at = "" if ".txt:" in problems[0] else f"config.yaml:6:{column}: "
    assert [str(problem) for problem in project.problems] == [
        f"{at}{problem}" for problem in problems
    ]
    assert {problem.report for problem in project.problems} == {"a"}
    assert project.reports == ()


def test_more_series_than_anyone_wants_are_a_mistake(load: Load) -> None:
    numbers = ", ".join(f"x{number}" for number in range(317))
    project = load(f"{TOP}      {{u: [{numbers}], v: [{numbers}]}}\n")
    assert [str(problem) for problem in project.problems] == [
        (
            "config.yaml:6:7: 'explode_by' of report 'a' makes 100,489 series "
            "(at most 100,000 are taken)"
        )
    ]


def test_a_folder_is_no_list(load: Load) -> None:
    Path("lists").mkdir()
    project = load(f"{TOP}      w: lists/\n")
    assert [str(problem) for problem in project.problems] == [
        (
            "config.yaml:6:10: the dimension 'w' of report 'a' has no file lists to take its values from "
            "(it is a folder)"
        )
    ]


ANY = "(`allow_values: any` takes it as it is: a quote or a backslash in it changes the query around it)"


@pytest.mark.parametrize(
    ("values", "read", "odd"),
    [
        ("'x, y'", ["x", "y"], None),
        ("wikis.txt", ["enwiki"], None),
        ("'New York, São Paulo'", ["New York", "São Paulo"], "'New York' of the dimension 'w' and 1 more"),
        ("[x, \"O'Brien\", \"a, b\"]", ["x", "O'Brien", "a, b"], "\"O'Brien\" of the dimension 'w' and 1 more"),
        ("['{wiki.__class__}']", ["{wiki.__class__}"], "'{wiki.__class__}' of the dimension 'w'"),
        ("['$(id)', '~', '*', '%2e', a.b, '日本', '🦊']", ["$(id)", "~", "*", "%2e", "a.b", "日本", "🦊"],
            "'$(id)' of the dimension 'w' and 5 more"),
    ],
)  # fmt: skip
def test_a_dimension_that_takes_any_text_warns_of_what_it_took(
    load: Load, values: str, read: list[str], odd: str | None
) -> None:
    files = {"wikis.txt": "enwiki\n"}
    dimension = f"{{values: {values}, allow_values: any}}"
    project = load(f"{TOP}      w: {dimension}\n", **files)
    assert project.reports[0].dimensions == (Dimension("w", tuple(read)),)
    assert [problem.what for problem in project.problems] == (
        [f"the value {odd} holds more than letters, digits and _ . + -"] if odd else []
    )
    for problem in project.problems:
        assert str(problem).endswith(ANY)
        assert problem.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("'..'", "'..' of the dimension 'w' holds '..'"),
        ("x..y", "'x..y' of the dimension 'w' holds '..'"),
        ("'.'", "'.' of the dimension 'w' begins with '.'"),
        (".x", "'.x' of the dimension 'w' begins with '.'"),
        ("-rf", "'-rf' of the dimension 'w' begins with '-'"),
        ("--", "'--' of the dimension 'w' begins with '-'"),
        ("../../x", "'../../x' of the dimension 'w' holds a slash, a line break or a control character"),
        ("/etc/passwd", "'/etc/passwd' of the dimension 'w' holds a slash, a line break or a control character"),
        ('"x\\0"', "'x\\x00' of the dimension 'w' holds a slash, a line break or a control character"),
        ('"x\\ny"', "'x\\ny' of the dimension 'w' holds a slash, a line break or a control character"),
        ('"x\\ty"', "'x\\ty' of the dimension 'w' holds a slash, a line break or a control character"),
        ('"x\\u2028y"', "'x\\u2028y' of the dimension 'w' holds a slash, a line break or a control character"),
        ('"\\e[2J"', "'\\x1b[2J' of the dimension 'w' holds a slash, a line break or a control character"),
        ("' x'", "' x' of the dimension 'w' begins or ends with white space"),
        ("' '", "' ' of the dimension 'w' begins or ends with white space"),
        ("é" * 101, f"'{'é' * 59}…' of the dimension 'w' is longer than 200 bytes"),
        ("''", "the dimension 'w' has an empty value"),
        ("ENWIKI", "'ENWIKI' of the dimension 'w' differs from 'enwiki' in case alone"),
        ('"\\u0041\\u030A"', "'A\u030a' of the dimension 'w' differs from 'Å' in case alone"),
    ],
)  # fmt: skip
def test_no_dimension_takes_what_leads_elsewhere(load: Load, value: str, wrong: str) -> None:
    project = load(f"{TOP}      w: {{values: [enwiki, Å, {value}], allow_values: any}}\n")
    assert project.reports == ()
    errors = [problem for problem in project.problems if problem.severity is Severity.ERROR]
    [error] = errors
    assert error.what in (wrong, f"the value {wrong}")


def test_values_that_would_make_the_same_metric_path_are_refused_there(load: Load) -> None:
    project = load(
        f"{TOP}      w: {{values: [a b, a_b], allow_values: any}}\n"
        "    graphite: {path: '{w}.{_metric}', metrics: {n: n}}\n"
    )
    [error] = [problem for problem in project.problems if problem.severity is Severity.ERROR]
    assert (
        error.what
        == "'path' of graphite of report 'a' is the same for 'a b' and 'a_b' of the dimension 'w'"
    )
    assert error.hint == "it gives 'a_b.x'"
