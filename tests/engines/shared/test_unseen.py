"""A no-break space and its like are shown in the errors of queries."""

from __future__ import annotations

import pytest

from reportupdater.engines.shared.unseen import explain, first
from reportupdater.errors import QueryError


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT 1", ""),
        ("SELECT 'ü' AS größe", ""),
        ("SELECT\u00a01", "in line 1, character 7 of the query is NO-BREAK SPACE (U+00A0)"),
        (
            "SELECT 'a\u00a0b',\n\t\u3000x",
            "in line 2, character 2 of the query is IDEOGRAPHIC SPACE (U+3000)",
        ),
        ("SELECT 'it''s\u00a0' -- a\u00a0b\n, \"\u2003\" /*\n\u200b*/", ""),
        (
            "\ufeffSELECT 1",
            "in line 1, character 1 of the query is ZERO WIDTH NO-BREAK SPACE (U+FEFF)",
        ),
        (
            "SELECT 'open\u00a0",
            "in line 1, character 13 of the query is NO-BREAK SPACE (U+00A0)",
        ),
    ],
)
def test_the_first_that_is_no_part_of_a_text_or_a_comment_is_named(query: str, place: str) -> None:
    assert first(query) == place


def test_an_error_shows_them_and_says_where_they_are() -> None:
    error = QueryError("(1064) error in your SQL syntax near 'x\u00a0FROM'")
    explain(error, "SELECT x\u00a0FROM t WHERE")
    assert str(error) == (
        "(1064) error in your SQL syntax near 'x<U+00A0>FROM'"
        " (in line 1, character 9 of the query is NO-BREAK SPACE (U+00A0): write a plain space, or"
        " nothing)"
    )


def test_other_errors_stay_as_they_are() -> None:
    error = QueryError("(1142) SELECT command denied", hint="ask for the right")
    explain(error, "SELECT x\u00a0FROM t")
    assert str(error) == "(1142) SELECT command denied (ask for the right)"
