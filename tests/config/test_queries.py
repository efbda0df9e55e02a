"""The file of a report's query, or its script."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.conftest import Load

TOP = """\
databases: {lite: {engine: sqlite, path: x}, hive: {engine: hive, host: hive1.example.org}}
defaults: {db: lite, granularity: days, starts: 2015-01-02}
reports:
"""
"""Three lines; a report after them begins on line 4."""

BRACES = "(write {{ and }} where braces are meant)"


@pytest.mark.parametrize(
    ("name", "keys", "problem"),
    [
        ("edits", "", "4:3: report 'edits' has no query file edits.sql"),
        ("pageview", "", "4:3: report 'pageview' has no query file pageview.sql ('pageviews.sql' is there)"),
        ("a", "execute: pagevews", "4:16: report 'a' has no query file pagevews.sql ('pageviews.sql' is there)"),
        ("a", "execute: pageviews.sql", ("4:16: report 'a' has no query file pageviews.sql.sql "
            "(execute names it without the ending .sql)")),
        ("a", "execute: sql/edit", "4:16: report 'a' has no query file sql/edit.sql ('edits.sql' is there)"),
        ("a", "execute: no/edit", "4:16: report 'a' has no query file no/edit.sql"),
        ("a", "execute: folder", "4:16: report 'a' has no query file folder.sql (it is a folder)"),
        ("a", "type: hive, execute: pageviews", "4:28: report 'a' has no query file pageviews.hql"),
        ("s", "type: script", "4:3: report 's' has no script s"),
        ("a", "type: script, execute: runn", "4:30: report 'a' has no script runn ('run' is there)"),
        ("a", "type: script, execute: sql", "4:30: report 'a' has no script sql (it is a folder)"),
        ("a", "type: script, execute: plain", "4:30: the script plain of report 'a' may not be executed (chmod +x plain)"),
        ("loop", "", "4:3: report 'loop' has no query file loop.sql (it is a link that leads nowhere)"),
        ("empty", "", "empty.sql: the query file is empty"),
        ("latin", "", "latin.sql:2:3: byte 0xe9 is not UTF-8 (save the file as UTF-8)"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_there_or_cannot_be_used_is_named(
    load: Load, name: str, keys: str, problem: str
) -> None:
    Path("folder.sql").mkdir()
    Path("loop.sql").symlink_to("loop.sql")
    project = load(
        f"{TOP}  {name}: {{{keys}}}\n",
        **{
            "pageviews.sql": "select 1",
            "sql/edits.sql": "select 1",
            "run": "#!/bin/sh\n",
            "plain": "echo",
            "empty.sql": " \n",
            "latin.sql": b"a\nb \xe9",
        },
    )
    problem = problem if ".sql:" in problem[:14] else f"config.yaml:{problem}"
    assert [str(problem) for problem in project.problems] == [problem]
    assert {problem.report for problem in project.problems} == {name}
    assert project.reports == ()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{from_timestamp} {to_timestamp} {from_date} {to_date} {year} {month} {day} {hour} {wiki}", []),
        ("{from_timestamp:.8} {{from_stamp}} {wiki:>10}", []),
        ("\ufeffselect\r\n{wiki}", []),
        ("select\n  {wikki}", [f"q.sql:2:3: unknown placeholder {{wikki}} (did you mean 'wiki'?; {BRACES[1:]}"]),
        ("é {x}", [("q.sql:1:3: unknown placeholder {x} (known are: day, from_date, from_timestamp, hour, month, "
            f"to_date, to_timestamp, wiki, year; {BRACES[1:]}")]),
        ("{wiki.__class__}", [f"q.sql:1:1: {{wiki.__class__}} is no placeholder: only plain names are {BRACES}"]),
        ("{0} {} {wiki[0]} {wiki!r}", [
            f"q.sql:1:{column}: {{{field}}} is no placeholder: only plain names are {BRACES}"
            for column, field in ((1, "0"), (5, ""), (8, "wiki[0]"), (18, "wiki!r"))
        ]),
        ("a }\n{ b", [f"q.sql:1:3: a single }} in the text {BRACES}", f"q.sql:2:1: a single {{ in the text {BRACES}"]),
        ("{wiki:d} {wiki:999999999999}", [
            f"q.sql:1:1: 'd' in {{wiki:d}} is no format for text {BRACES}",
            f"q.sql:1:10: '999999999999' in {{wiki:999999999999}} is no format for text {BRACES}",
        ]),
        ("{\n  \"a\": 1,\n" + " " * 70 + "}", [f"q.sql:1:1: {{ \"a\": 1, }} is no placeholder: only plain names are {BRACES}"]),
        ("{{x} }", [f"q.sql:1:4: a single }} in the text {BRACES}", f"q.sql:1:6: a single }} in the text {BRACES}"]),
    ],
)  # fmt: skip
def test_placeholders_are_known_names_with_a_plain_format(
    load: Load, text: str, problems: list[str]
) -> None:
    project = load(f"{TOP}  a: {{execute: q, explode_by: {{wiki: enwiki}}}}\n", **{"q.sql": text})
    assert [str(problem) for problem in project.problems] == problems
    assert len(project.reports) == (not problems)


def test_dates_are_no_placeholders_of_an_hour(load: Load) -> None:
    text = "{from_timestamp} {to_timestamp} {hour}\n{from_date} {to_date}"
    project = load(f"{TOP}  a: {{execute: q, granularity: hours}}\n", **{"q.sql": text})
    assert [str(problem) for problem in project.problems] == [
        ("q.sql:2:1: {from_date} has no hour (with granularity: hours write {from_timestamp})"),
        "q.sql:2:13: {to_date} has no hour (with granularity: hours write {to_timestamp})",
    ]


def test_a_query_that_several_reports_run_is_checked_for_each(load: Load) -> None:
    project = load(
        f"{TOP}"
        "  a: {execute: q, explode_by: {wiki: enwiki}}\n"
        "  b: {execute: q}\n"
        "  c: {execute: q, explode_by: {wiki: .x}}\n"
        "  d: {execute: q, explode_by: 5}\n",
        **{"q.sql": "{wiki} {wikis}"},
    )
    assert [(problem.report, problem.what) for problem in project.problems] == [
        ("c", "the value '.x' of the dimension 'wiki' holds what a file name must not"),
        ("d", "'explode_by' of report 'd' must be a mapping of dimensions to values, not 5"),
        ("b", "unknown placeholder {wiki}"),
        (None, "unknown placeholder {wikis}"),
        ("b", "unknown placeholder {wikis}"),
    ]
    assert project.reports == ()
