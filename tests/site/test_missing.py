"""Why intervals are missing, as stretches."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reportupdater.operations.site_missing import split


@given(
    st.integers(0, 20),
    st.integers(1, 20),
    st.dictionaries(st.integers(0, 45), st.sampled_from(("failed", "held", "due")), max_size=8),
)
def test_each_interval_is_in_one_stretch_with_its_own_reason(
    first: int, length: int, known: dict[int, str]
) -> None:
    past = first + length
    found = list(split(first, past, "due", known))
    reasons = [(number, why) for begin, end, why in found for number in range(begin, end)]
    assert reasons == [(number, known.get(number, "due")) for number in range(first, past)]
    assert all(one[2] != other[2] for one, other in pairwise(found))
