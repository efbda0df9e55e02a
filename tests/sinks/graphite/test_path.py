"""What a metric path may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.sinks.graphite.path import MAX_NODE, MAX_PATH, cleaned, fault, refused

texts = st.text() | st.text("ab. \t\"'/;*?[]{}()\u00a0\u2028\x00é")


@given(texts)
def test_a_cleaned_text_holds_nothing_that_is_refused_and_is_as_long(text: str) -> None:
    assert refused(cleaned(text)) == ""
    assert len(cleaned(text)) == len(text)
    assert cleaned(text).count(".") == text.count(".")


@given(texts)
def test_a_text_without_what_is_refused_stays_as_it_is(text: str) -> None:
    assert (cleaned(text) == text) == (refused(text) == "" or refused(text) == "_")


@given(texts)
def test_a_cleaned_text_is_one_word_whoever_cuts_at_white_space(text: str) -> None:
    assert len(cleaned(text).split()) == bool(text)
    assert len(cleaned(text).splitlines()) == bool(text)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("a", ""),
        ("a.b.c", ""),
        ("", "has an empty node"),
        (".", "has an empty node"),
        (".a", "has an empty node"),
        ("a.", "has an empty node"),
        ("a..b", "has an empty node"),
        ("x" * MAX_NODE + ".b", ""),
        ("b." + "x" * (MAX_NODE + 1), "has a node of 201 bytes, more than 200"),
        ("é" * (MAX_NODE // 2), ""),
        ("é" * (MAX_NODE // 2) + "x", "has a node of 201 bytes, more than 200"),
        (".".join("x" * (MAX_PATH // 2)), ""),
        (".".join("x" * (MAX_PATH // 2 + 1)), "has 2,001 bytes, more than 2,000"),
    ],
)
def test_nodes_are_neither_empty_nor_too_long(path: str, wrong: str) -> None:
    assert fault(path) == wrong
