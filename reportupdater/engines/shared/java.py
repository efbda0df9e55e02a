"""Numbers as Java writes them: so do Hive and Trino where they print a double."""

from __future__ import annotations

import math


def double(value: float) -> str:
    """Return the text of a double in the form of Java's `Double.toString`, with the fewest digits.

    The digits are those of Java 19 and later. Earlier ones write one too many for some values,
    `3.1911425645391149E17` for instance, where `3.191142564539115E17` is the same number.

    >>> [double(x) for x in (5.0, 1e10, 1e-5, 12345678.9, -0.0, math.nan, -math.inf)]
    ['5.0', '1.0E10', '1.0E-5', '1.23456789E7', '-0.0', 'NaN', '-Infinity']
    """
    if 1e-3 <= abs(value) < 1e7 or value == 0:
        return float.__repr__(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    # Python's digits are the fewest, too, but Java writes at least two, the nearest such.
    short, two = float.__repr__(value), f"{value:.1e}"
    text = two if float(two) == value else short
    return _scientific(text)


def _scientific(text: str) -> str:
    """Return a decimal number as `d.d…Ee`, with one digit before the point and no needless zeros."""
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1 - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{power}"
