from __future__ import annotations

import time

import pytest

from reportupdater.engines.hive.statements import first_word, is_setting, statements
from tests.helpers import patient


def test_a_semicolon_at_the_end_goes() -> None:
    assert statements("SELECT 1;") == ["SELECT 1"]
    assert statements("SELECT 1 ;\n ; \n;") == ["SELECT 1"]
    assert statements("SELECT 1") == ["SELECT 1"]


@pytest.mark.parametrize("text", ["", " \n", ";", ";;\n;", "-- it's nothing", "/* ; */ ;"])
def test_a_file_without_a_statement_has_none(text: str) -> None:
    assert statements(text) == []


@pytest.mark.parametrize(
    "first",
    [
        "SELECT 'a;b', \"c;d\", `e;f`",
        r"SELECT 'it\'s; so', 'a\\'",
        r'SELECT "a\"b;", "\\"',
        "SELECT 'it''s;', ';', '\\;'",
        "SELECT '-- no; comment', '/* nor; this */', \"--;\"",
        "SELECT 'ü; 😀;', `𝄞;`",
        "SELECT 'two\nlines;'",
        "SELECT /*+ MAPJOIN(a;b) */ 1",
        "SELECT 10L, 1.5e3BD, x.1a, a[0], m['k;'] FROM 2015_t",
        "EXPLAIN SELECT ';'",
        "SHOW TABLES 'a;b'",
        "ADD JAR hdfs://host/a.jar",
        "CREATE TABLE t AS SELECT CASE WHEN a THEN 1 END",
    ],
)
def test_a_semicolon_between_quotes_is_no_end(first: str) -> None:
    assert [text.strip() for text in statements(f"{first}; SELECT 2;")] == [first, "SELECT 2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('SELECT 1 -- it\'s; "here" ü 😀\n, 2; SELECT 3', ["SELECT 1\n, 2", "\nSELECT 3"]),
        ('SELECT 1 /* it\'s; "here" ü */, 2; SELECT 3', ["SELECT 1 , 2", "SELECT 3"]),
        ("SELECT/**/1--\n;SELECT 3--", ["SELECT 1", "\nSELECT 3"]),
        ("SELECT /* a /* b */ 1", ["SELECT 1"]),
        ("SELECT /* a /* b; */ ; c */ 1; SELECT 2 /* /* */ */", ["SELECT 1", "SELECT 2"]),
        ("/* a /* b */\nSET c=1;\n*/ SELECT 1", ["\n\nSELECT 1"]),
        ("/* a /* b */\nSET c=it's;\nSELECT 1 /* d */", ["SET c=it's", "\n\nSELECT 1"]),
        ("SELECT '/*', 1 /* /* */ */, `/*`", ["SELECT '/*', 1 , `/*`"]),
        ("-- it's a report\nSET a=1;\n", ["SET a=1"]),
        ("EXPLAIN /* ; */ SELECT 1", ["EXPLAIN SELECT 1"]),
    ],
)
def test_comments_go_whatever_they_hold(text: str, expected: list[str]) -> None:
    assert statements(text) == expected


def test_queries_stay_in_their_lines() -> None:
    text = "-- About\n/* two\nlines */\nSELECT 1,\n2;\n\nCREATE TABLE t (n INT);\nINSERT INTO t\nSELECT"
    assert statements(text) == [
        "\n\n\nSELECT 1,\n2",
        "CREATE TABLE t (n INT)",
        "\n" * 7 + "INSERT INTO t\nSELECT",
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "SET a.b=1",
        "set mapred.job.name=it's mine",
        'SET a=5" disks',
        "SET a='x;y'",
        'SET a="x;y"',
        "SET `a`=`x;y`",
        r"SET a=x\;y",
        "SET a=http://host/path--x",
        "SET a=/* no comment",
        "SET",
        "SET -v",
    ],
)
def test_a_set_line_is_taken_as_it_is(setting: str) -> None:
    assert statements(f"{setting};\n SELECT ';';") == [setting, "\nSELECT ';'"]
    assert statements(f"SELECT 1;\n  {setting}\n") == ["SELECT 1", setting]
    assert is_setting(setting)


def test_several_settings_stand_in_one_line() -> None:
    text = "SET a=it's; set b=it's; USE x; SELECT 1"
    assert statements(text) == ["SET a=it's", "set b=it's", "USE x", "SELECT 1"]


def test_a_line_that_begins_with_set_may_be_a_part_of_something_else() -> None:
    for text in (
        "SELECT '\nSET a=it\\'s;\n'",
        "UPDATE t\nSET a = 'x;y'\nWHERE b",
        "ALTER TABLE t\nset tblproperties ('a'=';')",
    ):
        assert statements(text) == [text]
    assert statements("SELECT 1 /*\nSET a=it's;\n*/ + 1") == ["SELECT 1\n \n+ 1"]


@pytest.mark.parametrize("text", ["SELECT 'abc", "SELECT 1 /* abc", "SELECT `a"])
def test_a_quote_without_an_end_is_left_to_the_server(text: str) -> None:
    assert statements(f"{text};\n") == [text]


def test_a_file_in_which_every_line_begins_with_set_takes_no_time() -> None:
    began = time.monotonic()
    assert len(statements("UPDATE t\nSET a='it\\'s'\n;SET b=c;\n" * 500)) == 1000
    assert time.monotonic() - began < patient(5)


@pytest.mark.parametrize(
    ("statement", "word"),
    [("select 1", "SELECT"), ("\n(SELECT 1)", "SELECT"), ("Set\ta=1", "SET"), ("use x", "USE")],
)
def test_the_first_word_tells_what_it_is(statement: str, word: str) -> None:
    assert first_word(statement) == word
    assert is_setting(statement) == (word in ("SET", "USE"))
