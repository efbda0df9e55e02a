"""A report's series: one for each combination of its dimensions' values. Pure."""

from __future__ import annotations

from itertools import product

from reportupdater.model import Report, Series


def explode(report: Report) -> list[Series]:
    """The series of a report, in the order in which the values are written."""
    values = (dimension.values for dimension in report.dimensions)
    return [Series(report, combination) for combination in product(*values)]
