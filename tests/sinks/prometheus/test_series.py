"""Series keys: what is written is read, and selectors take what they are made of."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.model import Datapoint
from reportupdater.sinks.prometheus.message import _sample
from reportupdater.sinks.prometheus.query import selector
from reportupdater.sinks.prometheus.series import key_of, labels
from reportupdater.sinks.prometheus.times import written

names = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]*", fullmatch=True)
label_names = st.from_regex(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(names, st.dictionaries(label_names, texts))
def test_a_key_is_read_as_it_was_written(name: str, some: dict[str, str]) -> None:
    pairs = {"__name__": name, **some}
    key = key_of(pairs.items())
    assert dict(labels(key)) == pairs
    assert key_of(labels(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1n",
        "n{",
        "n{}",
        "n{a}",
        "n{a=}",
        'n{a="1}',
        'n{a="1",}',
        'n{a="\\x"}',
        'n{a="1"}b',
        'n{a="\n"}',
        "n m",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no series key"):
        labels(text)


def test_a_selector_quotes_what_values_hold() -> None:
    keys = ['n{a="1.5 (x|y)"}', 'n{a="\\"\\\\"}']
    wanted = r'{__name__="n",a=~"1\\.5 \\(x\\|y\\)|\"\\\\"}'
    assert selector([labels(key) for key in keys]) == wanted


@given(st.integers(-(2**40), 2**40), st.integers(0, 990), st.floats(allow_nan=False))
def test_a_sample_is_as_protobuf_writes_it(moment: int, revision: int, value: float) -> None:
    text = _sample(Datapoint("n", repr(value), moment, revision))
    assert text[0] == 2 << 3 | 2
    assert text[1] == len(text) - 2
    assert text[2] == 1 << 3 | 1
    assert struct.unpack("<d", text[3:11]) == (value,)
    assert text[11] == 2 << 3
    number = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(text[12:]))
    assert [byte >> 7 for byte in text[12:]] == [1] * (len(text) - 13) + [0]
    assert number == written(moment, revision) % (1 << 64)
