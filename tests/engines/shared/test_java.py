from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportupdater.engines.shared import java


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5.0, "5.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (-1234567.5, "-1234567.5"),
        (0.001, "0.001"),
        (9999999.999999998, "9999999.999999998"),
        (0.00099999, "9.9999E-4"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (123456789.0, "1.23456789E8"),
        (1e10, "1.0E10"),
        (1e-5, "1.0E-5"),
        (-1.5e300, "-1.5E300"),
        (2e23, "2.0E23"),
        (3.191142564539115e17, "3.191142564539115E17"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (2.2250738585072014e-308, "2.2250738585072014E-308"),
        (5e-324, "4.9E-324"),
        (1e-323, "9.9E-324"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_a_double_is_written_as_java_does(value: float, expected: str) -> None:
    assert java.double(value) == expected


_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,6})\.(?:0|[0-9]*[1-9])")
_SCIENTIFIC = re.compile(r"-?[1-9]\.(?:0|[0-9]*[1-9])E(?:-[1-9][0-9]*|[1-9][0-9]*)")


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e7)
@example(1e-3)
@example(5e-324)
@example(9007199254740993.0)
def test_a_double_keeps_its_value_and_has_javas_form(value: float) -> None:
    text = java.double(value)
    assert float(text) == value
    plain = value == 0 or 1e-3 <= abs(value) < 1e7
    assert (_PLAIN if plain else _SCIENTIFIC).fullmatch(text)
    assert len(re.sub(r"\D", "", text)) <= len(re.sub(r"\D", "", repr(value))) + 3
