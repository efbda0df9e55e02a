"""A report's series: one for each combination of its dimensions' values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import product

from reportupdater.model import Report, Series
from reportupdater.spelling import normal

Only = Mapping[str, Set[str]]
"""Dimension → the values that are wanted, in NFC; a dimension that is not there may have any."""

EVERY: Only = {}


def explode(report: Report, only: Only = EVERY) -> list[Series]:
    """Return the series of a report that are wanted, in the order in which the values are written.

    None is, where the report lacks a dimension of which a value is wanted.
    """
    values = (dimension.values for dimension in report.dimensions)
    series = (Series(report, combination) for combination in product(*values))
    return [one for one in series if is_wanted(one, only)]


def is_wanted(series: Series, only: Only) -> bool:
    """Return whether a series has one of the wanted values in each dimension that `only` names."""
    dimensions = series.dimensions if only else {}
    return all(normal(dimensions.get(name, "")) in values for name, values in only.items())
