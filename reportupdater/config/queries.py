"""The placeholders of a query, checked against what its report gives them."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from reportupdater.errors import Problem
from reportupdater.intervals import Granularity
from reportupdater.template import TIME_PLACEHOLDERS, Template

_MOST_SHOWN = 5
_NOT_FOR_HOURS = {"from_date": "from_timestamp", "to_date": "to_timestamp"}


def check_placeholders(
    query: Template, dimensions: Collection[str], granularity: Granularity | None
) -> list[Problem]:
    """Return what is wrong with the names in a query.

    A granularity of None is one that could not be read.
    """
    problems = query.unknown(TIME_PLACEHOLDERS.union(dimensions))
    if granularity is not Granularity.HOURS:
        return problems
    return problems + [
        Problem(
            f"{{{placeholder.name}}} has no hour",
            query.where(placeholder),
            f"with granularity: hours write {{{_NOT_FOR_HOURS[placeholder.name]}}}",
        )
        for placeholder in islice(
            (part for part in query.placeholders if part.name in _NOT_FOR_HOURS), _MOST_SHOWN
        )
    ]
