"""JSON with an indent is as the standard library gives it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.terminal.indented import indented
from tests.making import texts

plain = st.none() | st.booleans() | st.integers() | st.floats() | texts
values: st.SearchStrategy[Any] = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts | st.integers() | st.booleans() | st.none(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_indented_json_is_as_the_standard_library_gives_it(value: Any) -> None:
    assert indented(value) == json.dumps(value, indent=2, ensure_ascii=False)
